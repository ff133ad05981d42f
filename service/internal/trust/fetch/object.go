package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxDepth bounds how deep a document may be nested.
const MaxDepth = 16

// Errors of Object that a caller may tell apart.
var (
	ErrSyntax    = errors.New("not one well-formed JSON object")
	ErrDuplicate = errors.New("a member name occurs twice")
	ErrTooDeep   = errors.New("nested too deeply")
)

// Members are those of one JSON object, by their names in exact case. A package
// of the standard library would also take a name in another case and the last
// of two equal ones, so that two readers could understand one document in two
// ways.
type Members map[string]json.RawMessage

// Object reads one JSON object and nothing behind it. A name that occurs twice
// is an error at any depth.
func Object(data []byte) (Members, error) {
	if !utf8.Valid(data) {
		return nil, ErrSyntax
	}
	if err := strict(data); err != nil {
		return nil, err
	}
	var m Members
	if err := json.Unmarshal(data, &m); err != nil || m == nil {
		return nil, ErrSyntax
	}
	return m, nil
}

func strict(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := value(d, 1); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrSyntax
	}
	return nil
}

// value walks over one value and what is nested in it.
func value(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return ErrSyntax
	}
	opened, nested := token.(json.Delim)
	switch {
	case !nested:
		return nil
	case depth > MaxDepth:
		return ErrTooDeep
	}
	names := map[string]bool{}
	for d.More() {
		if opened == '{' {
			token, err := d.Token()
			name, isName := token.(string)
			if err != nil || !isName {
				return ErrSyntax
			}
			if names[name] {
				return ErrDuplicate
			}
			names[name] = true
		}
		if err := value(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return ErrSyntax
	}
	return nil
}

// Has reports whether there is a member that is not null.
func (m Members) Has(name string) bool {
	raw, found := m[name]
	return found && string(raw) != "null"
}

// Text returns a member that is a string, or "" when it is absent or null.
func (m Members) Text(name string) (string, error) { return member[string](m, name) }

// Texts returns a member that is a list of strings.
func (m Members) Texts(name string) ([]string, error) { return member[[]string](m, name) }

// True returns a member that is a boolean.
func (m Members) True(name string) (bool, error) { return member[bool](m, name) }

// Natural returns a member that is a whole number of at least 0.
func (m Members) Natural(name string) (uint64, error) { return member[uint64](m, name) }

// Object returns a member that is an object; an absent one has no members.
func (m Members) Object(name string) (Members, error) { return member[Members](m, name) }

// Objects returns a member that is a list of objects.
func (m Members) Objects(name string) ([]Members, error) { return member[[]Members](m, name) }

// member reads one value. The document was checked as a whole, so nothing in it
// has two meanings any more.
func member[T any](m Members, name string) (T, error) {
	var into T
	if !m.Has(name) {
		return into, nil
	}
	if err := json.Unmarshal(m[name], &into); err != nil {
		var none T
		return none, fmt.Errorf("member %q has the wrong type", name)
	}
	return into, nil
}
