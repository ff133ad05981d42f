package main

import (
	"go/ast"
	"go/token"
)

// countSymbols counts the exported symbols of one file and notes those without
// a doc comment. Fields and methods of interfaces are not counted.
func (p *part) countSymbols(dir string, file *ast.File) {
	count := func(name string, documented bool) {
		p.exported++
		if !documented {
			p.missing = append(p.missing, dir+"."+name)
		}
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if receiver := receiverName(d); d.Name.IsExported() && ast.IsExported(receiver) {
				count(receiver+"."+d.Name.Name, d.Doc != nil)
			} else if d.Name.IsExported() && d.Recv == nil {
				count(d.Name.Name, d.Doc != nil)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				countSpec(d, spec, count)
			}
		}
	}
}

// countSpec looks at one line of a declaration. The comment of a group speaks
// for the constants and variables in it.
func countSpec(d *ast.GenDecl, spec ast.Spec, count func(name string, documented bool)) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		alone := len(d.Specs) == 1 && d.Doc != nil
		if s.Name.IsExported() {
			count(s.Name.Name, s.Doc != nil || s.Comment != nil || alone)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && (d.Tok == token.CONST || d.Tok == token.VAR) {
				count(name.Name, s.Doc != nil || s.Comment != nil || d.Doc != nil)
			}
		}
	}
}

// receiverName returns the name of the type that a method belongs to, or "".
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// undocumented lists what the library exports without a doc comment.
func undocumented(parts []*part) []string {
	var all []string
	for _, p := range parts {
		if p.library {
			all = append(all, p.missing...)
		}
	}
	return all
}
