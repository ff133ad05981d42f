package narrowcast_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// TestVerifyingIsQuiet reads the sources: a verifier starts no goroutine, opens
// no socket or file, reads no clock and prints nothing.
func TestVerifyingIsQuiet(t *testing.T) {
	forbidden := []string{"net", "net/http", "os", "os/exec", "syscall", "log", "log/slog", "unsafe", "plugin"}
	read := 0
	for _, pattern := range []string{"*.go", "internal/jose/*.go", "internal/strictjson/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			read++
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, imported := range file.Imports {
				if slices.Contains(forbidden, strings.Trim(imported.Path.Value, `"`)) {
					t.Errorf("%s imports %s", name, imported.Path.Value)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if what := loud(n); what != "" {
					t.Errorf("%s: %s", name, what)
				}
				return true
			})
		}
	}
	if read < 15 {
		t.Errorf("only %d files were read", read)
	}
}

func loud(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "starts a goroutine"
	case *ast.SelectorExpr:
		if pkg, ok := n.X.(*ast.Ident); ok {
			switch called := pkg.Name + "." + n.Sel.Name; called {
			case "time.Now", "time.Since", "time.Until", "time.Sleep", "time.AfterFunc", "fmt.Print", "fmt.Printf", "fmt.Println":
				return "uses " + called
			}
		}
	}
	return ""
}

func TestVerifierStartsNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	d := newCachedDoor(t)
	text := d.pen.sign(t, goodHead, right)
	for range 10 {
		mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines became %d", before, after)
	}
}
