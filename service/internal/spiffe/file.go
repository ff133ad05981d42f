package spiffe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// DefaultEvery is how often a file is looked at.
const DefaultEvery = 5 * time.Second

// FileConfig is what a source from a file is made of.
type FileConfig struct {
	Domain Domain
	// Path names a regular file with a bundle document. It need not be there
	// yet: until it is, the source is not available.
	Path string
	Now  func() time.Time
	// Every is the least time between two looks at the file; default 5 s, at
	// most an hour. What was taken out of it counts no longer after that time.
	Every time.Duration
	// KeepFor is how long the last good bundle is used while the file is missing
	// or bad; default 24 hours, at most seven days.
	KeepFor time.Duration
	// Notice, if set, is told how each look at the file ended.
	Notice func(error)

	_ struct{}
}

// NewFile makes a Source of a bundle document on disk that may change. It is
// read inside calls, or in Run.
func NewFile(c FileConfig) (*Source, error) {
	shared := common{now: c.Now, keepFor: c.KeepFor, notice: c.Notice}
	var errs []error
	shared.check(&errs)
	if err := checkDomain(string(c.Domain)); err != nil {
		errs = append(errs, fmt.Errorf("Domain: %w", err))
	}
	if c.Path == "" {
		errs = append(errs, errors.New("Path is required"))
	}
	if c.Every == 0 {
		c.Every = DefaultEvery
	}
	if c.Every < time.Millisecond || c.Every > time.Hour {
		errs = append(errs, fmt.Errorf("Every is %s; allowed are 1ms to 1h", c.Every))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("spiffe: file source: %w", errors.Join(errs...))
	}
	var last *Bundle
	load := func(context.Context) (*Bundle, time.Duration, error) {
		text, err := fetch.File(c.Path, MaxBundle)
		if err != nil {
			return nil, 0, err
		}
		b, err := ParseBundle(c.Domain, text)
		if err == nil {
			err = newer(&last, b)
		}
		return b, c.Every, err
	}
	return &Source{domain: c.Domain, from: shared.keeper(c.Every, true, load)}, nil
}
