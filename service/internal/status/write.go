package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/statuslist"
)

// List returns the list of a name, signed. It returns ErrUnknown, ErrBehind.
func (p *Publisher) List(name string) (Document, error) {
	if !isName(name) {
		return Document{}, ErrUnknown
	}
	return p.document(p.config.Base+"/"+name, p.config.TTL/2)
}

// document writes everything anew that is as old as that.
func (p *Publisher) document(uri string, age time.Duration) (Document, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.config.Now()
	if s := p.state; s == nil || now.Sub(s.made) >= age || now.Before(s.made) || !s.known[uri] && p.knows(uri) {
		fresh, err := p.build(now)
		if err != nil {
			return Document{}, err
		}
		p.state = fresh
	}
	s := p.state
	if !s.known[uri] {
		return Document{}, ErrUnknown
	}
	d, ready := s.ready[uri]
	if !ready {
		list := s.lists[uri]
		if list == nil {
			list = s.empty
		}
		var err error
		if d, err = p.sign(uri, list, s.asOf, p.config.Life, p.config.TTL); err != nil {
			return Document{}, err
		}
		s.ready[uri] = d
	}
	d.Fresh = max(0, p.config.TTL-max(0, now.Sub(d.IssuedAt)))
	if !now.Before(d.Expires) {
		return Document{}, ErrBehind
	}
	return d, nil
}

func (p *Publisher) knows(uri string) bool {
	for one := range p.uris() {
		if one == uri {
			return true
		}
	}
	return false
}

// build reads what is dead. A list says that it was issued at the instant up to
// which everything recorded counts, so that of two replicas the one that knows
// less also signs the older list.
func (p *Publisher) build(now time.Time) (*state, error) {
	empty, err := statuslist.New(bits, p.config.Places)
	if err != nil {
		return nil, err
	}
	s := &state{made: now, empty: empty, lists: map[string]*statuslist.List{}, known: map[string]bool{}, ready: map[string]Document{}}
	for uri := range p.uris() {
		s.known[uri] = true
	}
	asOf, places := p.config.Source.Dead()
	s.asOf = asOf
	if asOf.After(now) {
		s.asOf = now
	}
	for place := range places {
		if !s.known[place.URI] || !place.Until.IsZero() && now.After(place.Until) {
			continue
		}
		list := s.lists[place.URI]
		if list == nil {
			if list, err = statuslist.New(bits, p.config.Places); err != nil {
				return nil, err
			}
			s.lists[place.URI] = list
		}
		put(list, place)
	}
	return s, nil
}

// put writes a place. Of two words about one token the one for good counts, and a
// word that is not ours counts as that. A place that the list does not have needs
// no mark: whoever looks there refuses the token.
func put(list *statuslist.List, place Place) {
	old, err := list.Get(place.Index)
	if err != nil || old == statuslist.Invalid {
		return
	}
	value := place.Value
	if value > statuslist.Suspended {
		value = statuslist.Invalid
	}
	_ = list.Set(place.Index, value) // place and value were checked
}

func (p *Publisher) sign(uri string, list *statuslist.List, at time.Time, life, ttl time.Duration) (Document, error) {
	signer, err := p.config.Sealer()
	if err != nil {
		return Document{}, fmt.Errorf("signing a status list: %w", err)
	}
	at = at.Truncate(time.Second).UTC()
	text, err := statuslist.Write(signer, statuslist.Letter{
		URI: uri, List: list, IssuedAt: at, Lifetime: life, TTL: ttl, Aggregation: p.config.Base,
	})
	return Document{Text: text, IssuedAt: at, Expires: at.Add(life)}, err
}

// At returns a list as it was at an instant, for auditors (section 8.4 of the
// draft). It is valid for that one second alone, so that nobody can show it as
// the list of today. It returns ErrNoHistory, ErrUnknown.
func (p *Publisher) At(ctx context.Context, name string, at time.Time) (Document, error) {
	switch {
	case p.config.History == nil:
		return Document{}, ErrNoHistory
	case !isName(name) || at.After(p.config.Now()):
		return Document{}, ErrUnknown
	}
	uri, at := p.config.Base+"/"+name, at.Truncate(time.Second)
	places, err := p.config.History.DeadAt(ctx, uri, at)
	if err != nil {
		return Document{}, err
	}
	list, err := statuslist.New(bits, p.config.Places)
	if err != nil {
		return Document{}, err
	}
	for _, place := range places {
		if place.URI != uri {
			return Document{}, errors.New("the history speaks of another list")
		}
		put(list, place)
	}
	return p.sign(uri, list, at, time.Second, time.Second)
}
