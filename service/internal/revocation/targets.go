package revocation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// ErrRequest: what shall be called back was not named properly.
var ErrRequest = errors.New("the request cannot be read")

// tokenSpace is the space of the ids that revocations of tokens use up; an
// exchange looks there in the same transaction in which it keeps its record.
const tokenSpace = "revoked token"

// OnceOf is what the revocation of a token uses up, for Entry.Unless.
func OnceOf(jti narrowcast.TokenID, expires time.Time) store.Once {
	return store.Once{Space: tokenSpace, ID: string(jti), Until: expires.Add(time.Hour)}
}

func (d *Desk) revoke(ctx context.Context, r Request) (Answer, error) {
	if len(r.Reason) > maxReason {
		return Answer{}, fmt.Errorf("%w: the reason has more than %d bytes", ErrRequest, maxReason)
	}
	switch r.Kind {
	case OfToken, OfLineage:
		return d.token(ctx, r, store.Query{TokenID: r.ID})
	case OfFingerprint:
		var f narrowcast.Fingerprint
		if err := f.UnmarshalText([]byte(r.ID)); err != nil || f.IsZero() {
			return Answer{}, fmt.Errorf("%w: %w", ErrRequest, errors.Join(err, errors.New("a fingerprint is a SHA-256 in hexadecimal")))
		}
		return d.token(ctx, r, store.Query{Fingerprint: f})
	case OfTask:
		return d.task(ctx, r)
	case OfClient, OfSubject:
		return d.broad(ctx, r, feed.Party)
	case OfResource:
		return d.broad(ctx, r, feed.Resource)
	case OfKey:
		return d.broad(ctx, r, feed.Key)
	case OfOwner:
		return d.owner(ctx, r)
	}
	return Answer{}, fmt.Errorf("%w: its kind is not known", ErrRequest)
}

func (d *Desk) token(ctx context.Context, r Request, q store.Query) (Answer, error) {
	if _, err := narrowcast.ParseTokenID(r.ID); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	q.Limit = 1
	found, err := d.family.tokens(ctx, q, 0)
	switch {
	case err != nil:
		return Answer{}, err
	case len(found) == 0:
		return Answer{}, ErrUnknown
	case d.config.Now().After(gone(found[0])):
		return Answer{}, fmt.Errorf("%w, at %s", ErrOver, found[0].Expires.UTC().Format(time.RFC3339))
	}
	root := found[0]
	tree, err := d.family.tree(ctx, root, 0)
	if err != nil {
		return Answer{}, err
	}
	facts := event.Revocation{Kind: string(feed.Token), ID: root.ID, Until: gone(root), Tokens: d.count(tree).Tokens}
	number, err := d.keep(ctx, r, facts, &root, OnceOf(narrowcast.TokenID(root.ID), root.Expires))
	already := errors.Is(err, store.ErrUsed)
	if already {
		number, err = d.earlier(ctx, root.ID)
	}
	if err != nil {
		return Answer{}, err
	}
	// From here on the tree does not grow, so this count is exact.
	if tree, err = d.family.tree(ctx, root, number); err != nil {
		return Answer{Numbers: []uint64{number}, Until: gone(root), Already: already}, err
	}
	answer := d.count(tree)
	answer.Numbers, answer.Already = []uint64{number}, already
	return answer, nil
}

// earlier finds the record of a token that was called back before.
func (d *Desk) earlier(ctx context.Context, jti string) (uint64, error) {
	q := store.Query{TokenID: jti, Types: []event.Type{event.Revoked}, Limit: 1}
	for rec, err := range d.config.Ledger.Find(ctx, q) {
		return rec.Number, err
	}
	return 0, fmt.Errorf("the record of the earlier revocation: %w", ErrUnknown)
}

// owner calls back everything of each of the owner's clients.
func (d *Desk) owner(ctx context.Context, r Request) (Answer, error) {
	var all Answer
	var clients []narrowcast.ClientID
	if d.config.ClientsOf != nil {
		clients = d.config.ClientsOf(r.ID)
	}
	if len(clients) == 0 {
		return all, ErrUnknown
	}
	for _, client := range clients {
		one := r
		one.ID = string(client)
		answer, err := d.broad(ctx, one, feed.Party)
		all = all.with(answer)
		if err != nil {
			return all, fmt.Errorf("%q of the owner's clients: %w", client, err)
		}
	}
	return all, nil
}

func (a Answer) with(b Answer) Answer {
	a.Numbers = append(a.Numbers, b.Numbers...)
	a.Tokens += b.Tokens
	a.More = a.More || b.More
	for _, audience := range b.Audiences {
		if !slices.Contains(a.Audiences, audience) {
			a.Audiences = append(a.Audiences, audience)
		}
	}
	slices.Sort(a.Audiences)
	if b.Until.After(a.Until) {
		a.Until = b.Until
	}
	return a
}
