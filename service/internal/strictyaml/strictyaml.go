// Package strictyaml reads the small YAML that trust is written in: mappings
// with known keys, lists and plain values. Whatever YAML can do beyond that is
// refused, and every fault is reported with its place.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Bounds on one document.
const (
	MaxBytes = 1 << 20
	MaxDepth = 16
)

// Source is one text to read.
type Source struct {
	Name string // shown in positions
	Text []byte
	// Secret: the text may hold key material by mistake, so faults never show
	// an excerpt of it.
	Secret bool
}

// document is a source taken apart.
type document struct {
	name   string
	lines  []string
	secret bool
	report *Report
}

// Read parses one document and reports everything in it that is not allowed
// anywhere: anchors, aliases, merge keys, tags, duplicate keys, a second
// document. The Value may be used when ok, even when there were such faults:
// faults of meaning are then reported in the same run.
func Read(r *Report, s Source) (v Value, ok bool) {
	d := &document{name: s.Name, secret: s.Secret, report: r}
	if fault := unreadable(s.Text); fault != "" {
		d.fault(Position{File: d.name}, "", fault)
		return Value{}, false
	}
	d.lines = strings.Split(string(s.Text), "\n")
	loader, err := yaml.NewLoader(bytes.NewReader(s.Text))
	if err != nil {
		d.fault(Position{File: d.name}, "", "cannot be read")
		return Value{}, false
	}
	var root yaml.Node
	switch err := loader.Load(&root); {
	case errors.Is(err, io.EOF):
		d.fault(Position{File: d.name}, "", "is empty")
		return Value{}, false
	case err != nil:
		d.syntax(err)
		return Value{}, false
	}
	if len(root.Content) != 1 {
		d.fault(Position{File: d.name}, "", "is empty")
		return Value{}, false
	}
	d.onlyOne(loader)
	top := Value{doc: d, node: root.Content[0]}
	return top, d.walk(top, 1)
}

func unreadable(text []byte) string {
	switch {
	case len(text) > MaxBytes:
		return fmt.Sprintf("is larger than %d bytes", MaxBytes)
	case !utf8.Valid(text):
		return "is not UTF-8"
	case bytes.IndexByte(text, 0) >= 0:
		return "holds a NUL byte"
	}
	return ""
}

// onlyOne refuses a second document, which the YAML library would pass over.
func (d *document) onlyOne(loader *yaml.Loader) {
	var second yaml.Node
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntax(err)
	default:
		at := Position{File: d.name, Line: max(second.Line, 1), Column: max(second.Column, 1)}
		d.fault(at, "", "a second document begins here; one file holds one document")
	}
}

func (d *document) syntax(err error) {
	at, message := Position{File: d.name}, "is not valid YAML"
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at.Line, at.Column = load.Mark.Line, load.Mark.Column
		message = "is not valid YAML: " + clean(load.Message)
	}
	if d.secret {
		message = "is not valid YAML or JSON"
	}
	d.fault(at, "", message)
}

// walk looks at every node for what is not allowed anywhere. It reports false
// when the document is too deep to be read on.
func (d *document) walk(v Value, depth int) bool {
	if depth > MaxDepth {
		v.Fault("is nested deeper than %d levels", MaxDepth)
		return false
	}
	d.checkNode(v)
	if v.node.Kind == yaml.MappingNode {
		d.checkKeys(v)
	}
	deep := true
	for i := range v.node.Content {
		if v.node.Kind == yaml.MappingNode && i%2 == 0 {
			d.checkNode(v.key(i))
			continue
		}
		deep = d.walk(v.child(i), depth+1) && deep
	}
	return deep
}

func (d *document) checkNode(v Value) {
	n := v.node
	switch {
	case n.Kind == yaml.AliasNode:
		v.Fault("aliases (*%s) are not allowed; write the value out", clean(n.Value))
	case n.Anchor != "":
		v.Fault("anchors (&%s) are not allowed", clean(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0 || n.Tag == "!":
		v.Fault("tags (%s) are not allowed", clean(n.Tag))
	}
}

// checkKeys refuses keys that are not plain text, merge keys and duplicates.
func (d *document) checkKeys(v Value) {
	first := make(map[string]*yaml.Node, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.key(i)
		switch n := key.node; {
		case n.Kind == yaml.AliasNode:
			continue
		case n.Tag == "!!merge":
			key.Fault("merge keys (<<) are not allowed; write the values out")
			continue
		case n.Kind != yaml.ScalarNode:
			key.Fault("a key must be text")
			continue
		case first[n.Value] != nil:
			key.Fault("duplicate key; the first one is in line %d", first[n.Value].Line)
			continue
		}
		first[key.node.Value] = key.node
	}
}
