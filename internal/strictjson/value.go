package strictjson

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind tells what a Value is. The zero Kind is no value at all.
type Kind uint8

// The kinds of JSON values (RFC 8259 section 3).
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Struct
)

// Value is one checked JSON value. Text of strings is decoded already.
type Value struct {
	kind  Kind
	text  string
	depth int
}

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// Text returns a string value.
func (v Value) Text() (string, bool) { return v.text, v.kind == String }

// Raw returns the JSON text of v. Strings come decoded, without quotes.
func (v Value) Raw() string { return v.text }

// True reports whether v is the literal true.
func (v Value) True() bool { return v.kind == Bool && v.text == "true" }

// Object walks v, which must be an object.
func (v Value) Object(visit func(name string, v Value) error) error {
	if v.kind != Struct {
		return ErrSyntax
	}
	p := scanner{text: v.text}
	return p.object(v.depth+1, visit)
}

// Elements calls visit for each element of v, which must be an array.
func (v Value) Elements(visit func(v Value) error) error {
	if v.kind != Array {
		return ErrSyntax
	}
	p := scanner{text: v.text, at: 1}
	p.space()
	if p.take(']') {
		return nil
	}
	for {
		p.space()
		e, err := p.value(v.depth + 1)
		if err != nil {
			return err
		}
		if err := visit(e); err != nil {
			return err
		}
		p.space()
		if !p.take(',') {
			return nil
		}
	}
}

// maxDate bounds NumericDate values: the year 9999 is enough for everybody.
const maxDate = 253402300799

// Date returns a NumericDate (RFC 7519 section 2) in whole seconds, rounded
// down. Negative, huge and non-finite numbers are not dates.
func (v Value) Date() (seconds int64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	if len(v.text) <= 12 && !strings.ContainsAny(v.text, ".eE-") {
		n, err := strconv.ParseInt(v.text, 10, 64)
		return n, err == nil && n <= maxDate
	}
	f, err := strconv.ParseFloat(v.text, 64)
	if err != nil || f < 0 || f > maxDate {
		return 0, false
	}
	return int64(math.Floor(f)), true
}

// unescape decodes the escapes of a string (RFC 8259 section 7). A lone
// surrogate is an error: two parsers would not agree on what it means.
func unescape(raw string) (string, error) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			i++
			continue
		}
		if i+1 >= len(raw) {
			return "", ErrSyntax
		}
		if raw[i+1] == 'u' {
			r, n, ok := escapedRune(raw[i:])
			if !ok {
				return "", ErrSyntax
			}
			b.WriteRune(r)
			i += n
			continue
		}
		at := strings.IndexByte(`"\/bfnrt`, raw[i+1])
		if at < 0 {
			return "", ErrSyntax
		}
		b.WriteByte("\"\\/\b\f\n\r\t"[at])
		i += 2
	}
	return b.String(), nil
}

// escapedRune decodes the \uXXXX, or the pair of them, that s begins with.
func escapedRune(s string) (r rune, n int, ok bool) {
	first, ok := hex4(s)
	if !ok {
		return 0, 0, false
	}
	if !utf16.IsSurrogate(first) {
		return first, 6, true
	}
	second, ok := hex4(s[6:])
	if !ok {
		return 0, 0, false
	}
	r = utf16.DecodeRune(first, second)
	return r, 12, r != utf8.RuneError
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 32)
	return rune(n), err == nil
}
