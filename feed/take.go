package feed

import (
	"errors"
	"fmt"
	"time"
)

// take applies one message. An error ends the connection.
func (f *Follower) take(m Message) error {
	switch m := m.(type) {
	case Reset:
		f.begins = m
		if f.staged = NewSet(); f.known.Load().set != nil {
			f.staged = newSet(f.known.Load().set.key)
		}
		return nil
	case Entry:
		return f.takeEntry(m)
	case At:
		if !m.Now.IsZero() {
			f.clocks.hear(m.Now, f.asked, f.now())
			f.asked = time.Time{}
		}
		if f.staged != nil {
			return f.settle(m)
		}
		return f.advance(m)
	}
	return nil
}

// takeEntry lets an entry count at once, but for those behind a Reset.
func (f *Follower) takeEntry(e Entry) error {
	if f.staged != nil {
		return f.staged.stage(e)
	}
	set := f.known.Load().set
	if set == nil {
		return errors.New("the issuer sent an entry before any state")
	}
	changed, err := set.Add(e)
	if changed {
		f.told = true
		f.file.note(e, &set.key)
	}
	return err
}

// settle puts what followed a Reset in the place of what was known, in one step. A
// book that is behind what it said before was brought back from a copy, or is that of
// a replica that lags: what was dead stays dead.
func (f *Follower) settle(a At) error {
	old := f.known.Load()
	if a.Position < f.begins.Position {
		return errors.New("the issuer ended a state before the place where it begins")
	}
	if old.set != nil && a.Position < old.at.Position {
		f.notice(fmt.Errorf("feed of %s: the book went back from record %d to %d; what was revoked stays so", f.issuer, old.at.Position, a.Position))
		f.staged.keepDead(old.set)
	}
	set := f.staged
	set.build()
	f.staged, f.afresh, f.told = nil, false, true
	f.file.renew()
	f.arrive(set, a)
	return nil
}

// advance moves on from what is known.
func (f *Follower) advance(a At) error {
	old := f.known.Load()
	if old.set == nil {
		return errors.New("the issuer sent no state")
	}
	if a.Position < old.at.Position {
		f.afresh = true
		return fmt.Errorf("the issuer went back from record %d to %d", old.at.Position, a.Position)
	}
	if a.AsOf.Before(old.at.AsOf) {
		a.AsOf = old.at.AsOf // what was known then still is
	}
	f.arrive(old.set, a)
	return nil
}

// arrive makes a state count, then keeps it, and then says so.
func (f *Follower) arrive(set *Set, a At) {
	now := f.now()
	k := &known{set: set, at: a, received: now.Add(-f.clocks.delay(a.AsOf, now))}
	if k.at.AsOf.After(now) {
		k.at.AsOf = now.UTC().Round(0) // it cannot be younger than it is
	}
	f.known.Store(k)
	f.file.owner.Key = set.key[:]
	if err := f.file.commit(set, commit{At: k.at, Received: k.received}); err != nil {
		f.filed(fmt.Errorf("feed: keeping the state: %w", err))
	} else {
		f.filed(nil)
	}
	if f.told {
		f.told = false
		f.mu.Lock()
		close(f.changed)
		f.changed = make(chan struct{})
		f.mu.Unlock()
	}
}
