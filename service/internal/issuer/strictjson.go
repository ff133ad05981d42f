package issuer

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// unambiguous reports whether a text is one JSON value that all readers
// understand alike. The standard library takes the last of two members with one
// name; others take the first.
func unambiguous(text string) bool {
	if !utf8.ValidString(text) || strings.Contains(text, `\u0000`) {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if value(d, 0) != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

func value(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	opening, is := token.(json.Delim)
	switch {
	case !is:
		return nil
	case depth == maxDetailDepth:
		return errDetails
	}
	names := map[string]bool{}
	for d.More() {
		if opening == '{' {
			name, err := d.Token()
			text, is := name.(string)
			// The standard library folds case when it fills structures.
			folded := strings.ToLower(text)
			if err != nil || !is || names[folded] {
				return errDetails
			}
			names[folded] = true
		}
		if err := value(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
