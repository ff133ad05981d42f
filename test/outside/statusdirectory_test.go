package outside_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// awaitProblem: the directory is not there, the log says so by its name, and the
// issuer goes on.
func (l *lists) awaitProblem(t *testing.T) {
	t.Helper()
	if !l.log.says(t, "the status lists were not exported", l.export, "no such file or directory") {
		t.Errorf("nothing is said of a directory that is not there:\n%s", l.log.bytes())
	}
	l.token(t, ledger)
}

// makeExport makes the directory with files in it that are not the issuer's, and
// returns their names.
func (l *lists) makeExport(t *testing.T) []string {
	t.Helper()
	names := []string{"README", "ä name\nof two lines.txt", "thequarterlyreportofmarket", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "index.json.bak", ".status-page"}
	draft := l.export + "-draft"
	must(t, os.MkdirAll(filepath.Join(draft, "abcdefghijklmnopqrstuvwxyz"), 0o755))
	for _, name := range names {
		must(t, os.WriteFile(filepath.Join(draft, name), []byte("mine"), 0o644))
	}
	must(t, os.Rename(draft, l.export))
	return append(names, "abcdefghijklmnopqrstuvwxyz")
}

// strangersStay: besides these files there are the lists and their index alone.
func (l *lists) strangersStay(t *testing.T, names []string) {
	t.Helper()
	files, err := os.ReadDir(l.export)
	must(t, err)
	var have []string
	for _, f := range files {
		if draft := strings.HasPrefix(f.Name(), ".status-"); !draft || slices.Contains(names, f.Name()) { // one may be written now
			have = append(have, f.Name())
		}
	}
	for _, name := range names {
		if !slices.Contains(have, name) {
			t.Errorf("%q is gone from the directory of the lists", name)
		}
	}
	if more := len(have) - len(names); more != 4 { // of three processes, and the index
		t.Errorf("%d files are the issuer's, want 4: %q", more, have)
	}
}

// serveStatic shows the directory by the web server of Python.
func (l *lists) serveStatic(t *testing.T) {
	t.Helper()
	address := freeAddresses(t, 1)[0]
	_, port, _ := strings.Cut(address, ":")
	serve(t, "Serving HTTP", 1, os.Environ(), "python3", "-u", "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", l.export)
	l.static = "http://" + address
}
