package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Death is the record by which a token was called back, or its task ended.
type Death struct {
	Record uint64            `json:"record"`
	Time   time.Time         `json:"time"`
	Reason narrowcast.Reason `json:"reason"`
}

// Present is what a door does with a token since it was called back. The verdict
// of the Finding is about the whole life of the token and stays.
type Present struct {
	Verdict Verdict           `json:"verdict"`
	Reason  narrowcast.Reason `json:"reason,omitzero"`
	Basis   string            `json:"basis"`
}

// death finds out whether the book called the token back, or something that it
// came from. Only the id of a genuine token means anything.
func (r *Room) death(ctx context.Context, said narrowcast.Claimed, genuine bool) (*Death, error) {
	if !genuine || said.TokenID == "" {
		return nil, nil
	}
	family, err := r.Lineage(ctx, said.TokenID)
	if errors.Is(err, ErrNoToken) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := family.Root.find(said.TokenID)
	for _, loose := range family.Loose {
		if b == nil {
			b = loose.find(said.TokenID)
		}
	}
	if b == nil || b.Death == 0 {
		return nil, nil
	}
	reason, err := narrowcast.ParseReason(b.State)
	return &Death{Record: b.Death, Time: b.Since, Reason: reason}, err
}

func (b *Branch) find(id string) *Branch {
	if b == nil || b.ID == id {
		return b
	}
	for _, child := range b.Children {
		if found := child.find(id); found != nil {
			return found
		}
	}
	return nil
}

// present says what the door does now. As with the verdict on its life, the worst
// of the enforcement points counts; one that stopped in order counts no more.
func (r *Room) present(f *Finding, d *Death, heard map[string]*voice, until time.Time) *Present {
	if d == nil || f.Verdict == Refuses {
		return nil
	}
	var now *Present
	for i, v := range voices(heard) {
		if v.gone() {
			continue
		}
		one := f.Points[i].present(d, v)
		if last := v.times[len(v.times)-1]; one.Verdict == Refuses && until.Sub(last) > r.fresh() {
			one.Verdict, one.Basis = Unknown, one.Basis+fmt.Sprintf("; since %s it was silent and may have changed", stamp(last))
		}
		if now == nil || worse(one.Verdict, now.Verdict) {
			now = &one
		}
	}
	return now
}

// present is what one enforcement point does by its last report.
func (p *Point) present(d *Death, v *voice) Present {
	if p.Verdict == Refuses {
		return Present{Verdict: Refuses, Reason: p.Reason, Basis: p.Basis}
	}
	stays := Present{Verdict: p.Verdict}
	last := v.feed
	switch {
	case last.feed == nil:
		stays.Basis = fmt.Sprintf("%s does not follow revocations", word(v.writer))
	case last.feed.Position < d.Record:
		stays.Basis = fmt.Sprintf("%s had confirmed no more than record %d at %s", word(v.writer), last.feed.Position, stamp(last.at))
	default:
		return Present{Verdict: Refuses, Reason: d.Reason, Basis: fmt.Sprintf("%s confirmed record %d at %s", word(v.writer), last.feed.Position, stamp(last.at))}
	}
	return stays
}

// hearing is what an enforcement point last said of its feed.
type hearing struct {
	at   time.Time
	feed *event.Feed // nil: it follows none
}

// gone reports that the enforcement point stopped in order and was not heard
// since.
func (v *voice) gone() bool { return !v.left.IsZero() && !v.left.Before(v.times[len(v.times)-1]) }
