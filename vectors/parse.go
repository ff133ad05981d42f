package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Bounds on one file.
const (
	maxFile  = 128 << 10
	maxLines = 100 // of the header
)

// version stands in the first line of every file.
const version = "narrowcast-vector: 1"

// Parse reads one file. Keys that it does not know are skipped, so that later
// versions can add some; a known key that is malformed, missing or repeated is
// an error that names it and its line.
func Parse(file []byte) (Vector, error) {
	if len(file) > maxFile {
		return Vector{}, fmt.Errorf("vector: longer than %d bytes", maxFile)
	}
	head, token, found := bytes.Cut(file, []byte("\n\n"))
	token, ended := bytes.CutSuffix(token, []byte("\n"))
	if !found || !ended {
		return Vector{}, errors.New("vector: must be a header, an empty line, a token and a line break")
	}
	v := Vector{Token: string(token)}
	if err := v.readHeader(string(head)); err != nil {
		return Vector{}, fmt.Errorf("vector: %w", err)
	}
	if err := v.check(); err != nil {
		return Vector{}, fmt.Errorf("vector %s: %w", v.ID, err)
	}
	return v, nil
}

func (v *Vector) readHeader(head string) error {
	lines := strings.Split(head, "\n")
	if lines[0] != version {
		return fmt.Errorf("line 1: must be %q", version)
	}
	if len(lines) > maxLines {
		return fmt.Errorf("the header has more than %d lines", maxLines)
	}
	known := map[string]field{}
	for _, f := range fields() {
		known[f.key] = f
	}
	seen := map[string]bool{}
	for i, line := range lines[1:] {
		if err := v.readLine(line, known, seen); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	for _, f := range fields() {
		if f.required && !seen[f.key] {
			return fmt.Errorf("key %q is missing", f.key)
		}
	}
	return nil
}

func (v *Vector) readLine(line string, known map[string]field, seen map[string]bool) error {
	key, value, found := strings.Cut(line, ": ")
	if !found || key == "" {
		return errors.New("must be a key, a colon, a space and a value")
	}
	f, ours := known[key]
	switch {
	case !ours:
		return nil
	case seen[key] && !f.many:
		return fmt.Errorf("key %q stands twice", key)
	}
	seen[key] = true
	if err := f.read(v, value); err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	return nil
}

// check looks at what no single line can show.
func (v *Vector) check() error {
	switch {
	case v.Accept && (v.Reason != 0 || v.Control != ""):
		return errors.New("a token that is accepted has neither reason nor control")
	case !v.Accept && (v.Reason == 0 || v.Control == ""):
		return errors.New("a token that is rejected has a reason and a control")
	case v.Content != "" && v.Request == "":
		return errors.New("content belongs to a request")
	}
	return nil
}

// Encode writes v as Parse reads it. It fails when Parse would not read the
// same vector back.
func (v *Vector) Encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(version + "\n")
	for _, f := range fields() {
		for _, value := range f.write(v) {
			if strings.ContainsAny(value, "\r\n") {
				return nil, fmt.Errorf("vector %s: key %q holds a line break", v.ID, f.key)
			}
			b.WriteString(f.key + ": " + value + "\n")
		}
	}
	b.WriteString("\n" + v.Token + "\n")
	if _, err := Parse(b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
