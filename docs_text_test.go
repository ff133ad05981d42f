package narrowcast_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every document, script and source text speaks of the project alone: no path
// of somebody's machine, no unfinished sentence.
func TestNothingPointsOutsideTheHouse(t *testing.T) {
	forbidden := []string{"/" + "work/", "/" + "root/", "/" + "home/", "/" + "Users/", "lorem" + " ipsum", "TO" + "DO", "FIX" + "ME"}
	eachText(t, func(name, text string) {
		for n, line := range strings.Split(text, "\n") {
			for _, word := range forbidden {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d contains %q", name, n+1, word)
				}
			}
		}
	})
}

// eachText visits every text file of the repository outside hidden directories.
func eachText(t *testing.T, visit func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (len(name) > 1 && d.Name()[0] == '.' || d.Name() == "node_modules" || d.Name() == "venv"):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains([]string{".go", ".md", ".txt", ".txtar", ".yaml", ".json", ".sh", ".mod", ".sql", ".py", ".mjs", ".js", ""}, filepath.Ext(name)):
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && len(text) < 1<<20 {
			visit(filepath.ToSlash(name), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
