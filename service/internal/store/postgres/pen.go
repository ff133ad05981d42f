package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// pen writes the entries of one transaction behind the end of the book. It goes
// to the server twice: to lock the end and see what is there already, and to
// write and commit.
type pen struct {
	conn     *pgx.Conn
	now      func() time.Time
	entries  []*entry
	renewals []*renewal

	received time.Time
	number   uint64   // of the last record
	hash     [32]byte // of the last record
	kept     map[int]found
	used     map[onceName]int64 // until when, as the server and this transaction have it
	fresh    []*entry
	spent    map[onceName]int64               // what this transaction uses up
	tasks    map[narrowcast.TaskID]store.Task // as the server and this transaction have them
	moved    map[narrowcast.TaskID]bool       // which of them this transaction changes
}

// found is a record, or the reason why it cannot be read.
type found struct {
	record store.Record
	err    error
}

type onceName struct{ space, id string }

func (p *pen) write(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return fmt.Errorf("looking at the end of the book: %w", err)
	}
	p.decide()
	if err := p.commit(ctx); err != nil {
		return fmt.Errorf("writing to the book: %w", err)
	}
	return nil
}

// look locks the head of the book. What the statements behind it read stays
// true until the commit, because nobody else writes without that lock.
func (p *pen) look(ctx context.Context) error {
	var ids, writers, spaces, onceIDs [][]byte
	var names []onceName
	for _, e := range p.entries {
		ids, writers = append(ids, []byte(e.columns.id)), append(writers, []byte(e.columns.writer))
		for _, all := range [][]store.Once{e.once, e.unless} {
			for _, o := range all {
				names = append(names, onceName{o.Space, o.ID})
				spaces, onceIDs = append(spaces, []byte(o.Space)), append(onceIDs, []byte(o.ID))
			}
		}
	}
	var batch pgx.Batch
	batch.Queue(sqlBegin)
	var hash []byte
	batch.Queue(sqlLockHead).QueryRow(func(row pgx.Row) error { return row.Scan(&p.number, &hash) })
	batch.Queue(sqlKept, ids, writers).Query(p.readKept)
	p.used, p.spent = make(map[onceName]int64), make(map[onceName]int64)
	if len(names) > 0 {
		batch.Queue(sqlUsed, spaces, onceIDs).Query(func(rows pgx.Rows) error {
			var n int
			var until int64
			_, err := pgx.ForEachRow(rows, []any{&n, &until}, func() error {
				p.used[names[n-1]] = until
				return nil
			})
			return err
		})
	}
	p.lookForTasks(&batch)
	err := p.conn.SendBatch(ctx, &batch).Close()
	copy(p.hash[:], hash)
	// By now the lock is ours: nothing that was free a moment ago is used.
	p.received = store.FromInstant(store.Instant(p.now()))
	return err
}

func (p *pen) readKept(rows pgx.Rows) error {
	p.kept = make(map[int]found)
	var n int
	var raw rawRecord
	_, err := pgx.ForEachRow(rows, append([]any{&n}, raw.into()...), func() error {
		r, err := raw.record()
		p.kept[n-1] = found{r, err}
		raw = rawRecord{}
		return nil
	})
	return err
}

// decide gives each entry its number, the record it repeats, or its refusal, in
// the order in which they came.
func (p *pen) decide() {
	type key struct{ writer, id string }
	here := make(map[key]*entry, len(p.entries))
	for i, e := range p.entries {
		k := key{e.columns.writer, e.columns.id}
		e.record, e.fresh, e.err = store.Record{}, false, nil
		if f, ok := p.kept[i]; ok {
			e.record, e.err = f.record, f.err
			// An attempt whose answer was lost had kept it.
			e.fresh = e.tried != nil && *e.tried == f.record.Hash
			continue
		}
		if first := here[k]; first != nil {
			e.record = first.record
			continue
		}
		if e.err = p.admit(e); e.err != nil {
			continue
		}
		here[k] = e
		p.add(e)
	}
	for _, r := range p.renewals {
		p.renew(r)
	}
}

func (p *pen) add(e *entry) {
	next := store.Record{Number: p.number + 1, Received: p.received, Event: e.event, Encoded: e.line}
	next.Hash = store.Link(p.hash, next.Number, next.Received, e.line)
	e.record, e.fresh, e.tried = next, true, &next.Hash
	p.number, p.hash = next.Number, next.Hash
	p.fresh = append(p.fresh, e)
}

func (p *pen) commit(ctx context.Context) error {
	var batch pgx.Batch
	if len(p.fresh) > 0 {
		var rows recordRows
		for _, e := range p.fresh {
			rows.add(e.record, e.columns)
		}
		batch.Queue(sqlInsert, rows.args()...)
		batch.Queue(sqlMoveHead, bound(p.number), p.hash[:])
	}
	if len(p.spent) > 0 {
		batch.Queue(sqlUse, spentArgs(p.spent)...)
		batch.Queue(sqlForget, store.Instant(p.received))
	}
	if err := p.saveTasks(&batch); err != nil {
		return err
	}
	batch.Queue(sqlCommit)
	return p.conn.SendBatch(ctx, &batch).Close()
}
