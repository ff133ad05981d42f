package narrowcast_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippets are the Go code blocks of all pages.
func snippets(pages map[string]string) map[string]string {
	found := map[string]string{}
	for name, text := range pages {
		for i, m := range fence.FindAllStringSubmatch(text, -1) {
			if m[1] == "go" {
				found[fmt.Sprintf("%s_%d", name, i)] = m[2]
			}
		}
	}
	return found
}

// importable are the packages that a snippet may use without an import clause.
var importable = map[string]string{
	"errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "os": "os", "time": "time", "context": "context", "testing": "testing",
	"narrowcast": libraryPath, "guard": libraryPath + "/guard", "jwks": libraryPath + "/jwks", "client": libraryPath + "/client",
	"event": libraryPath + "/event", "mint": libraryPath + "/mint", "dpop": libraryPath + "/dpop", "narrowcasttest": libraryPath + "/narrowcasttest",
}

// compilable makes a file out of a snippet: package clause and imports are left
// out on the page, for the reader knows them.
func compilable(snippet string) string {
	if strings.HasPrefix(snippet, "package ") {
		return snippet
	}
	var file strings.Builder
	file.WriteString("package snippet\n\nimport (\n")
	for name, importPath := range importable {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(snippet) {
			fmt.Fprintf(&file, "\t%q\n", importPath)
		}
	}
	file.WriteString(")\n\n" + snippet + "\n")
	return file.String()
}

func TestSnippetsCompile(t *testing.T) {
	all := snippets(documents(t))
	if len(all) == 0 {
		t.Error("the pages show no Go at all")
	}
	for name, snippet := range all {
		t.Run(name, func(t *testing.T) {
			if out, err := vetSnippet(t, snippet); err != nil {
				t.Errorf("%v\n%s\n%s", err, out, compilable(snippet))
			}
		})
	}
	t.Run("one that does not is seen", func(t *testing.T) {
		if _, err := vetSnippet(t, "func f() error { return narrowcast.NoSuchThing }"); err == nil {
			t.Error("a snippet with an unknown name passed")
		}
	})
}

// vetSnippet compiles a snippet in a module of its own, as a reader would.
func vetSnippet(t *testing.T, snippet string) (output []byte, err error) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	module := "module snippet.test\n\ngo 1.26\n\nrequire " + libraryPath + " v0.0.0\n\nreplace " + libraryPath + " => " + root + "\n"
	for name, text := range map[string]string{"go.mod": module, "snippet.go": compilable(snippet)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "vet", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	return cmd.CombinedOutput()
}
