package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Line and Column count from 1; 0 means the file
// as a whole.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line:column, as far as known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is one thing that is wrong with a document.
type Fault struct {
	Position Position
	Path     string   // such as resources[0].owner
	Message  string   // one sentence
	Excerpt  string   // the line of the source with a mark below, or empty
	Known    []string // for an unknown key: the keys that are known here
}

// Error returns position, path, message and excerpt.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Position.String())
	if f.Path != "" {
		b.WriteString(": " + f.Path)
	}
	b.WriteString(": " + f.Message)
	if f.Excerpt != "" {
		b.WriteString("\n" + f.Excerpt)
	}
	return b.String()
}

// Faults are all that is wrong, in order of file, line and column.
type Faults []*Fault

// Error returns one fault after the other.
func (fs Faults) Error() string {
	texts := make([]string, len(fs))
	for i, f := range fs {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the faults one by one.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// MaxFaults bounds a report: a file with more is not one that somebody wrote by
// hand.
const MaxFaults = 200

// Report gathers faults from one or more documents.
type Report struct {
	faults  []*Fault
	dropped int
}

// Add puts one fault into the report.
func (r *Report) Add(f *Fault) {
	if len(r.faults) >= MaxFaults {
		r.dropped++
		return
	}
	r.faults = append(r.faults, f)
}

// Err returns the faults as an error of type [Faults], or nil.
func (r *Report) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	sorted := slices.Clone(r.faults)
	slices.SortStableFunc(sorted, func(a, b *Fault) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
		)
	})
	if r.dropped > 0 {
		last := sorted[len(sorted)-1].Position.File
		sorted = append(sorted, &Fault{Position: Position{File: last}, Message: fmt.Sprintf("%d more faults are left out", r.dropped)})
	}
	return Faults(sorted)
}

func (d *document) fault(at Position, path, message string) {
	d.report.Add(&Fault{Position: at, Path: path, Message: message, Excerpt: d.excerpt(at, 0)})
}
