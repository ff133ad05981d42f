// Package strictjson reads one JSON object the way a security check must:
// member names match in exact case, a repeated name is an error at any depth,
// nothing may follow the object, and size, depth and member count are bounded.
//
// RFC 7519 section 4 lets a parser keep the last of two equal names. A checker
// and a consumer that keep different ones disagree about what was signed, so
// here two equal names are always an error.
package strictjson

import (
	"errors"
	"unicode/utf8"
)

// Bounds on what is read. They are far above every honest token and far below
// what would cost a server anything.
const (
	MaxDepth   = 16
	MaxMembers = 256
)

// Errors that a caller may tell apart. Every other failure is ErrSyntax.
var (
	ErrSyntax    = errors.New("not one well-formed JSON object")
	ErrDuplicate = errors.New("a member name occurs twice")
	ErrTooDeep   = errors.New("nested too deeply")
	ErrTooMany   = errors.New("too many members in one object")
)

// Object calls visit for each member of the one object that data holds, in the
// order of the text. Nested values are checked completely before visit sees
// them. An error from visit ends the walk and is returned as it is.
func Object(data string, visit func(name string, v Value) error) error {
	if !utf8.ValidString(data) {
		return ErrSyntax
	}
	p := scanner{text: data}
	p.space()
	if err := p.object(1, visit); err != nil {
		return err
	}
	p.space()
	if p.at != len(p.text) {
		return ErrSyntax
	}
	return nil
}

type scanner struct {
	text string
	at   int
}

func (p *scanner) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// take consumes c if it is next.
func (p *scanner) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *scanner) object(depth int, visit func(string, Value) error) error {
	if !p.take('{') {
		return ErrSyntax
	}
	if depth > MaxDepth {
		return ErrTooDeep
	}
	p.space()
	if p.take('}') {
		return nil
	}
	var names seen
	for {
		p.space()
		name, err := p.name()
		if err != nil {
			return err
		}
		if err := names.add(name); err != nil {
			return err
		}
		v, err := p.value(depth)
		if err != nil {
			return err
		}
		if visit != nil {
			if err := visit(name, v); err != nil {
				return err
			}
		}
		p.space()
		if p.take(',') {
			continue
		}
		if p.take('}') {
			return nil
		}
		return ErrSyntax
	}
}

// name reads a member name and the colon behind it.
func (p *scanner) name() (string, error) {
	raw, escaped, err := p.str()
	if err != nil {
		return "", err
	}
	p.space()
	if !p.take(':') {
		return "", ErrSyntax
	}
	p.space()
	if !escaped {
		return raw, nil
	}
	return unescape(raw)
}

func (p *scanner) array(depth int) error {
	if !p.take('[') {
		return ErrSyntax
	}
	if depth > MaxDepth {
		return ErrTooDeep
	}
	p.space()
	if p.take(']') {
		return nil
	}
	for {
		p.space()
		if _, err := p.value(depth); err != nil {
			return err
		}
		p.space()
		if p.take(',') {
			continue
		}
		if p.take(']') {
			return nil
		}
		return ErrSyntax
	}
}

// value reads and checks any value that stands inside something at depth.
func (p *scanner) value(depth int) (Value, error) {
	if p.at >= len(p.text) {
		return Value{}, ErrSyntax
	}
	start := p.at
	switch c := p.text[p.at]; {
	case c == '"':
		raw, escaped, err := p.str()
		if err == nil && escaped {
			raw, err = unescape(raw)
		}
		return Value{kind: String, text: raw}, err
	case c == '{':
		err := p.object(depth+1, nil)
		return Value{kind: Struct, text: p.text[start:p.at], depth: depth}, err
	case c == '[':
		err := p.array(depth + 1)
		return Value{kind: Array, text: p.text[start:p.at], depth: depth}, err
	case c == 't':
		return Value{kind: Bool, text: "true"}, p.word("true")
	case c == 'f':
		return Value{kind: Bool, text: "false"}, p.word("false")
	case c == 'n':
		return Value{kind: Null, text: "null"}, p.word("null")
	case c == '-' || c >= '0' && c <= '9':
		err := p.number()
		return Value{kind: Number, text: p.text[start:p.at]}, err
	}
	return Value{}, ErrSyntax
}

func (p *scanner) word(w string) error {
	if len(p.text)-p.at < len(w) || p.text[p.at:p.at+len(w)] != w {
		return ErrSyntax
	}
	p.at += len(w)
	return nil
}

// str reads a string and returns what stands between the quotes, still escaped.
func (p *scanner) str() (raw string, escaped bool, err error) {
	if !p.take('"') {
		return "", false, ErrSyntax
	}
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			raw = p.text[start:p.at]
			p.at++
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			p.at += 2
		case c < 0x20:
			return "", false, ErrSyntax
		default:
			p.at++
		}
	}
	return "", false, ErrSyntax
}

// number follows the grammar of RFC 8259 section 6.
func (p *scanner) number() error {
	p.take('-')
	if !p.take('0') && p.digits() == 0 {
		return ErrSyntax
	}
	if p.take('.') && p.digits() == 0 {
		return ErrSyntax
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return ErrSyntax
		}
	}
	return nil
}

func (p *scanner) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// seen remembers the member names of one object. Honest objects fit the array.
type seen struct {
	few  [16]string
	n    int
	many map[string]struct{}
}

func (s *seen) add(name string) error {
	if s.many != nil {
		if _, again := s.many[name]; again {
			return ErrDuplicate
		}
		if len(s.many) >= MaxMembers {
			return ErrTooMany
		}
		s.many[name] = struct{}{}
		return nil
	}
	for _, old := range s.few[:s.n] {
		if old == name {
			return ErrDuplicate
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return nil
	}
	s.many = make(map[string]struct{}, 2*len(s.few))
	for _, old := range s.few {
		s.many[old] = struct{}{}
	}
	s.many[name] = struct{}{}
	return nil
}
