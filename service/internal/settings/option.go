// Package settings reads the two settings files, the issuer's and the guard's.
// Every option says its default, when a change takes effect and what somebody
// who may change it gains.
package settings

import (
	"fmt"
	"io"
	"os"
	"strings"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Option is the documentation of one key of a settings file.
type Option struct {
	Key      string // such as events.spool; [] stands for the elements of a list
	Required bool
	Default  string // what holds without it; empty for none
	Reload   string // when a change takes effect
	Gain     string // what somebody who may change it gains
	Text     string // what it is
}

// When a change takes effect.
const (
	atStart = "at the next start"
	atOnce  = "within seconds; the file is read again when it changes"
	byApply = "at the next narrowcast apply"
)

// option is a key with its documentation and its reader, so that neither can be
// without the other.
type option[S any] struct {
	Option
	read   func(v sy.Value, into *S)
	inside []Option // of a mapping or a list of mappings
}

func fields[S any](into *S, options []option[S]) []sy.Field {
	all := make([]sy.Field, len(options))
	for i, o := range options {
		all[i] = sy.Field{Name: o.Key, Required: o.Required, Read: func(v sy.Value) { o.read(v, into) }}
	}
	return all
}

// documented lists options with those inside them, each under its full key.
func documented[S any](prefix string, options []option[S]) []Option {
	var all []Option
	for _, o := range options {
		doc := o.Option
		doc.Key = prefix + doc.Key
		if doc.Reload == "" {
			doc.Reload = atStart
		}
		all = append(all, doc)
		for _, inner := range o.inside {
			inner.Key = prefix + inner.Key
			all = append(all, inner)
		}
	}
	return all
}

// Help renders options as text for a terminal.
func Help(options []Option) string {
	var b strings.Builder
	for i, o := range options {
		if i > 0 {
			b.WriteByte('\n')
		}
		fallback := "default: " + o.Default
		switch {
		case o.Required:
			fallback = "required"
		case o.Default == "":
			fallback = "default: none"
		}
		fmt.Fprintf(&b, "%s\n    %s\n    %s\n    takes effect: %s\n    whoever may change it: %s\n", o.Key, o.Text, fallback, o.Reload, o.Gain)
	}
	return b.String()
}

// readFile reads a settings file, which is small.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, sy.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	return text, nil
}

// parse reads a settings file into a value with the options of its kind; check
// looks at what no single option can know.
func parse[S any](name string, text []byte, into *S, options []option[S], check func(sy.Value)) error {
	var report sy.Report
	if v, ok := sy.Read(&report, sy.Source{Name: name, Text: text}); ok && v.Object(fields(into, options)...) {
		check(v)
	}
	if err := report.Err(); err != nil {
		return fmt.Errorf("settings:\n%w", err)
	}
	return nil
}
