package spiffe

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// Waits between two streams. The client of the Workload API connects anew by
// itself; it gives up on some errors, and then this one begins again.
const (
	leastWait = time.Second
	mostWait  = 30 * time.Second
)

// Run listens to the agent and asks it now and then, until ctx ends or the Agent
// is closed. Requests never wait for a stream.
func (a *Agent) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { again(ctx, func() error { return a.client.WatchX509Bundles(ctx, bell{a.keeper}) }) })
	all.Go(func() { again(ctx, func() error { return a.client.WatchJWTBundles(ctx, bell{a.keeper}) }) })
	a.keeper.Run(ctx)
	cancel()
	all.Wait()
}

// again repeats what should never end, until ctx ends.
func again(ctx context.Context, run func() error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for wait := leastWait; ; wait = min(2*wait, mostWait) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		_ = run() // the questions beside the stream show what is wrong
		timer.Reset(wait)
	}
}

// bell rings when the stream tells of a change: the agent is then asked for
// everything, so that what counts comes by one way alone.
type bell struct {
	keeper *fetch.Keeper[answer]
}

func (b bell) OnX509BundlesUpdate(*x509bundle.Set) { b.keeper.Nudge() }
func (b bell) OnJWTBundlesUpdate(*jwtbundle.Set)   { b.keeper.Nudge() }
func (b bell) OnX509BundlesWatchError(error)       {}
func (b bell) OnJWTBundlesWatchError(error)        {}

// Stats returns how old the last answer of the agent is.
func (a *Agent) Stats() fetch.Stats { return a.keeper.Stats() }

// Close ends the connection; the sources of the Agent refuse from then on.
func (a *Agent) Close() {
	a.keeper.Close()
	_ = a.client.Close()
}

// Source returns the source of one trust domain. A domain that the agent does
// not name is not available. Closing the Source leaves the Agent open.
func (a *Agent) Source(domain Domain) (*Source, error) {
	if err := checkDomain(string(domain)); err != nil {
		return nil, fmt.Errorf("spiffe: workload API: %w", err)
	}
	return &Source{domain: domain, from: one{a, domain}}, nil
}

// one is the view of one domain.
type one struct {
	agent  *Agent
	domain Domain
}

func (o one) Held() (*Bundle, bool) {
	all, _ := o.agent.keeper.Held()
	b, found := all.bundles[o.domain]
	return b, found
}

func (o one) Get(ctx context.Context) (*Bundle, error) { return o.pick(o.agent.keeper.Get(ctx)) }

func (o one) Renew(ctx context.Context) (*Bundle, error) { return o.pick(o.agent.keeper.Renew(ctx)) }

func (o one) pick(all answer, err error) (*Bundle, error) {
	b, found := all.bundles[o.domain]
	switch fault := all.faults[o.domain]; {
	case err != nil:
	case fault != nil:
		err = fmt.Errorf("%w: %w", ErrUnavailable, fault)
	case !found:
		err = fmt.Errorf("%w: the agent has no bundle of %s", ErrUnavailable, o.domain)
	}
	return b, err
}

func (o one) Run(ctx context.Context) { <-ctx.Done() }

// Stats are those of the agent, as far as they concern the domain.
func (o one) Stats() fetch.Stats {
	s := o.agent.Stats()
	all, held := o.agent.keeper.Held()
	if _, found := all.bundles[o.domain]; held && !found {
		s.Usable, s.LastError = false, cmp.Or(s.LastError, all.faults[o.domain])
	}
	return s
}

func (o one) Close() {}
