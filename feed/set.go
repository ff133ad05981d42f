package feed

import (
	"crypto/rand"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Bounds of a Set.
const (
	// MaxEntries is how many entries a set holds; further ones are refused, and a
	// follower that cannot take what it is told grows stale.
	MaxEntries = 16 << 20
	// sweepShards and sweepFacts bound the work of one Forget. A whole round over the
	// token ids takes a minute of calls each second.
	sweepShards = shardCount / 60
	sweepFacts  = 4096
)

// ErrFull means that a Set has MaxEntries entries.
var ErrFull = errors.New("feed: no room for another entry")

// Set is what is dead of one issuer: exact, in memory, and bounded by what can
// still be presented. It is made by [NewSet] and may be used by many goroutines;
// Check waits for no writer of token ids. The zero Set answers Stale.
type Set struct {
	key                             hashKey
	tokens                          *tokens
	tasks, parties, resources, keys *facts

	mu    sync.Mutex // held by writers
	swept int
}

// NewSet makes an empty Set with a secret of its own.
func NewSet() *Set {
	var key hashKey
	_, _ = rand.Read(key[:]) // never fails
	return newSet(key)
}

func newSet(key hashKey) *Set {
	return &Set{key: key, tokens: &tokens{}, tasks: newFacts(), parties: newFacts(), resources: newFacts(), keys: newFacts()}
}

// facts returns what the set keeps of a kind, nil for Token.
func (s *Set) facts(kind Kind) *facts {
	switch kind {
	case Task:
		return s.tasks
	case Party:
		return s.parties
	case Resource:
		return s.resources
	case Key:
		return s.keys
	}
	return nil
}

// Add takes an entry in. It reports whether the entry told anything new; an error
// means that it is not one, or that there is no room.
func (s *Set) Add(e Entry) (changed bool, err error) { return s.take(e, (*tokens).add) }

// stage is Add for a set that nobody asks yet; build must follow.
func (s *Set) stage(e Entry) error {
	_, err := s.take(e, func(t *tokens, id sum, until uint32) bool { t.stage(id, until); return true })
	return err
}

func (s *Set) build() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.build()
}

func (s *Set) take(e Entry, put func(*tokens, sum, uint32) bool) (changed bool, err error) {
	if s.tokens == nil {
		return false, errors.New("feed: the set was not made with NewSet")
	}
	if err := e.check(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size() >= MaxEntries {
		return false, ErrFull
	}
	until := ceil(e.Until)
	if e.Kind == Token {
		return put(s.tokens, s.key.of(e.ID), clamp(until)), nil
	}
	id := e.ID
	if aud, err := narrowcast.ParseAudience(id); e.Kind == Resource && err == nil {
		id = aud.String()
	}
	return s.facts(e.Kind).add(id, fact{number: e.Number, state: e.State, before: seconds(e.Before), until: until}), nil
}

// Check answers Revoked, TaskEnded, TaskPaused, or the zero Reason for a token of
// which nothing is known. It does not look at the issuer.
func (s *Set) Check(t *narrowcast.Token) narrowcast.Reason {
	if s == nil || s.tokens == nil {
		return narrowcast.Stale
	}
	if id := string(t.ID()); id != "" && s.tokens.count.Load() > 0 && s.tokens.has(s.key.of(id)) {
		return narrowcast.Revoked
	}
	if s.revoked(t) {
		return narrowcast.Revoked
	}
	switch task, _ := s.tasks.find(string(t.Task())); task.state {
	case Ended:
		return narrowcast.TaskEnded
	case Paused:
		return narrowcast.TaskPaused
	}
	return 0
}

// revoked looks at what is revoked up to a time of issue.
func (s *Set) revoked(t *narrowcast.Token) bool {
	issued := t.IssuedAt()
	if s.keys.covers(string(t.KeyID()), issued) || s.resources.covers(t.Audience().String(), issued) {
		return true
	}
	if s.parties.count.Load() == 0 {
		return false
	}
	for _, actor := range t.Actors() {
		if s.parties.covers(string(actor), issued) {
			return true
		}
	}
	return s.parties.covers(string(t.ClientID()), issued) || s.parties.covers(string(t.Subject()), issued)
}

// Forget drops entries whose Until has passed. Each call does a bounded part of the
// work; called once a second it is done with a round in a minute or so.
func (s *Set) Forget(now time.Time) {
	if s.tokens == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range sweepShards + 1 {
		s.tokens.forget(s.swept, clamp(now.Unix()))
		s.swept = (s.swept + 1) % shardCount
	}
	s.tokens.trim()
	left := sweepFacts
	for _, kind := range Kinds()[1:] {
		left -= s.facts(kind).forget(now.Unix(), left)
	}
}

// Len returns how many entries of a kind the set holds.
func (s *Set) Len(kind Kind) int {
	switch {
	case s == nil || s.tokens == nil:
		return 0
	case kind == Token:
		return int(s.tokens.count.Load())
	case s.facts(kind) == nil:
		return 0
	}
	return int(s.facts(kind).count.Load())
}

func (s *Set) size() int {
	n := 0
	for _, kind := range Kinds() {
		n += s.Len(kind)
	}
	return n
}

// keepDead takes over what is dead in another set with the same secret; build must
// follow.
func (s *Set) keepDead(other *Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	other.tokens.each(func(id sum, until uint32) bool {
		s.tokens.stage(id, until)
		return s.size() < MaxEntries
	})
	for _, kind := range Kinds()[1:] {
		for _, e := range other.facts(kind).entries(kind) {
			if e.State == Revoked || e.State == Ended {
				s.facts(kind).add(e.ID, fact{number: e.Number, state: e.State, before: seconds(e.Before), until: e.Until.Unix()})
			}
		}
	}
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// ceil rounds up: what is forgotten too early would come to life.
func ceil(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

// clamp bounds seconds to those of 1970 to 2106.
func clamp(seconds int64) uint32 { return uint32(min(max(seconds, 0), math.MaxUint32)) }
