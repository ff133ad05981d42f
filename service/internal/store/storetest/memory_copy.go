package storetest

import (
	"context"
	"fmt"
	"iter"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

var (
	_ store.Exporter = (*Memory)(nil)
	_ store.Importer = (*Memory)(nil)
)

// Revision returns the revision with this number.
func (m *Memory) Revision(ctx context.Context, number uint64) (store.Revision, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return store.Revision{}, err
	}
	defer leave()
	for _, r := range m.kept.revisions {
		if r.Number == number {
			return clone(r), nil
		}
	}
	return store.Revision{}, store.ErrNotFound
}

// Used yields the ids that are used up.
func (m *Memory) Used(ctx context.Context) iter.Seq2[store.Once, error] {
	return func(yield func(store.Once, error) bool) {
		leave, err := m.enter(ctx)
		if err != nil {
			yield(store.Once{}, err)
			return
		}
		var all []store.Once
		for name, until := range m.kept.once {
			if until.After(m.now()) {
				all = append(all, store.Once{Space: name[0], ID: name[1], Until: until})
			}
		}
		leave()
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Import fills an empty store.
func (m *Memory) Import(ctx context.Context, fill func(store.Intake) error) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	k := m.kept
	if len(k.records)+len(k.revisions)+len(k.keys)+len(k.once)+len(k.tasks) > 0 {
		return store.ErrNotEmpty
	}
	in := &memoryIntake{once: make(map[[2]string]store.Once)}
	if err := fill(in); err != nil {
		return err
	}
	for _, t := range in.tasks {
		k.tasks[t.ID] = t
	}
	k.records, k.revisions, k.keys = in.records, in.revisions, in.keys
	for name, o := range in.once {
		k.once[name] = o.Until
	}
	return nil
}

// memoryIntake holds what was handed over until it is complete.
type memoryIntake struct {
	records   []store.Record
	revisions []store.Revision
	keys      []store.Key
	once      map[[2]string]store.Once
	tasks     []store.Task
}

func (in *memoryIntake) Records(_ context.Context, records []store.Record) error {
	for _, r := range records {
		if r.Number != uint64(len(in.records))+1 {
			return fmt.Errorf("record %d does not follow", r.Number)
		}
		in.records = append(in.records, r)
	}
	return nil
}

func (in *memoryIntake) Revision(_ context.Context, r store.Revision) error {
	in.revisions = append(in.revisions, clone(r))
	return nil
}

func (in *memoryIntake) Key(_ context.Context, k store.Key) error {
	in.keys = append(in.keys, k)
	return nil
}

func (in *memoryIntake) Used(_ context.Context, once []store.Once) error {
	for _, o := range once {
		in.once[[2]string{o.Space, o.ID}] = o
	}
	return nil
}

func (in *memoryIntake) Tasks(_ context.Context, tasks []store.Task) error {
	in.tasks = append(in.tasks, tasks...)
	return nil
}
