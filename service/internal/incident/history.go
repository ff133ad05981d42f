package incident

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// history fills in what the book knows of the token itself. The fingerprint
// finds these very bytes. A genuine token is looked for by its id too: some
// signatures can be written in two ways, and the id is inside what was signed.
func (r *Room) history(ctx context.Context, said narrowcast.Claimed, a *Answer) error {
	seen := map[uint64]bool{}
	look := func(q store.Query, counts func(event.Event) bool) error {
		for rec, err := range r.Book.Find(ctx, q) {
			if err != nil {
				return fmt.Errorf("reading the book: %w", err)
			}
			if !seen[rec.Number] && counts(rec.Event) {
				seen[rec.Number] = true
				a.note(rec)
			}
		}
		return nil
	}
	err := look(store.Query{Fingerprint: said.Fingerprint}, func(event.Event) bool { return true })
	if err == nil && a.Genuine && said.TokenID != "" {
		err = look(store.Query{TokenID: said.TokenID}, func(e event.Event) bool {
			return e.Token != nil && e.Token.Issuer == said.Issuer && (e.Genuine || minted(e))
		})
	}
	slices.SortStableFunc(a.Showings, func(x, y Showing) int { return cmp.Compare(x.Time.UnixNano(), y.Time.UnixNano()) })
	return err
}

func (a *Answer) note(rec store.Record) {
	e := rec.Event
	switch e.Type {
	case event.Issued, event.Exchanged:
		if e.Token == nil || a.Issued != nil && !a.Issued.OtherBytes {
			return
		}
		a.Issued = &Issue{Number: rec.Number, Time: e.Time, Client: e.Token.Client, Scope: e.Token.Scope,
			OtherBytes: e.Token.Fingerprint != a.Token.Fingerprint}
	case event.Presented, event.Rejected, event.OffTarget, event.WouldReject:
		a.Showings = append(a.Showings, showing(e))
	}
}

func showing(e event.Event) Showing {
	s := Showing{Time: e.Time, Door: store.Door(e), Outcome: e.Type, Reason: e.Reason, Count: 1, Decision: e.Decision, Writer: e.Writer}
	if e.Request != nil {
		s.Peer = e.Request.Peer
	}
	if e.Fold != nil {
		s.Count, s.Time = e.Fold.Count, e.Fold.First
	}
	return s
}

// accepted reports that the door let the token in.
func (s Showing) accepted() bool {
	return s.Outcome == event.Presented || s.Outcome == event.WouldReject
}

// shownAt finds an acceptance at a door, and otherwise the last refusal.
func shownAt(door narrowcast.Audience, showings []Showing) (accepted, refused *Showing) {
	for i, s := range showings {
		switch {
		case !door.Names(s.Door):
		case s.accepted():
			return &showings[i], nil
		default:
			refused = &showings[i]
		}
	}
	return nil, refused
}
