package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Value is a node of a document with its path. The zero Value is absent.
type Value struct {
	doc    *document
	node   *yaml.Node
	path   string
	secret bool
}

// Position returns where the value begins.
func (v Value) Position() Position {
	if v.doc == nil {
		return Position{}
	}
	return Position{File: v.doc.name, Line: v.node.Line, Column: v.node.Column}
}

// Secret returns v with faults that never show the source.
func (v Value) Secret() Value {
	v.secret = true
	return v
}

// Fault reports that something is wrong with v.
func (v Value) Fault(format string, args ...any) {
	f := &Fault{Position: v.Position(), Path: v.path, Message: fmt.Sprintf(format, args...)}
	// The first line of a mapping says nothing about the mapping.
	if !v.secret && v.node.Kind != yaml.MappingNode {
		f.Excerpt = v.doc.excerpt(f.Position, v.width())
	}
	v.doc.report.Add(f)
}

// width is how much of the source belongs to v alone; 0 means the whole line.
func (v Value) width() int {
	switch {
	case v.node.Kind == yaml.ScalarNode && v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return len([]rune(v.node.Value)) + 2
	case v.node.Kind == yaml.ScalarNode && v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0:
		return len([]rune(v.node.Value))
	case v.node.Style&yaml.FlowStyle != 0:
		return 1
	}
	return 0
}

func (v Value) key(i int) Value {
	return Value{doc: v.doc, node: v.node.Content[i], path: v.member(v.node.Content[i].Value), secret: v.secret}
}

func (v Value) child(i int) Value {
	path := fmt.Sprintf("%s[%d]", v.path, i)
	if v.node.Kind == yaml.MappingNode {
		path = v.member(v.node.Content[i-1].Value)
	}
	return Value{doc: v.doc, node: v.node.Content[i], path: path, secret: v.secret}
}

func (v Value) member(name string) string {
	name = clean(name)
	if v.path == "" {
		return name
	}
	return v.path + "." + name
}

// wrong reports a value of a wrong kind. Aliases were reported already.
func (v Value) wrong(want string) {
	if v.node.Kind == yaml.AliasNode {
		return
	}
	if v.secret {
		v.Fault("must be %s", want)
		return
	}
	v.Fault("must be %s, is %s", want, v.describe())
}

func (v Value) describe() string {
	switch {
	case v.node.Kind == yaml.MappingNode:
		return "a mapping"
	case v.node.Kind == yaml.SequenceNode:
		return "a list"
	case v.node.Tag == "!!null":
		return "empty"
	case v.node.Tag == "!!str":
		return quote(v.node.Value)
	}
	return "the " + strings.TrimPrefix(v.node.Tag, "!!") + " " + clean(v.node.Value)
}

func (v Value) scalar(tag string) bool {
	return v.node.Kind == yaml.ScalarNode && v.node.Tag == tag
}

// Text returns the text of v. Numbers, dates and booleans are not text unless
// they are quoted.
func (v Value) Text() (string, bool) {
	if v.scalar("!!str") && v.node.Value != "" {
		return v.node.Value, true
	}
	switch {
	case v.scalar("!!str"):
		v.Fault("is empty")
	case v.node.Kind == yaml.ScalarNode && v.node.Tag != "!!null":
		v.wrong("text (put it in quotes)")
	default:
		v.wrong("text")
	}
	return "", false
}

// Is reports whether v is exactly this text, without reporting anything.
func (v Value) Is(text string) bool { return v.scalar("!!str") && v.node.Value == text }

// IsText reports whether v is text, without reporting anything.
func (v Value) IsText() bool { return v.scalar("!!str") }

// Bool returns a boolean: true or false, and no other spelling.
func (v Value) Bool() (value, ok bool) {
	if v.scalar("!!bool") && (v.node.Value == "true" || v.node.Value == "false") {
		return v.node.Value == "true", true
	}
	v.wrong("true or false")
	return false, false
}

// Int returns a whole number between low and high.
func (v Value) Int(low, high int) (int, bool) {
	if v.scalar("!!int") {
		n, err := strconv.Atoi(v.node.Value)
		if err == nil && n >= low && n <= high && strconv.Itoa(n) == v.node.Value {
			return n, true
		}
	}
	v.wrong(fmt.Sprintf("a whole number from %d to %d", low, high))
	return 0, false
}

// Duration returns a duration between low and high in whole seconds.
func (v Value) Duration(low, high time.Duration) (time.Duration, bool) {
	if !v.scalar("!!str") {
		v.wrong("a duration such as 5m or 90s")
		return 0, false
	}
	d, err := time.ParseDuration(v.node.Value)
	switch {
	case err != nil:
		v.wrong("a duration such as 5m or 90s")
	case d < low || d > high:
		v.Fault("must be from %s to %s, is %s", Short(low), Short(high), Short(d))
	case d%time.Second != 0:
		v.Fault("must be in whole seconds, is %s", d)
	default:
		return d, true
	}
	return 0, false
}

// Until returns the instant at which something ends: a date, which then counts
// to its last moment in UTC, or a time as in RFC 3339.
func (v Value) Until() (time.Time, bool) {
	if v.scalar("!!timestamp") || v.scalar("!!str") {
		if day, err := time.Parse(time.DateOnly, v.node.Value); err == nil {
			return day.AddDate(0, 0, 1), true
		}
		if at, err := time.Parse(time.RFC3339, v.node.Value); err == nil {
			return at.UTC(), true
		}
	}
	v.wrong("a date such as 2027-03-31")
	return time.Time{}, false
}

// Parsed returns the text of v as parse reads it; what parse finds wrong is
// reported.
func Parsed[T any](v Value, parse func(string) (T, error)) (T, bool) {
	var zero T
	text, ok := v.Text()
	if !ok {
		return zero, false
	}
	t, err := parse(text)
	if err != nil {
		v.Fault("%s", clean(err.Error()))
		return zero, false
	}
	return t, true
}

// OneOf returns the text of v when it is one of the words.
func OneOf[T ~string](v Value, words ...T) (T, bool) {
	for _, word := range words {
		if v.Is(string(word)) {
			return word, true
		}
	}
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = string(word)
	}
	hint := ""
	if v.IsText() {
		hint = Suggest(v.node.Value, names)
	}
	if hint != "" {
		v.Fault("must be one of %s, is %s%s", strings.Join(names, ", "), quote(v.node.Value), hint)
		return "", false
	}
	v.wrong("one of " + strings.Join(names, ", "))
	return "", false
}

// Short writes a duration without the zero units at its end: 5m, not 5m0s.
func Short(d time.Duration) string {
	s := d.String()
	if d >= time.Minute || d <= -time.Minute {
		s = strings.TrimSuffix(s, "0s")
	}
	if d >= time.Hour || d <= -time.Hour {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
