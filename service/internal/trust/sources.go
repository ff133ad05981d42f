package trust

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// Sources are the foreign issuers of a registry. They may be used by many
// goroutines.
type Sources struct {
	c    Config
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.RWMutex
	open   map[narrowcast.Issuer]*entry
	agents map[string]*sharedAgent // by socket
}

// entry is one issuer that was opened, or why that failed.
type entry struct {
	of      registry.Issuer
	outside Outside
	fault   error
	stats   func() fetch.Stats
	closers []func()
}

// New makes Sources without any issuer. What they do in the background ends
// with ctx, or with Close.
func New(ctx context.Context, c Config) (*Sources, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	life, end := context.WithCancel(ctx)
	return &Sources{c: c, life: life, end: end, open: map[narrowcast.Issuer]*entry{}, agents: map[string]*sharedAgent{}}, nil
}

// Use opens the issuers of a revision of the registry. One that is as before
// stays open with what it holds; one that changed is opened anew, and one that
// is gone is closed. Nobody outside is waited for. The error names every issuer
// that could not be opened; the others work.
func (s *Sources) Use(issuers []registry.Issuer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return fmt.Errorf("trust: %w", fetch.ErrClosed)
	}
	if len(issuers) > registry.MaxIssuers {
		return fmt.Errorf("trust: more than %d issuers", registry.MaxIssuers)
	}
	var errs []error
	wanted := make(map[narrowcast.Issuer]*entry, len(issuers))
	for _, of := range issuers {
		e := s.open[of.Issuer]
		switch {
		case wanted[of.Issuer] != nil:
			errs = append(errs, fmt.Errorf("issuer %s is named twice", of.Issuer))
			continue
		case e == nil || e.fault != nil || !same(e.of, of):
			e = s.enter(of)
		}
		wanted[of.Issuer] = e
		if e.fault != nil {
			errs = append(errs, e.fault)
		}
	}
	for id, e := range s.open {
		if wanted[id] != e {
			e.close()
		}
	}
	s.open = wanted
	if len(errs) > 0 {
		return fmt.Errorf("trust: %w", errors.Join(errs...))
	}
	return nil
}

// same reports whether two revisions mean the same sources.
func same(a, b registry.Issuer) bool {
	a.Position, b.Position = "", ""
	a.MaxAge, b.MaxAge = 0, 0
	a.OneTime, b.OneTime = false, false
	return reflect.DeepEqual(a, b)
}

func (s *Sources) enter(of registry.Issuer) *entry {
	e := &entry{of: of}
	if err := s.fill(e); err != nil {
		e.close()
		e.outside, e.fault = Outside{}, fmt.Errorf("issuer %s (%s): %w", of.Issuer, of.Position, err)
	}
	return e
}

func (e *entry) close() {
	for _, closer := range slices.Backward(e.closers) {
		closer()
	}
	e.closers = nil
}

// start runs something beside the requests until the entry is closed.
func (s *Sources) start(e *entry, run func(context.Context)) {
	ctx, cancel := context.WithCancel(s.life)
	e.closers = append(e.closers, cancel)
	s.work.Go(func() { run(ctx) })
}

// Of returns what the desk needs of an issuer, or why it cannot be had.
func (s *Sources) Of(id narrowcast.Issuer) (Outside, error) {
	if s == nil {
		return Outside{}, fmt.Errorf("trust: %w", ErrUnknown)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.open[id]
	switch {
	case e == nil:
		return Outside{}, fmt.Errorf("trust: issuer %s: %w", id, ErrUnknown)
	case e.fault != nil:
		return Outside{}, fmt.Errorf("trust: %w: %w", ErrUnavailable, e.fault)
	}
	return e.outside, nil
}

// State is how it stands with one issuer, for health pages and metrics.
type State struct {
	Issuer narrowcast.Issuer
	Fault  error // why it could not be opened
	fetch.Stats
}

// States returns how it stands with every issuer, ordered by name.
func (s *Sources) States() []State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []State
	for id, e := range s.open {
		state := State{Issuer: id, Fault: e.fault}
		if e.stats != nil {
			state.Stats = e.stats()
		}
		all = append(all, state)
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.Issuer.String(), b.Issuer.String()) })
	return all
}

// Close closes every source and waits until nothing runs any more.
func (s *Sources) Close() {
	s.mu.Lock()
	s.end()
	for _, e := range s.open {
		e.close()
	}
	s.open = map[narrowcast.Issuer]*entry{}
	s.mu.Unlock()
	s.work.Wait()
}
