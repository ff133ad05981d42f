package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Memory is the plainest store there can be: slices, and one lock around
// everything. It is the model that drivers are compared with, and a stand-in
// for tests of other rooms. It keeps nothing when the process ends.
type Memory struct {
	now  func() time.Time
	kept *shelves

	lock   sync.Mutex
	closed bool
}

// shelves are what survives closing.
type shelves struct {
	lock      sync.Mutex
	records   []store.Record
	once      map[[2]string]time.Time
	revisions []store.Revision
	keys      []store.Key
	tasks     map[narrowcast.TaskID]store.Task
	newer     bool
}

var _ store.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, kept: &shelves{
		once: make(map[[2]string]time.Time), tasks: make(map[narrowcast.TaskID]store.Task),
	}}
}

// enter locks the shelves for one operation.
func (m *Memory) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.closed {
		return nil, store.ErrClosed
	}
	m.kept.lock.Lock()
	return m.kept.lock.Unlock, nil
}

// Append keeps one entry.
func (m *Memory) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	kept, line, err := e.Encode()
	if err != nil {
		return store.Record{}, err
	}
	leave, err := m.enter(ctx)
	if err != nil {
		return store.Record{}, err
	}
	defer leave()
	for _, r := range m.kept.records {
		if r.Event.Writer == kept.Writer && r.Event.ID == kept.ID {
			return r, nil
		}
	}
	if err := m.allowed(e); err != nil {
		return store.Record{}, err
	}
	if err := m.spend(e.Once); err != nil {
		return store.Record{}, err
	}
	if err := m.keepTask(e.Task); err != nil {
		return store.Record{}, err
	}
	return m.add(kept, line), nil
}

func (m *Memory) add(e event.Event, line []byte) store.Record {
	r := store.Record{
		Number: uint64(len(m.kept.records)) + 1, Received: m.now().Round(0).UTC(), Event: e, Encoded: line,
	}
	var previous [32]byte
	if r.Number > 1 {
		previous = m.kept.records[r.Number-2].Hash
	}
	r.Hash = store.Link(previous, r.Number, r.Received, line)
	m.kept.records = append(m.kept.records, r)
	return r
}

func (m *Memory) spend(once []store.Once) error {
	fresh := make(map[[2]string]time.Time)
	for _, o := range once {
		name := [2]string{o.Space, o.ID}
		until, used := m.kept.once[name]
		if _, twice := fresh[name]; twice || used && until.After(m.now()) {
			return store.ErrUsed
		}
		fresh[name] = o.Until
	}
	maps.Copy(m.kept.once, fresh)
	return nil
}

// AppendAll keeps many entries.
func (m *Memory) AppendAll(ctx context.Context, entries []store.Entry) (int, error) {
	for _, e := range entries {
		if _, _, err := e.Encode(); err != nil || !e.OnlyEvent() {
			return 0, errors.Join(err, errors.New("an entry is faulty or carries more than an event"))
		}
	}
	before, err := m.count(ctx)
	for _, e := range entries {
		if err == nil {
			_, err = m.Append(ctx, e)
		}
	}
	if err != nil {
		return 0, err
	}
	after, err := m.count(ctx)
	return after - before, err
}

func (m *Memory) count(ctx context.Context) (int, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	return len(m.kept.records), nil
}

// Find yields the records that match.
func (m *Memory) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		leave, err := m.enter(ctx)
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		records := slices.Clone(m.kept.records)
		leave()
		if q.Newest {
			slices.Reverse(records)
		}
		left := q.Limit
		for _, r := range records {
			if !matches(q, r) {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(store.Record{}, err)
				return
			}
			if left--; !yield(r, nil) || left == 0 {
				return
			}
		}
	}
}

// matches is the meaning of a query, field by field.
func matches(q store.Query, r store.Record) bool {
	e, token := r.Event, r.Event.Token
	if token == nil {
		token = &event.Token{}
	}
	return r.Number > q.After &&
		(q.TokenID == "" || q.TokenID == token.ID) &&
		(q.Fingerprint.IsZero() || q.Fingerprint == token.Fingerprint) &&
		(q.Lineage == "" || q.Lineage == token.Lineage) &&
		(q.Decision == "" || q.Decision == e.Decision) &&
		(q.Writer == "" || q.Writer == e.Writer) &&
		(q.Task == "" || q.Task == store.TaskOf(e)) &&
		(q.Audience == "" || q.Audience == store.Door(e)) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, e.Type)) &&
		(q.From.IsZero() || !e.Time.Before(q.From)) &&
		(q.To.IsZero() || e.Time.Before(q.To))
}

// CheckChain recomputes the hash chain.
func (m *Memory) CheckChain(ctx context.Context) (records, broken uint64, err error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	var last store.Record
	for _, r := range m.kept.records {
		if broken == 0 && (r.Number != last.Number+1 || r.Hash != store.Link(last.Hash, r.Number, r.Received, r.Encoded)) {
			broken = r.Number
		}
		last = r
	}
	return uint64(len(m.kept.records)), broken, nil
}

// Save keeps a revision.
func (m *Memory) Save(ctx context.Context, r store.Revision) error {
	if err := r.Check(); err != nil {
		return err
	}
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if r.Number != uint64(len(m.kept.revisions))+1 {
		return fmt.Errorf("revision %d: %w", r.Number, store.ErrConflict)
	}
	m.kept.revisions = append(m.kept.revisions, clone(r))
	return nil
}

func clone(r store.Revision) store.Revision {
	files := make(map[string][]byte, len(r.Files))
	for name, content := range r.Files {
		files[name] = append([]byte{}, content...)
	}
	r.Files = files
	return r
}

// Latest returns the newest revision.
func (m *Memory) Latest(ctx context.Context) (store.Revision, error) {
	return m.newest(ctx, func(store.Revision) bool { return true })
}

// At returns the revision that was in force at t.
func (m *Memory) At(ctx context.Context, t time.Time) (store.Revision, error) {
	return m.newest(ctx, func(r store.Revision) bool { return !r.Applied.After(t) })
}

// LatestNumber returns the number of the newest revision.
func (m *Memory) LatestNumber(ctx context.Context) (uint64, error) {
	r, err := m.Latest(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return r.Number, err
}

func (m *Memory) newest(ctx context.Context, fits func(store.Revision) bool) (store.Revision, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return store.Revision{}, err
	}
	defer leave()
	for _, r := range slices.Backward(m.kept.revisions) {
		if fits(r) {
			return clone(r), nil
		}
	}
	return store.Revision{}, store.ErrNotFound
}
