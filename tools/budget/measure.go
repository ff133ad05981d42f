package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// part is one column of the table.
type part struct {
	name      string
	library   bool // its exported symbols must all be documented
	files     []size
	functions []size
	lines     int
	comments  int
	testLines int
	exported  int
	missing   []string // exported symbols without a doc comment
}

// size is how long something is, and what it is called.
type size struct {
	lines int
	name  string
}

// measure reads every Go file below root that git would keep.
func measure(root fs.FS) ([]*part, error) {
	parts := []*part{{name: "library", library: true}, {name: "service"}, {name: "other"}}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return partOf(parts, name).add(name, source)
	})
	return parts, err
}

func skipped(dir string) bool {
	return dir == "testdata" || dir == "node_modules" || len(dir) > 1 && dir[0] == '.'
}

// partOf sorts a file by the first element of its path: tools, tests across
// modules and benchmarks are neither library nor service.
func partOf(parts []*part, name string) *part {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "service":
		return parts[1]
	case "tools", "test", "bench", "examples", "adapters":
		return parts[2]
	}
	return parts[0]
}

func (p *part) add(name string, source []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	lines := set.File(file.Pos()).LineCount()
	switch {
	case ast.IsGenerated(file):
		return nil
	case strings.HasSuffix(name, "_test.go"):
		p.testLines += lines
		return nil
	}
	p.files = append(p.files, size{lines, name})
	p.lines += lines
	for _, group := range file.Comments {
		p.comments += set.Position(group.End()).Line - set.Position(group.Pos()).Line + 1
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
			length := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
			p.functions = append(p.functions, size{length, name + " " + f.Name.Name})
		}
	}
	if file.Name.Name != "main" && !strings.Contains("/"+name, "/internal/") {
		p.countSymbols(path.Dir(name), file)
	}
	return nil
}
