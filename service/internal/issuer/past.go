package issuer

import (
	"context"
	"fmt"
	"iter"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Past finds what the book kept. A store.Book is one.
type Past interface {
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// RevokedToken is the space of ids in which the book uses up the id of a token
// that is called back. Nothing is exchanged from it afterwards.
const RevokedToken = "revoked token"

// maxLine bounds how many letters may stand behind a new one: so many may be
// asked about in one entry of the book.
const maxLine = store.MaxOnce

// trace finds the letters behind a letter in the book.
func (d *Desk) trace(ctx context.Context, p *parent) *Refusal {
	print := p.token.Fingerprint()
	for id := string(p.token.ID()); id != ""; {
		if len(p.line) == maxLine {
			return &Refusal{Ground: DelegationRefused, Detail: fmt.Sprintf("more than %d tokens stand behind this one", maxLine-1)}
		}
		facts, err := d.recorded(ctx, id)
		switch {
		case err != nil:
			return &Refusal{Ground: Unavailable, Detail: "looking the subject token up: " + err.Error()}
		case facts == nil || len(p.line) == 0 && facts.Fingerprint != print:
			return &Refusal{Ground: SubjectTokenRefused, Detail: "the book does not know the subject token, or one that it came from"}
		}
		if len(p.line) > 0 {
			p.holders = append(p.holders, narrowcast.ClientID(facts.Client))
		}
		p.line, id = append(p.line, id), facts.Parent
	}
	return nil
}

// recorded returns what the book says about the letter with this id when it was
// written, or nil.
func (d *Desk) recorded(ctx context.Context, id string) (*event.Token, error) {
	q := store.Query{TokenID: id, Types: []event.Type{event.Issued, event.Exchanged}, Limit: 1}
	for record, err := range d.config.Past.Find(ctx, q) {
		if err != nil {
			return nil, err
		}
		if t := record.Event.Token; t != nil && t.ID == id {
			return t, nil
		}
	}
	return nil, nil
}

// unless are the ids of which none may have been called back when the record is
// kept. Whoever calls one of them back afterwards finds the new letter in the
// book.
func (p *parent) unless() []store.Once {
	if p == nil {
		return nil
	}
	ids := make([]store.Once, 0, len(p.line))
	for _, id := range p.line {
		ids = append(ids, store.Once{Space: RevokedToken, ID: id})
	}
	return ids
}
