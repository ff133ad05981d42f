package statuslist

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

var errNotMade = errors.New("status list follower: it was not made with NewFollower")

// Run polls until ctx is done: three times in the shortest ttl of the lists, so
// that one lost poll does not make a list old. Of the zero Follower it returns at
// once.
func (f *Follower) Run(ctx context.Context) {
	if f == nil || f.config.Now == nil {
		return
	}
	for ctx.Err() == nil {
		_ = f.Poll(ctx) // State tells of the fault
		f.rest(ctx)
	}
}

// rest waits until the next poll is due, and meanwhile fetches single lists that
// tokens name.
func (f *Follower) rest(ctx context.Context) {
	wait := f.interval()
	due := f.config.Now().Add(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case name := <-f.wake:
			_ = f.one(ctx, name)
			// The ttl of the new list may be shorter than what was known. The poll is
			// never put off by it.
			timer.Reset(max(0, min(due.Sub(f.config.Now()), f.interval())))
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *Follower) interval() time.Duration {
	shortest := MostInterval
	lists := *f.lists.Load()
	for _, h := range lists {
		shortest = min(shortest, h.ttl())
	}
	if len(lists) == 0 {
		shortest = DefaultTTL
	}
	wait := shortest / 3
	f.mu.Lock()
	if f.fault != nil {
		wait /= 3
	}
	f.mu.Unlock()
	// Spread, so that many followers do not ask at one time.
	return max(wait-rand.N(wait/8+1), LeastInterval)
}

// ask has an unknown list fetched soon, at most one in a second whatever tokens
// say. It never waits.
func (f *Follower) ask(name string) {
	now := f.config.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Before(f.next) {
		return
	}
	select {
	case f.wake <- name:
		f.next = now.Add(LeastInterval)
	default:
	}
}

// Poll asks for the aggregation and every list that it names, once. Lists that
// could not be had stay as they were. The error joins all faults.
func (f *Follower) Poll(ctx context.Context) error {
	if f == nil || f.config.Now == nil {
		return errNotMade
	}
	f.poll.Lock()
	defer f.poll.Unlock()
	names, err := f.names(ctx)
	complete := err == nil
	errs := []error{err}
	for _, name := range names {
		errs = append(errs, f.refresh(ctx, name))
	}
	for name := range *f.lists.Load() {
		if slices.Contains(names, name) {
			continue
		}
		// A list that is not named any more may be gone for good.
		if err := f.refresh(ctx, name); err != nil && !complete {
			errs = append(errs, err)
		}
	}
	f.forget()
	err = errors.Join(errs...)
	f.mu.Lock()
	f.fault = err
	f.polls++
	f.mu.Unlock()
	return err
}

// one fetches one list.
func (f *Follower) one(ctx context.Context, name string) error {
	f.poll.Lock()
	defer f.poll.Unlock()
	return f.refresh(ctx, name)
}

// names are the lists of the aggregation that lie below the base.
func (f *Follower) names(ctx context.Context) ([]string, error) {
	text, err := f.get(ctx, f.aggregation, "application/json", MaxAggregation)
	if err != nil {
		return nil, err
	}
	all, err := ParseAggregation(text)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, uri := range all {
		name, below := f.base.name(uri)
		switch {
		case !below:
			err = errors.New("status list aggregation: it names lists that are not below the base")
		case slices.Contains(names, name): // one is asked for once
		case len(names) == f.config.MaxLists:
			return names, fmt.Errorf("status list aggregation: more than %d lists", f.config.MaxLists)
		default:
			names = append(names, name)
		}
	}
	return names, err
}

// refresh fetches a list and keeps it unless what is kept is newer: an old copy
// must not bring a revoked token back.
func (f *Follower) refresh(ctx context.Context, name string) error {
	text, err := f.get(ctx, f.mirror.list(name), MediaType, MaxToken)
	if err != nil {
		return err
	}
	token, err := Read(ctx, text, Config{Keys: f.config.Keys, Algorithms: f.config.Algorithms, URI: f.base.list(name), Now: f.config.Now})
	switch {
	case err != nil:
		return fmt.Errorf("list %s: %w", name, err)
	case token.Expires.IsZero():
		return fmt.Errorf("list %s: it never expires, so anybody could show it for ever", name)
	}
	return f.keep(name, &held{token: token, received: f.config.Now()})
}

func (f *Follower) keep(name string, fresh *held) error {
	old := *f.lists.Load()
	if had := old[name]; had != nil && had.isNewer(fresh) {
		return fmt.Errorf("list %s: an older one came than the one that is kept", name)
	}
	bytes := len(fresh.token.list.packed)
	for other, h := range old {
		if other != name {
			bytes += len(h.token.list.packed)
		}
	}
	if _, had := old[name]; !had && len(old) >= f.config.MaxLists || bytes > f.config.MaxBytes {
		return fmt.Errorf("list %s: there is no room for it", name)
	}
	lists := maps.Clone(old)
	lists[name] = fresh
	f.lists.Store(&lists)
	return nil
}

// isNewer reports whether a list came that is older than the one that is kept. Lists
// say when they were issued in whole seconds: of two of one second, the one in which
// less is dead is taken for the older one.
func (h *held) isNewer(fresh *held) bool {
	if !fresh.token.IssuedAt.Equal(h.token.IssuedAt) {
		return fresh.token.IssuedAt.Before(h.token.IssuedAt)
	}
	had, comes := h.token.list, fresh.token.list
	if had.bits != comes.bits || len(had.packed) > len(comes.packed) {
		return true
	}
	for i, b := range had.packed {
		if b&^comes.packed[i] != 0 {
			return true
		}
	}
	return false
}

// forget drops lists that nobody believes any more. With DangerouslyAccept what
// they called dead stays dead for as long as a token can live.
func (f *Follower) forget() {
	lists := maps.Clone(*f.lists.Load())
	now, late := f.config.Now(), time.Duration(0)
	if f.config.WhenOld == DangerouslyAccept {
		late = maxTTL
	}
	maps.DeleteFunc(lists, func(_ string, h *held) bool { return !now.Before(h.token.Expires.Add(late)) })
	f.lists.Store(&lists)
}
