package revocation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Standing is how a verifier stands to one revocation.
type Standing string

// The standings.
const (
	Confirmed Standing = "confirmed" // it said that it goes by it
	Waiting   Standing = "waiting"   // it has not said so yet
	Stale     Standing = "stale"     // it said that it does not know enough any more
	Silent    Standing = "silent"    // it has not been heard for three minutes
	Unfed     Standing = "unfed"     // it does not follow revocations: only expiry helps
)

const silentAfter = 3 * time.Minute

// Verifier is one enforcement point and what it confirmed.
type Verifier struct {
	Name        string    `json:"name"`
	Audience    string    `json:"audience"`
	Standing    Standing  `json:"standing"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	LastSeen    time.Time `json:"last_seen"`
}

// Confirmation says who goes by a revocation.
type Confirmation struct {
	Number    uint64     `json:"number"`
	Confirmed int        `json:"confirmed"` // k
	Of        int        `json:"of"`        // n: the verifiers of the resources concerned
	Done      bool       `json:"done"`      // all confirmed, or the tokens have expired everywhere
	Until     time.Time  `json:"until,omitzero"`
	Verifiers []Verifier `json:"verifiers"`
	Note      string     `json:"note,omitempty"`
}

// Confirmations reads from the book who goes by the revocation in record n. It
// counts nobody who has not reported that position. It returns ErrUnknown when
// the record is no revocation and no end of a task.
func (d *Desk) Confirmations(ctx context.Context, n uint64) (Confirmation, error) {
	c := Confirmation{Number: n, Verifiers: []Verifier{}}
	effects, err := d.meaning(ctx, n)
	if err != nil {
		return c, fmt.Errorf("asking who confirmed record %d: %w", n, err)
	}
	var audiences []string
	for _, e := range effects {
		audiences = append(audiences, e.audience)
		if e.Until.After(c.Until) {
			c.Until = e.Until
		}
	}
	slices.Sort(audiences)
	if err := d.ask(ctx, &c, slices.Compact(audiences)); err != nil {
		return c, fmt.Errorf("asking who confirmed record %d: %w", n, err)
	}
	return c, nil
}

// meaning is what the record says, computed anew.
func (d *Desk) meaning(ctx context.Context, n uint64) ([]effect, error) {
	if n == 0 {
		return nil, ErrUnknown
	}
	for rec, err := range d.config.Ledger.Find(ctx, store.Query{After: n - 1, Types: folded(), Limit: 1}) {
		if err != nil {
			return nil, err
		}
		if rec.Number != n || rec.Event.Revocation == nil && rec.Event.Task == nil {
			break
		}
		return d.family.effects(ctx, rec)
	}
	return nil, ErrUnknown
}

func (d *Desk) ask(ctx context.Context, c *Confirmation, audiences []string) error {
	d.roster.mu.Lock()
	defer d.roster.mu.Unlock()
	if err := d.roster.catchUp(ctx); err != nil {
		return err
	}
	for v := range d.roster.present() {
		if !slices.Contains(audiences, v.audience) && !slices.Contains(audiences, everyone) {
			continue
		}
		one := Verifier{Name: v.writer, Audience: v.audience, LastSeen: v.seen, ConfirmedAt: v.reached(c.Number)}
		one.Standing = v.standing(one.ConfirmedAt, d.config.Now())
		c.Of++
		if one.Standing == Confirmed {
			c.Confirmed++
		}
		c.Verifiers = append(c.Verifiers, one)
	}
	slices.SortFunc(c.Verifiers, func(a, b Verifier) int {
		return cmp.Or(cmp.Compare(a.Audience, b.Audience), cmp.Compare(a.Name, b.Name))
	})
	over := d.config.Now().After(c.Until)
	c.Done = over || c.Of > 0 && c.Confirmed == c.Of
	switch {
	case len(audiences) == 0:
		c.Note = "no living token is concerned"
	case c.Of == 0:
		c.Note = "no verifier is known for " + where(audiences)
	}
	return nil
}

func where(audiences []string) string {
	if slices.Contains(audiences, everyone) {
		return "any resource"
	}
	return strings.Join(audiences, " ")
}

func (v *voice) standing(confirmed, now time.Time) Standing {
	switch {
	case v.known == nil:
		return Unfed
	case !confirmed.IsZero():
		return Confirmed
	case now.Sub(v.seen) > silentAfter:
		return Silent
	case v.known.StaleAfter > 0 && v.seen.Sub(v.known.AsOf) > v.known.StaleAfter+slack:
		return Stale
	}
	return Waiting
}
