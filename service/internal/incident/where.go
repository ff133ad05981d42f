// Package incident is the reading room: it answers what a leaked token could
// have opened and where it was shown. It reads the book and the registry and
// cannot write.
package incident

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Book is what the reading room needs of the book.
type Book interface {
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// Room is what questions are answered from. All fields but Fresh are required.
type Room struct {
	Book   Book
	Doors  []registry.Resource
	Issuer narrowcast.Issuer    // whose keys Keys are
	Keys   narrowcast.KeySource // every key the issuer ever had
	Now    func() time.Time
	// Fresh is how long the word of a verifier counts. A verifier that is not
	// heard for longer may have changed. Default five minutes.
	Fresh time.Duration
}

const defaultFresh = 5 * time.Minute

func (r *Room) fresh() time.Duration {
	if r.Fresh == 0 {
		return defaultFresh
	}
	return r.Fresh
}

// ErrNotAToken is returned for a text that is not a JWT.
var ErrNotAToken = errors.New("this is not a token: it cannot be read as a signed JWT")

// question is one token with what is known before any door is asked.
type question struct {
	text  string
	said  narrowcast.Claimed
	proof proof // of what it is bound to
	life  span
	// request is the one that it is for; nil when it is for any.
	request *narrowcast.Request
}

// Where answers for the text of a token. The text goes nowhere.
func (r *Room) Where(ctx context.Context, text string) (Answer, error) {
	said, err := narrowcast.Inspect(text)
	if err != nil {
		return Answer{}, ErrNotAToken
	}
	now := r.Now()
	q := question{text: text, said: said, proof: proofOf(text), life: lifeOf(said, now), request: requestOf(text)}
	a := Answer{
		Token: *event.TokenOf(said), Doors: []Finding{}, Showings: []Showing{}, Life: life(said, now),
		Alive: said.Expires.IsZero() || now.Before(said.Expires),
		AsOf:  q.life.asOf, Since: q.life.from.Add(-r.fresh()), Until: q.life.to,
	}
	a.Genuine, a.Doubt = r.genuine(ctx, q)
	if err := r.history(ctx, said, &a); err != nil {
		return Answer{}, err
	}
	heard, err := r.heard(ctx, q.life)
	if err != nil {
		return Answer{}, err
	}
	if a.Death, err = r.death(ctx, said, a.Genuine); err != nil {
		return Answer{}, err
	}
	r.doors(ctx, q, heard, &a)
	a.Confined, a.Coverage = a.confined(), a.coverage()
	return a, nil
}

// doors fills in a finding for every door that the registry or the book knows.
func (r *Room) doors(ctx context.Context, q question, heard reports, a *Answer) {
	known := map[string]bool{}
	for _, door := range r.Doors {
		known[door.Audience.String()] = true
		f := r.door(ctx, q, door, heard[door.Audience.String()], a.Showings)
		f.Now = r.present(&f, a.Death, heard[door.Audience.String()], q.life.to)
		f.Standing = Registered
		if door.Disabled {
			f.Standing = Disabled
		}
		if !f.covered(q.life) {
			a.Exclusion = append(a.Exclusion, f.Resource)
		}
		a.Doors = append(a.Doors, f)
	}
	for _, name := range heard.others(known, a.Showings) {
		audience, err := narrowcast.ParseAudience(name)
		if err != nil || known[audience.String()] {
			continue
		}
		known[audience.String()] = true
		f := r.door(ctx, q, registry.Resource{Audience: audience}, heard[name], a.Showings)
		f.Now = r.present(&f, a.Death, heard[name], q.life.to)
		f.Standing = Unregistered
		a.Others = append(a.Others, f)
	}
}

// span is the time that a question is about.
type span struct {
	from, to time.Time // the life of the token so far
	asOf     time.Time // an instant at which it lives
}

// lifeOf bounds the life that a token claims. Every door is asked as of now, or
// as of the last living second of a token that has expired, or as of the first
// one of a token that does not live yet: a verdict that only says "too early"
// or "too late" would answer nothing.
func lifeOf(said narrowcast.Claimed, now time.Time) span {
	s := span{from: said.IssuedAt.UTC(), to: now.UTC()}
	if last := said.Expires.Add(-time.Second).UTC(); !said.Expires.IsZero() && last.Before(s.to) {
		s.to = last
	}
	s.asOf = s.to
	for _, begins := range []time.Time{said.IssuedAt, said.NotBefore} {
		if begins.After(s.asOf) && begins.Before(said.Expires) {
			s.asOf = begins.UTC()
		}
	}
	// No verifier accepts a longer life, and a stranger may claim any.
	if earliest := s.to.Add(-narrowcast.CeilingMaxLifetime); s.from.Before(earliest) {
		s.from = earliest
	}
	if s.from.After(s.to) {
		s.from = s.to
	}
	return s
}

// genuine checks the signature at a time when the token lived, with the keys of
// the issuer.
func (r *Room) genuine(ctx context.Context, q question) (ok bool, doubt string) {
	if q.said.Issuer != r.Issuer.String() {
		return false, "the issuer is not this one, and its keys are not at hand"
	}
	verdict, why := signature(ctx, q.text, q.said, r.Keys, q.life.asOf)
	return verdict == Right, why
}
