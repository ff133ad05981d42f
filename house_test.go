package narrowcast_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exceptions are the places where a house rule does not hold, each with its
// reason. A key is "rule path"; a path that ends in "/" stands for everything
// below it. An exception that nothing uses is an error.
var exceptions = map[string]string{
	"clock service/cmd/narrowcast/":           "wiring: here the clock of the machine is handed to the rooms",
	"exit service/cmd/narrowcast/":            "the binary has an exit code",
	"exit adapters/kms/cmd/":                  "the binary has an exit code, and ends when its token is gone",
	"exit vectors/internal/corpus/write/":     "a program for people who add vectors; it has an exit code",
	"panic service/internal/httpapi/reply.go": "hands http.ErrAbortHandler back to net/http, which asks for it by panic",
}

// houseFile is one Go file of the two modules, parsed.
type houseFile struct {
	path   string
	syntax *ast.File
}

// houseFiles parses the Go files of library and service, by directory. Tools,
// benchmarks and the tests between modules are not part of the product.
func houseFiles(t *testing.T) (set *token.FileSet, byDir map[string][]houseFile) {
	t.Helper()
	set, byDir = token.NewFileSet(), map[string][]houseFile{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"tools", "test", "bench"}, name) || d.Name() == "testdata" || len(name) > 1 && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		syntax, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		byDir[path.Dir(name)] = append(byDir[path.Dir(name)], houseFile{name, syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, byDir
}

// breach is one place where a rule does not hold.
type breach struct {
	rule, path, what string
}

func TestHouseRules(t *testing.T) {
	set, byDir := houseFiles(t)
	used := map[string]bool{}
	for _, files := range byDir {
		for _, b := range houseBreaches(set, files) {
			if key := excepted(b); key != "" {
				used[key] = true
				continue
			}
			t.Errorf("%s: %s (rule %q)", b.path, b.what, b.rule)
		}
	}
	for key, reason := range exceptions {
		if !used[key] || reason == "" {
			t.Errorf("the exception %q is not needed, or has no reason: remove it", key)
		}
	}
}

// excepted returns the key of the exception that covers b.
func excepted(b breach) string {
	file, _, _ := strings.Cut(b.path, ":")
	for key := range exceptions {
		rule, place, _ := strings.Cut(key, " ")
		if rule == b.rule && (place == file || strings.HasSuffix(place, "/") && strings.HasPrefix(file, place)) {
			return key
		}
	}
	return ""
}

// houseBreaches applies every rule to the files of one directory.
func houseBreaches(set *token.FileSet, files []houseFile) []breach {
	var found []breach
	var code []*ast.File
	bubble := slices.ContainsFunc(files, usesBubble)
	for _, f := range files {
		test := strings.HasSuffix(f.path, "_test.go")
		report := func(rule string, at token.Pos, format string, args ...any) {
			place := fmt.Sprintf("%s:%d", f.path, set.Position(at).Line)
			found = append(found, breach{rule, place, fmt.Sprintf(format, args...)})
		}
		switch {
		case test:
			checkTestFile(f.syntax, bubble, report)
		default:
			code = append(code, f.syntax)
			checkFile(f.syntax, report)
		}
	}
	return append(found, checkVariables(set, code)...)
}

type reporter func(rule string, at token.Pos, format string, args ...any)

// checkFile looks for what may not be in code: init, panic outside Must…,
// printing, exiting, and a clock that nobody handed in.
func checkFile(file *ast.File, report reporter) {
	for _, decl := range file.Decls {
		f, isFunc := decl.(*ast.FuncDecl)
		if isFunc && f.Recv == nil && f.Name.Name == "init" {
			report("init", f.Pos(), "an init function runs where nobody sees it")
		}
		mayPanic := isFunc && strings.HasPrefix(strings.ToLower(f.Name.Name), "must")
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				checkBuiltin(n, mayPanic, report)
			case *ast.SelectorExpr:
				checkSelector(n, report)
			}
			return true
		})
	}
}

func checkBuiltin(call *ast.CallExpr, mayPanic bool, report reporter) {
	name, ok := call.Fun.(*ast.Ident)
	switch {
	case !ok:
	case name.Name == "panic" && !mayPanic:
		report("panic", call.Pos(), "panic outside a Must function")
	case name.Name == "print" || name.Name == "println":
		report("print", call.Pos(), "%s writes past every log", name.Name)
	}
}

// forbidden are the names that only few files may use, with the rule of each.
var forbidden = map[string]string{
	"fmt.Print": "print", "fmt.Printf": "print", "fmt.Println": "print",
	"log.Print": "print", "log.Printf": "print", "log.Println": "print",
	"os.Exit": "exit", "log.Fatal": "exit", "log.Fatalf": "exit", "log.Fatalln": "exit", "runtime.Goexit": "exit",
	"log.Panic": "panic", "log.Panicf": "panic", "log.Panicln": "panic",
	"time.Now": "clock", "time.Since": "clock", "time.Until": "clock",
	"http.DefaultClient": "global", "http.DefaultServeMux": "global", "slog.Default": "global", "slog.SetDefault": "global",
}

func checkSelector(s *ast.SelectorExpr, report reporter) {
	pkg, ok := s.X.(*ast.Ident)
	if !ok {
		return
	}
	name := pkg.Name + "." + s.Sel.Name
	if rule := forbidden[name]; rule != "" {
		report(rule, s.Pos(), "%s is used", name)
	}
}

// usesBubble reports whether a file runs tests in synthetic time.
func usesBubble(f houseFile) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
}

// checkTestFile looks for tests that are left out and tests that wait for the
// clock of the machine. A helper may sleep when tests beside it run in bubbles.
func checkTestFile(file *ast.File, bubble bool, report reporter) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		receiver, _ := s.X.(*ast.Ident)
		switch {
		case receiver == nil:
		case slices.Contains([]string{"t", "b", "f", "tb"}, receiver.Name) && strings.HasPrefix(s.Sel.Name, "Skip"):
			report("skip", call.Pos(), "a test that can be skipped can be green without looking")
		case receiver.Name == "time" && s.Sel.Name == "Sleep" && !bubble:
			report("sleep", call.Pos(), "time.Sleep outside testing/synctest")
		}
		return true
	})
}

// testsOf returns the names of the test functions of a file.
func testsOf(f houseFile) []string {
	var names []string
	for _, decl := range f.syntax.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && strings.HasPrefix(d.Name.Name, "Test") && strings.HasSuffix(f.path, "_test.go") {
			names = append(names, d.Name.Name)
		}
	}
	return names
}
