package revocation_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

const (
	ours = "https://issuer.example.test"
	pay  = "https://pay.example.test"
	crm  = "https://crm.example.test"
	data = "https://data.example.test"
)

type test interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// ring are two signing keys, made once: they are slow to make.
type ring struct {
	presses map[narrowcast.KeyID]*mint.Press
	keys    map[narrowcast.KeyID]narrowcast.Key
}

func newRing(t test) *ring {
	t.Helper()
	r := &ring{map[narrowcast.KeyID]*mint.Press{}, map[narrowcast.KeyID]narrowcast.Key{}}
	for _, id := range []narrowcast.KeyID{"k1", "k2"} {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		r.keys[id], err = narrowcast.NewKey(narrowcast.KeyConfig{ID: id, Algorithm: narrowcast.ES256, Public: &private.PublicKey})
		must(t, err)
		r.presses[id], err = mint.New(mint.Config{Issuer: narrowcast.MustIssuer(ours), KeyID: id, Algorithm: narrowcast.ES256, Signer: private})
		must(t, err)
	}
	return r
}

func (r *ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := r.keys[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

func must(t test, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a book, a desk of revocations and tokens.
type world struct {
	t    test
	now  time.Time
	more atomic.Int64 // what the clock is ahead of now; may be set while others read it
	ring *ring
	book *failing
	log  *revocation.Log
	desk *revocation.Desk
	n    uint64

	list   string // of which tokens get a place, if any
	places uint64
}

// failing is a book that fails when it is told to.
type failing struct {
	*storetest.Memory
	fails error
	mu    sync.Mutex
	asked []store.Query
}

func (f *failing) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	if f.fails != nil {
		return func(yield func(store.Record, error) bool) { yield(store.Record{}, f.fails) }
	}
	f.mu.Lock()
	f.asked = append(f.asked, q)
	f.mu.Unlock()
	return f.Memory.Find(ctx, q)
}

func newWorld(t test, r *ring) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), ring: r}
	w.book = &failing{Memory: storetest.NewMemory(w.clock)}
	w.log = w.replica()
	var err error
	w.desk, err = revocation.NewDesk(revocation.DeskConfig{
		Ledger: w.book, Log: w.log, Now: w.clock, Writer: "revocations/1", Tasks: killer{w},
		ClientsOf: func(owner string) []narrowcast.ClientID {
			return map[string][]narrowcast.ClientID{"team": {"a", "b"}}[owner]
		},
	})
	must(t, err)
	return w
}

func (w *world) clock() time.Time { return w.now.Add(time.Duration(w.more.Load())) }

// replica is another fold of the same book.
func (w *world) replica() *revocation.Log {
	l, err := revocation.New(revocation.Config{Book: w.book, Now: w.clock})
	must(w.t, err)
	return l
}

// letter is a token with what the book has of it.
type letter struct {
	token  *narrowcast.Token
	facts  event.Token
	parent *letter
}

// issue writes a token and its record. The book may refuse.
func (w *world) issue(l mint.Letter, kid narrowcast.KeyID, parent *letter) (*letter, error) {
	l.ID, l.IssuedAt, l.Lifetime = mint.NewTokenID(), w.now, 10*time.Minute
	if w.list != "" {
		w.places++
		l.Status = mint.Status{URI: w.list, Index: w.places}
	}
	entry := store.Entry{Event: event.Event{Type: event.Issued}}
	if parent != nil {
		l.Parent, l.Lineage, l.Task = parent.token.ID(), narrowcast.TokenID(parent.facts.Lineage), parent.token.Task()
		l.Lifetime = parent.facts.Expires.Sub(w.now)
		entry.Event.Type = event.Exchanged
		for p := parent; p != nil; p = p.parent {
			entry.Unless = append(entry.Unless, revocation.OnceOf(p.token.ID(), p.facts.Expires))
		}
	}
	if l.Task != "" {
		entry.Running = []narrowcast.TaskID{l.Task}
	}
	text, err := w.ring.presses[kid].Mint(l)
	must(w.t, err)
	claimed, err := narrowcast.Inspect(text)
	must(w.t, err)
	entry.Event.Token = event.TokenOf(claimed)
	if _, err := w.keep(entry); err != nil {
		return nil, err
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: l.Audience, Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(ours), Keys: w.ring}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: w.clock,
	})
	must(w.t, err)
	token, err := verifier.Verify(context.Background(), text, narrowcast.Presentation{})
	must(w.t, err)
	return &letter{token, *entry.Event.Token, parent}, nil
}

// root is a token that a client asked for.
func (w *world) root(client, audience string) *letter {
	l, err := w.issue(mint.Letter{Audience: narrowcast.MustAudience(audience), Subject: narrowcast.Subject(client), Client: narrowcast.ClientID(client)}, "k1", nil)
	must(w.t, err)
	return l
}

// exchange is a token that a client got for another one.
func (w *world) exchange(parent *letter, client, audience string) *letter {
	l, err := w.issue(w.letterFor(parent, client, audience), "k1", parent)
	must(w.t, err)
	return l
}

func (w *world) letterFor(parent *letter, client, audience string) mint.Letter {
	return mint.Letter{
		Audience: narrowcast.MustAudience(audience), Subject: parent.token.Subject(), Client: narrowcast.ClientID(client),
		Actors: append([]narrowcast.Subject{narrowcast.Subject("spiffe://" + client)}, parent.token.Actors()...),
	}
}

func (w *world) keep(e store.Entry) (store.Record, error) {
	w.n++
	e.Event.ID, e.Event.Writer, e.Event.Time, e.Event.Version = fmt.Sprint(w.n), "world", w.now, event.Version
	return w.book.Append(context.Background(), e)
}

// change brings a task into a state and writes that down.
func (w *world) change(id narrowcast.TaskID, what event.Type, state store.TaskState) error {
	t, err := w.book.Task(context.Background(), id)
	if err != nil {
		t = store.Task{
			ID: id, Client: "a", Holder: "jkt:x", Attempt: 1, Opened: w.now, Deadline: w.now.Add(time.Hour),
			LeaseFor: time.Minute, Lease: w.now.Add(time.Minute), Resources: []string{pay},
		}
	}
	t.State, t.Version = state, t.Version+1
	if state == store.TaskEnded {
		t.Outcome, t.Ended = "killed", w.now
	}
	_, err = w.keep(store.Entry{Task: &t, Event: event.Event{Type: what, Task: &event.Task{ID: string(id)}}})
	return err
}

// killer ends tasks.
type killer struct{ w *world }

func (k killer) Kill(ctx context.Context, id narrowcast.TaskID, _ narrowcast.ClientID, _ string) error {
	t, err := k.w.book.Task(ctx, id)
	if err != nil {
		return err
	}
	if t.State == store.TaskEnded {
		return errors.New("over")
	}
	return k.w.change(id, event.TaskEnded, store.TaskEnded)
}

func (w *world) revoke(kind, id string) revocation.Answer {
	w.t.Helper()
	answer, err := w.desk.Revoke(context.Background(), revocation.Request{Kind: kind, ID: id, By: "ops"})
	must(w.t, err)
	return answer
}

// stream reads what a follower of a Log gets until it is up to date.
func stream(t test, l *revocation.Log, audience string, after uint64) (messages []feed.Message, at feed.At) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for text, err := range l.Follow(ctx, narrowcast.MustAudience(audience), after) {
		must(t, err)
		for _, m := range read(t, text) {
			messages = append(messages, m)
			if at, ok := m.(feed.At); ok {
				return messages, at
			}
		}
	}
	t.Fatal("the stream ended")
	return nil, at
}

func read(t test, text []byte) (all []feed.Message) {
	t.Helper()
	if n := strings.Count(string(text), "\n\n"); n == 0 {
		t.Fatalf("no whole message: %q", text)
	}
	r := feed.NewReader(bytes.NewReader(text))
	for {
		m, err := r.Next()
		if err != nil {
			return all
		}
		all = append(all, m)
	}
}

// entriesOf are the entries among messages, as text, in a fixed order.
func entriesOf(messages []feed.Message) []string {
	var all []string
	for _, m := range messages {
		if e, ok := m.(feed.Entry); ok {
			all = append(all, fmt.Sprintf("%+v", e))
		}
	}
	slices.Sort(all)
	return all
}

// setOf is what a verifier knows after messages.
func setOf(t test, set *feed.Set, messages []feed.Message) *feed.Set {
	t.Helper()
	for _, m := range messages {
		if e, ok := m.(feed.Entry); ok {
			_, err := set.Add(e)
			must(t, err)
		}
	}
	return set
}
