package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
)

// MaxTaskBytes bounds one task as it is kept.
const MaxTaskBytes = 16 << 10

// Check returns what is wrong with a task that shall be kept.
func (t *Task) Check() error {
	errs := []error{t.checkNames(), t.checkTimes()}
	if t.Version == 0 {
		errs = append(errs, errors.New("versions begin at 1"))
	}
	switch t.State {
	case TaskRunning, TaskPaused, TaskEnded:
	default:
		errs = append(errs, fmt.Errorf("state %q is not known", t.State))
	}
	if (t.State == TaskEnded) != !t.Ended.IsZero() {
		errs = append(errs, errors.New("Ended is set when the task has ended, and only then"))
	}
	err := errors.Join(errs...)
	if err == nil {
		_, err = t.Encode()
	}
	if err != nil {
		return fmt.Errorf("task: %w", err)
	}
	return nil
}

func (t *Task) checkNames() error {
	_, err := narrowcast.ParseTaskID(string(t.ID))
	for _, id := range []narrowcast.TaskID{t.Parent, t.RetryOf} {
		if id != "" {
			_, wrong := narrowcast.ParseTaskID(string(id))
			err = errors.Join(err, wrong)
		}
	}
	if t.ID != "" && t.Parent == t.ID {
		err = errors.Join(err, errors.New("a task is not its own parent"))
	}
	_, wrong := narrowcast.ParseClientID(string(t.Client))
	err = errors.Join(err, wrong)
	for _, text := range append([]string{t.Holder, t.Outcome, t.Label}, t.Resources...) {
		if !utf8.ValidString(text) {
			return errors.Join(err, errors.New("a text is no UTF-8"))
		}
	}
	return err
}

// checkTimes sees to it that every task is due one day.
func (t *Task) checkTimes() error {
	for _, at := range []time.Time{t.Opened, t.Deadline, t.Lease} {
		if at.IsZero() {
			return errors.New("Opened, Deadline and Lease are required")
		}
		if FromInstant(Instant(at)) != at.Round(0).UTC() {
			return errors.New("a time is too far away")
		}
	}
	if t.LeaseFor <= 0 {
		return errors.New("LeaseFor is required")
	}
	return nil
}

// Encode writes a task as drivers keep it. DecodeTask reads it.
func (t *Task) Encode() ([]byte, error) {
	kept := t.kept()
	line, err := json.Marshal(kept)
	if err == nil && len(line) > MaxTaskBytes {
		err = fmt.Errorf("has %d bytes, more than %d", len(line), MaxTaskBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding a task: %w", err)
	}
	return line, nil
}

// DecodeTask reads what Encode wrote.
func DecodeTask(line []byte) (Task, error) {
	var t Task
	if err := json.Unmarshal(line, &t); err != nil {
		return Task{}, fmt.Errorf("reading a task: %w", err)
	}
	return t.kept(), nil
}

// kept is t in the one form that reading it again gives.
func (t *Task) kept() Task {
	k := *t
	for _, at := range []*time.Time{&k.Opened, &k.Deadline, &k.Lease, &k.Ended} {
		*at = at.Round(0).UTC()
	}
	if len(k.Resources) == 0 {
		k.Resources = nil
	}
	return k
}

// Due is when the task ends unless something happens before: the earlier one of
// Lease and Deadline.
func (t *Task) Due() time.Time {
	if t.Lease.Before(t.Deadline) {
		return t.Lease
	}
	return t.Deadline
}

// Follows returns why t cannot be the state that follows old, the zero Task for
// none: ErrConflict or ErrEnded.
func (t *Task) Follows(old Task) error {
	switch {
	case t.Version != old.Version+1:
		return fmt.Errorf("%w: task %s has version %d", ErrConflict, t.ID, old.Version)
	case old.State == TaskEnded:
		return fmt.Errorf("task %s: %w", t.ID, ErrEnded)
	}
	return nil
}

// Renewed is what Tasks.Renew makes of t.
func (t *Task) Renewed(holder string, now, until time.Time) (Task, error) {
	if t.State == TaskEnded || t.Holder == "" || t.Holder != holder || !t.Lease.After(now) {
		return Task{}, fmt.Errorf("task %s: %w", t.ID, ErrEnded)
	}
	next := *t
	if until.After(next.Lease) {
		next.Lease = until
	}
	next.Version++
	return next.kept(), next.checkTimes()
}
