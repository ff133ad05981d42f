// Package uses keeps in the book which tokens for one use were used, so that all
// that guard a resource share one memory.
package uses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Ledger keeps a record. A store.Book is one.
type Ledger interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
}

// Config is what a Desk is made of. All fields but Tenant are required.
type Config struct {
	Ledger Ledger
	Now    func() time.Time
	// Writer names this desk in the book. Its events are numbered from one, so a
	// new start needs a new name.
	Writer string
	Tenant string

	_ struct{}
}

// Desk uses tokens up. It may be used by many goroutines; the zero Desk fails.
type Desk struct {
	config  Config
	numbers numbers
}

// New makes a Desk, or returns every fault of the configuration.
func New(c Config) (*Desk, error) {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(c.Ledger != nil, "Ledger")
	require(c.Now != nil, "Now")
	require(c.Writer != "", "Writer")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("uses: %w", err)
	}
	return &Desk{config: c}, nil
}

// Use is one use of a token for one use.
type Use struct {
	Audience narrowcast.Audience
	Token    narrowcast.TokenID
	By       narrowcast.ClientID // the guard that asks
	Until    time.Time           // when nobody takes the token any more
}

// longest is above the longest life of a token with all skews.
const longest = narrowcast.CeilingMaxLifetime + 4*narrowcast.MaxSkew

// ErrUse: the question cannot be about a token that lives.
var ErrUse = errors.New("the use cannot be read")

// Use keeps that a token was used, and reports whether it was the first time.
// The record is durable before the answer.
func (d *Desk) Use(ctx context.Context, u Use) (first bool, err error) {
	if d == nil || d.config.Ledger == nil {
		return false, errors.New("uses: the desk was never configured")
	}
	now := d.config.Now()
	if u.Audience.IsZero() || u.Token == "" || !u.Until.After(now) || u.Until.After(now.Add(longest)) {
		return false, ErrUse
	}
	number := d.numbers.take()
	e := event.Event{
		Version: event.Version, ID: string(mint.TokenIDAt(now)), Type: event.Used, Time: now.UTC(), Tenant: d.config.Tenant,
		Writer: d.config.Writer, Sequence: number, Expected: u.Audience.String(),
		Detail: fmt.Sprintf("told by %q", u.By), Token: &event.Token{ID: string(u.Token), Audience: []string{u.Audience.String()}},
	}
	_, err = d.config.Ledger.Append(ctx, store.Entry{
		Event: e, Once: []store.Once{{Space: "use " + u.Audience.String(), ID: string(u.Token), Until: u.Until}},
	})
	switch {
	case errors.Is(err, store.ErrUsed):
		d.numbers.giveBack(number)
		return false, nil
	case err != nil: // it may have been kept, so its number is spent
		return false, fmt.Errorf("keeping a use: %w", err)
	}
	return true, nil
}
