package store

import (
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
)

// OnlyEvent reports whether e carries nothing but its event: no id to be used
// up, no condition and no task.
func (e Entry) OnlyEvent() bool { return len(e.Once) == 0 && !e.Conditional() }

// Conditional reports whether e depends on more than the ids that it uses up.
func (e Entry) Conditional() bool {
	return len(e.Unless) > 0 || len(e.Running) > 0 || e.Task != nil
}

func (e Entry) checkConditions() error {
	if len(e.Once) > MaxOnce || len(e.Unless) > MaxOnce || len(e.Running) > MaxOnce {
		return fmt.Errorf("an entry names %d ids to use up, %d that may not be and %d tasks; at most %d each",
			len(e.Once), len(e.Unless), len(e.Running), MaxOnce)
	}
	for _, o := range e.Once {
		if err := o.check(); err != nil {
			return err
		}
		if o.Until.IsZero() {
			return errors.New("an id to be used once needs an end")
		}
	}
	for _, o := range e.Unless {
		if err := o.check(); err != nil {
			return err
		}
	}
	for _, id := range e.Running {
		if _, err := narrowcast.ParseTaskID(string(id)); err != nil {
			return err
		}
	}
	if e.Task != nil {
		return e.Task.Check()
	}
	return nil
}

func (o Once) check() error {
	switch {
	case o.Space == "" || o.ID == "":
		return errors.New("an id to be used once needs a space and an id")
	case len(o.Space)+len(o.ID) > MaxOnceBytes:
		return fmt.Errorf("an id to be used once has more than %d bytes", MaxOnceBytes)
	}
	return nil
}
