package event

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxFold bounds what one fold stands for, far above what a door sees of one
// token in a minute, so that sums of many folds do not overflow.
const maxFold = 1_000_000_000

// Check returns what is wrong with e. It holds what is true of every event,
// whoever wrote it; an intake may demand more.
func (e *Event) Check() error {
	switch {
	case e.Version != Version:
		return fmt.Errorf("event version %d is not supported", e.Version)
	case e.ID == "" || len(e.ID) > 64:
		return errors.New("id must have 1 to 64 characters")
	case e.Writer == "" || len(e.Writer) > 256:
		return errors.New("writer must have 1 to 256 characters")
	case e.Time.IsZero():
		return errors.New("time is missing")
	case !writable(e.Time):
		return errors.New("time is outside the years 1 to 9999")
	case !slices.Contains(Types(), e.Type):
		return fmt.Errorf("type %q is not in the vocabulary", e.Type)
	case e.Mode != "" && !e.Mode.known():
		return fmt.Errorf("mode %q is not known", e.Mode)
	case e.Verifier != nil && e.Verifier.Mode != "" && !e.Verifier.Mode.known():
		return fmt.Errorf("mode %q of the verifier is not known", e.Verifier.Mode)
	case e.Fold != nil:
		return e.Fold.check()
	}
	return nil
}

func (m Mode) known() bool { return m == Enforce || m == Observe }

func (f *Fold) check() error {
	switch {
	case f.Count < 1 || f.Count > maxFold:
		return fmt.Errorf("a fold counts 1 to %d presentations", maxFold)
	case f.First.IsZero() || !writable(f.First) || !writable(f.Last):
		return errors.New("the times of a fold are missing or outside the years 1 to 9999")
	case f.Last.Before(f.First):
		return errors.New("a fold ends before it begins")
	}
	return nil
}

// writable reports whether t in UTC has a form in RFC 3339.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}
