package revocation

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxNested bounds how many ends are looked through for tasks inside a task.
const maxNested = 10_000

// task ends a task. The record is that of its end, whoever ended it.
func (d *Desk) task(ctx context.Context, r Request) (Answer, error) {
	id, err := narrowcast.ParseTaskID(r.ID)
	if err != nil || d.config.Tasks == nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, errors.Join(err, errors.New("tasks are named by their id, where tasks are offered")))
	}
	before, err := d.ends(ctx, id)
	if err != nil {
		return Answer{}, err
	}
	killed := d.config.Tasks.Kill(ctx, id, r.By, r.Reason)
	if errors.Is(killed, store.ErrNotFound) {
		killed = ErrUnknown
	}
	ends, err := d.ends(ctx, id)
	if err != nil || len(ends) == 0 {
		return Answer{}, errors.Join(killed, err)
	}
	answer := Answer{Already: len(before) > 0}
	for _, end := range ends {
		tokens, err := d.family.tokens(ctx, store.Query{Task: end.task}, end.number)
		if err != nil {
			return answer, err
		}
		one := d.count(tokens)
		one.Numbers = []uint64{end.number}
		answer = answer.with(one)
	}
	return answer, nil
}

// end is the record of the end of a task.
type end struct {
	task   string
	number uint64
}

// ends finds the end of a task and of those inside it, which follow.
func (d *Desk) ends(ctx context.Context, id narrowcast.TaskID) ([]end, error) {
	over := []event.Type{event.TaskEnded}
	var all []end
	for rec, err := range d.config.Ledger.Find(ctx, store.Query{Task: string(id), Types: over, Limit: 1}) {
		if err != nil {
			return nil, err
		}
		all = append(all, end{string(id), rec.Number})
	}
	if len(all) == 0 {
		return nil, nil
	}
	inside := map[string]bool{string(id): true}
	for rec, err := range d.config.Ledger.Find(ctx, store.Query{After: all[0].number, Types: over, Limit: maxNested}) {
		if err != nil {
			return nil, err
		}
		if t := rec.Event.Task; t != nil && inside[t.Parent] {
			inside[t.ID] = true
			all = append(all, end{t.ID, rec.Number})
		}
	}
	return all, nil
}
