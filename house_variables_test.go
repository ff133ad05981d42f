package narrowcast_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// checkVariables finds package variables that can change. A variable passes
// when it is given its value where it is declared and nothing in the package
// assigns to it, takes its address or puts something into it; an exported one
// only when it is an error.
func checkVariables(set *token.FileSet, files []*ast.File) []breach {
	if len(files) == 0 {
		return nil
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	// Imports are not resolved: only the names of this package matter here.
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	pkg, _ := config.Check("house", set, files, info)
	var found []breach
	report := func(at token.Pos, format string, args ...any) {
		p := set.Position(at)
		found = append(found, breach{"variable", fmt.Sprintf("%s:%d", filepath.ToSlash(p.Filename), p.Line), fmt.Sprintf(format, args...)})
	}
	for _, file := range files {
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				checkDeclared(d, report)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, target := range changed(n) {
				if v, ok := info.Uses[target].(*types.Var); ok && v.Parent() == pkg.Scope() {
					report(target.Pos(), "package variable %s is changed here", v.Name())
				}
			}
			return true
		})
	}
	return found
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not resolved") }

func checkDeclared(d *ast.GenDecl, report func(token.Pos, string, ...any)) {
	for _, spec := range d.Specs {
		s := spec.(*ast.ValueSpec)
		embedded := d.Doc != nil && strings.Contains(d.Doc.List[len(d.Doc.List)-1].Text, "go:embed") ||
			s.Doc != nil && strings.Contains(s.Doc.List[len(s.Doc.List)-1].Text, "go:embed")
		for _, name := range s.Names {
			switch {
			case name.Name == "_" || embedded:
			case len(s.Values) == 0:
				report(name.Pos(), "package variable %s has no value where it is declared", name.Name)
			case name.IsExported() && !strings.HasPrefix(name.Name, "Err"):
				report(name.Pos(), "package variable %s is exported and can be changed by anybody", name.Name)
			}
		}
		for _, value := range append([]ast.Expr{s.Type}, s.Values...) {
			if changes := stateful(value); changes != "" {
				report(s.Pos(), "package variable holds %s, which exists to change", changes)
			}
		}
	}
}

// stateful names a part of a value that exists to change: a lock, an atomic, a
// channel.
func stateful(value ast.Expr) (what string) {
	if value == nil {
		return ""
	}
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ChanType:
			what = "a channel"
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && (pkg.Name == "sync" || pkg.Name == "atomic") {
				what = pkg.Name + "." + n.Sel.Name
			}
		}
		return true
	})
	return what
}

// changed returns the variables at the root of what a node changes.
func changed(n ast.Node) []*ast.Ident {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			targets = []ast.Expr{n.X}
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			targets = []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy"}, f.Name) {
			targets = n.Args[:1]
		}
	}
	var roots []*ast.Ident
	for _, target := range targets {
		if root := rootOf(target); root != nil {
			roots = append(roots, root)
		}
	}
	return roots
}

// rootOf finds the variable in x, x[i], x.f, *x and (x).
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}
