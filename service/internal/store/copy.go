package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Source is what Copy reads.
type Source interface {
	Book
	Revisions
	Keys
	Tasks
	Exporter
}

// Target is what Copy fills.
type Target interface {
	Book
	Importer
}

// copyPage is how many records or ids are handed over at a time.
const copyPage = 512

// Copy makes to, which must be empty, hold what from holds: every record with
// its number, time of receipt and hash, every revision, every key, every
// task, and every id that is still used up, so that nothing that was used before
// can be used again.
//
// It copies all or nothing: when it fails, to is empty as before. The chain is
// checked in from before, while copying, and in to afterwards; only when that
// last look fails is there something in to, which must not be used then.
// Nobody may write to from meanwhile; when somebody did, Copy fails.
//
// progress, which may be nil, is told how many of the records were copied.
func Copy(ctx context.Context, from Source, to Target, progress func(done, total uint64)) error {
	c := copier{from: from, progress: progress}
	if progress == nil {
		c.progress = func(uint64, uint64) {}
	}
	err := c.begin(ctx)
	if err == nil {
		err = to.Import(ctx, func(in Intake) error { return c.fill(ctx, in) })
	}
	if err == nil {
		err = c.compare(ctx, to)
	}
	if err != nil {
		return fmt.Errorf("copying a store: %w", err)
	}
	return nil
}

// copier remembers how the source looked when it began.
type copier struct {
	from     Source
	progress func(done, total uint64)

	total    uint64
	revision uint64
	keys     []Key
	tasks    [32]byte // see taskSum
	last     Record
}

var errWrittenTo = errors.New("the source was written to meanwhile; stop whoever does, and copy again into an empty store")

func (c *copier) begin(ctx context.Context) error {
	total, broken, err := c.from.CheckChain(ctx)
	if err == nil && broken != 0 {
		err = fmt.Errorf("the chain of the source is broken at record %d", broken)
	}
	if err != nil {
		return err
	}
	c.total = total
	if c.revision, err = c.from.LatestNumber(ctx); err != nil {
		return err
	}
	if c.keys, err = c.from.Keys(ctx); err != nil {
		return err
	}
	c.tasks, err = c.taskSum(ctx)
	return err
}

func (c *copier) fill(ctx context.Context, in Intake) error {
	for _, step := range []func(context.Context, Intake) error{c.records, c.revisions, c.signingKeys, c.used, c.allTasks} {
		if err := step(ctx, in); err != nil {
			return err
		}
	}
	return c.unchanged(ctx)
}

func (c *copier) records(ctx context.Context, in Intake) error {
	c.progress(0, c.total)
	page := make([]Record, 0, copyPage)
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		err := in.Records(ctx, page)
		page = page[:0]
		if err == nil {
			c.progress(c.last.Number, c.total)
		}
		return err
	}
	for r, err := range c.from.Find(ctx, Query{}) {
		if err != nil {
			return err
		}
		if r.Number != c.last.Number+1 || r.Hash != Link(c.last.Hash, r.Number, r.Received, r.Encoded) {
			return fmt.Errorf("record %d of the source does not fit into its chain", r.Number)
		}
		page, c.last = append(page, r), r
		if len(page) == copyPage {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (c *copier) revisions(ctx context.Context, in Intake) error {
	for n := uint64(1); n <= c.revision; n++ {
		r, err := c.from.Revision(ctx, n)
		if err == nil {
			err = in.Revision(ctx, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) signingKeys(ctx context.Context, in Intake) error {
	for _, k := range c.keys {
		if err := in.Key(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) used(ctx context.Context, in Intake) error {
	var page []Once
	for o, err := range c.from.Used(ctx) {
		if err != nil {
			return err
		}
		if page = append(page, o); len(page) == copyPage {
			if err := in.Used(ctx, page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if len(page) == 0 {
		return nil
	}
	return in.Used(ctx, page)
}

// unchanged fails when the source is another one than at the beginning. An id is
// never used up without a record.
func (c *copier) unchanged(ctx context.Context) error {
	if c.last.Number != c.total {
		return errWrittenTo
	}
	for _, err := range c.from.Find(ctx, Query{After: c.total, Limit: 1}) {
		return errors.Join(errWrittenTo, err)
	}
	revision, err := c.from.LatestNumber(ctx)
	if err != nil {
		return err
	}
	keys, err := c.from.Keys(ctx)
	if err != nil {
		return err
	}
	tasks, err := c.taskSum(ctx)
	if err != nil {
		return err
	}
	if revision != c.revision || tasks != c.tasks || !slices.EqualFunc(keys, c.keys, sameKey) {
		return errWrittenTo
	}
	return nil
}

func (c *copier) compare(ctx context.Context, to Target) error {
	records, broken, err := to.CheckChain(ctx)
	if err == nil && (broken != 0 || records != c.total) {
		err = fmt.Errorf("the copy has %d records of %d and is broken at %d; do not use it", records, c.total, broken)
	}
	if err != nil {
		return err
	}
	for r, err := range to.Find(ctx, Query{Newest: true, Limit: 1}) {
		if err != nil {
			return err
		}
		if r.Hash != c.last.Hash {
			return errors.New("the copy ends with another hash than the source; do not use it")
		}
	}
	return nil
}
