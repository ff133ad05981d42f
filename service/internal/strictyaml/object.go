package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Field is a key that a mapping may have.
type Field struct {
	Name     string
	Required bool
	Read     func(Value)
}

// Object reads a mapping: unknown keys and missing required ones are reported,
// all others are read in the order of fields. It reports whether v is a mapping.
func (v Value) Object(fields ...Field) bool {
	if v.node.Kind != yaml.MappingNode {
		v.wrong("a mapping")
		return false
	}
	present := v.members()
	for _, field := range fields {
		value, here := present[field.Name]
		switch {
		case here && field.Read != nil:
			field.Read(value)
		case !here && field.Required:
			missing := v
			missing.path = v.member(field.Name)
			missing.Fault("is required")
		}
		delete(present, field.Name)
	}
	if len(present) > 0 {
		v.reportUnknown(present, fields)
	}
	return true
}

// members returns the values by key; of a duplicate key, which was reported,
// the first counts.
func (v Value) members() map[string]Value {
	present := make(map[string]Value, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			continue
		}
		if _, again := present[key.Value]; !again {
			present[key.Value] = v.child(i + 1)
		}
	}
	return present
}

func (v Value) reportUnknown(unknown map[string]Value, fields []Field) {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.key(i)
		if _, is := unknown[key.node.Value]; !is || key.node.Kind != yaml.ScalarNode || key.node.Tag == "!!merge" {
			continue
		}
		delete(unknown, key.node.Value)
		hint := Suggest(key.node.Value, names)
		if hint == "" {
			hint = "; known here: " + strings.Join(names, ", ")
		}
		f := &Fault{Position: key.Position(), Path: key.path, Message: "unknown key" + hint, Known: names}
		if !v.secret {
			f.Excerpt = v.doc.excerpt(f.Position, len([]rune(key.node.Value)))
		}
		v.doc.report.Add(f)
	}
}

// Has reports whether v is a mapping with the key name.
func (v Value) Has(name string) bool {
	if v.node.Kind != yaml.MappingNode {
		return false
	}
	_, here := v.members()[name]
	return here
}

// Entries reads a mapping whose keys are chosen by the writer. It calls each
// with the key, as a Value for faults and as text, and the value.
func (v Value) Entries(high int, each func(key Value, name string, value Value)) bool {
	if v.node.Kind != yaml.MappingNode {
		v.wrong("a mapping")
		return false
	}
	if len(v.node.Content)/2 > high {
		v.Fault("has more than %d entries", high)
		return false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.key(i); key.node.Kind == yaml.ScalarNode && key.node.Tag != "!!merge" {
			each(key, key.node.Value, v.child(i+1))
		}
	}
	return true
}

// List reads a list of low to high elements and calls each for all of them. It
// reports whether v is such a list.
func (v Value) List(low, high int, each func(Value)) bool {
	if v.node.Kind != yaml.SequenceNode {
		v.wrong("a list")
		return false
	}
	switch n := len(v.node.Content); {
	case n < low && low == 1:
		v.Fault("must not be empty")
		return false
	case n > high:
		v.Fault("has %d elements; at most %d are allowed", n, high)
		return false
	}
	for i := range v.node.Content {
		each(v.child(i))
	}
	return true
}

// IsMapping reports whether v is a mapping, without reporting anything.
func (v Value) IsMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// IsList reports whether v is a list, without reporting anything.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }
