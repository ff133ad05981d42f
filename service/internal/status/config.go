package status

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Places is how many places a list of the house has.
const Places = 1 << 16

// AllocatorConfig is what an Allocator is made of. Base and Now are required.
type AllocatorConfig struct {
	// Base is below what the lists are served: the issuer with /status behind it.
	Base string
	// Now is the clock.
	Now func() time.Time
	// Places is the length of a list; default Places. Publishers of the house must
	// agree.
	Places int
	// Ahead is how many places are left when the next list is made; default a
	// quarter. It must last for the ttl of the lists, so that verifiers know the
	// next list before they see the first token of it.
	Ahead int
	// Keep is how long a list is named after its last place was given away;
	// default the longest life of a token.
	Keep time.Duration
	// Announce makes a list known to the other processes of the house before its
	// first place is given away; default nobody is told. When it fails the list is
	// not used.
	Announce func(ctx context.Context, uri string) error
	// Timeout bounds one Announce; default 5 s.
	Timeout time.Duration

	_ struct{}
}

func (c *AllocatorConfig) complete() error {
	if c.Places == 0 {
		c.Places = Places
	}
	if c.Ahead == 0 {
		c.Ahead = max(c.Places/4, 1)
	}
	if c.Keep == 0 {
		c.Keep = narrowcast.CeilingMaxLifetime
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Announce == nil {
		c.Announce = func(context.Context, string) error { return nil }
	}
	var errs []error
	if c.Base == "" || strings.HasSuffix(c.Base, "/") {
		errs = append(errs, errors.New("Base is required, without a slash at its end"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required"))
	}
	if c.Places < 1 || c.Places > 1<<24 || c.Ahead < 1 || c.Ahead > c.Places || c.Keep < 0 || c.Timeout < 0 {
		errs = append(errs, errors.New("Places, Ahead, Keep or Timeout is out of bounds"))
	}
	return errors.Join(errs...)
}
