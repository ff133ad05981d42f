package spiffe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// Defaults and limits of the sources.
const (
	DefaultKeepFor = 24 * time.Hour
	DefaultTimeout = 5 * time.Second

	ceilingKeepFor = 7 * 24 * time.Hour
	ceilingTimeout = 30 * time.Second
	whileCold      = time.Second
)

// fixed is a bundle that never changes.
type fixed struct{ b *Bundle }

func (f fixed) Held() (*Bundle, bool)                  { return f.b, true }
func (f fixed) Get(context.Context) (*Bundle, error)   { return f.b, nil }
func (f fixed) Renew(context.Context) (*Bundle, error) { return f.b, nil }
func (f fixed) Run(context.Context)                    {}
func (f fixed) Stats() fetch.Stats                     { return fetch.Stats{Usable: true} }
func (f fixed) Close()                                 {}

// NewFixed makes a Source of a bundle document that was given.
func NewFixed(domain Domain, document []byte) (*Source, error) {
	b, err := ParseBundle(domain, document)
	if err != nil {
		return nil, err
	}
	return &Source{domain: domain, from: fixed{b}}, nil
}

// newer lets the sequence of a domain grow and never shrink, for as long as the
// source lives (SPIFFE Trust Domain and Bundle section 4.1.1). One load at a
// time calls it.
func newer(last **Bundle, b *Bundle) error {
	if held := *last; held != nil && held.numbered && (!b.numbered || b.sequence < held.sequence) {
		return fmt.Errorf("bundle of %s: %w: its sequence went back from %d to %d", b.domain, ErrRefused, held.sequence, b.sequence)
	}
	*last = b
	return nil
}

// common are the settings that all sources share.
type common struct {
	now              func() time.Time
	keepFor, timeout time.Duration
	notice           func(error)
}

func (c *common) check(errs *[]error) {
	if c.now == nil {
		*errs = append(*errs, errors.New("Now is required: pass time.Now"))
	}
	within := func(name string, d *time.Duration, otherwise, least, most time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
		if *d < least || *d > most {
			*errs = append(*errs, fmt.Errorf("%s is %s; allowed are %s to %s", name, *d, least, most))
		}
	}
	within("KeepFor", &c.keepFor, DefaultKeepFor, time.Minute, ceilingKeepFor)
	within("Timeout", &c.timeout, DefaultTimeout, time.Millisecond, ceilingTimeout)
}

// keeper makes the holder of a domain whose bundle is loaded.
func (c *common) keeper(between time.Duration, patient bool, load func(context.Context) (*Bundle, time.Duration, error)) holder {
	return fetch.NewKeeper(fetch.KeeperConfig[*Bundle]{
		Load: load, Now: c.now, Between: between, Cold: min(between, whileCold), KeepFor: c.keepFor, Timeout: c.timeout,
		Patient: patient, Notice: c.notice,
	})
}
