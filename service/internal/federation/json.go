package federation

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxInside bounds the text of one claim that is taken apart. Tokens are
// bounded before; this is the second fence.
const maxInside = 64 << 10

// member returns the JSON text of a member of an object. An object in which any
// name stands twice has no members: readers differ in which one they take.
func member(object, name string) (text string, ok bool) {
	seen := map[string]bool{}
	err := walk(object, '{', func(d *json.Decoder) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		this, isText := token.(string)
		if !isText || seen[this] {
			return errors.New("a name stands twice")
		}
		seen[this] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if this == name {
			text, ok = string(raw), true
		}
		return nil
	})
	if err != nil {
		return "", false
	}
	return text, ok
}

// elements returns the elements of a list of texts.
func elements(list string) (all []string, ok bool) {
	err := walk(list, '[', func(d *json.Decoder) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		text, isText := token.(string)
		if !isText {
			return errors.New("an element is no text")
		}
		all = append(all, text)
		return nil
	})
	return all, err == nil
}

// walk reads one JSON text that is an object or a list, and nothing behind it.
func walk(text string, open json.Delim, each func(*json.Decoder) error) error {
	if len(text) > maxInside || !utf8.ValidString(text) {
		return errors.New("cannot be taken apart")
	}
	d := json.NewDecoder(strings.NewReader(text))
	if token, err := d.Token(); err != nil || token != open {
		return errors.New("is of another kind")
	}
	for d.More() {
		if err := each(d); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows")
	}
	return nil
}

// leaf returns a string without quotes, or the text of a number or a boolean.
func leaf(raw string) (value string, ok bool) {
	switch {
	case raw == "" || strings.ContainsAny(raw[:1], "{[n"):
		return "", false
	case raw[0] == '"':
		err := json.Unmarshal([]byte(raw), &value)
		return value, err == nil
	}
	return raw, true
}
