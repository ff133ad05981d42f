package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Rules are all doors and grants, ready to decide. They never change and may be
// used by many goroutines. The zero Rules and nil refuse everything.
type Rules struct {
	doors   map[string]*door // by the text of the audience
	aliases map[string]alias
	ordered []*door
	clients map[narrowcast.ClientID]Client
	parties map[narrowcast.Subject]narrowcast.ClientID // by every name that a client has
}

// Config is what Rules are made of.
type Config struct {
	Doors   []Door
	Grants  []Grant
	Aliases []Alias
	// Clients are all that are registered. A token of another one is not
	// exchanged; asking in their own name is up to Grants alone.
	Clients []Client

	_ struct{}
}

// door is a Door with its grants and the sentences that do not depend on the
// request, so that deciding builds no text on the way to a yes.
type door struct {
	Door
	grants   map[narrowcast.ClientID]*grant
	known    Reason
	unbound  Reason
	dpop     Reason
	mtls     Reason
	bearer   Reason
	lifetime Reason
}

type grant struct {
	Grant
	caller Reason
	scope  Reason
}

type alias struct {
	Alias
	door *door
}

// NewRules makes Rules. It returns every fault: a door or grant that is there
// twice, a grant for a door that is not there or of a scope that the door does
// not know, a lifetime that makes no sense, a client or a name that is there
// twice.
func NewRules(c Config) (*Rules, error) {
	r := &Rules{
		doors: make(map[string]*door, len(c.Doors)), aliases: make(map[string]alias, len(c.Aliases)),
		clients: make(map[narrowcast.ClientID]Client, len(c.Clients)), parties: make(map[narrowcast.Subject]narrowcast.ClientID, len(c.Clients)),
	}
	var errs []error
	for _, d := range c.Doors {
		errs = append(errs, r.addDoor(d))
	}
	for _, g := range c.Grants {
		errs = append(errs, r.addGrant(g))
	}
	for _, a := range c.Aliases {
		errs = append(errs, r.addAlias(a))
	}
	for _, one := range c.Clients {
		errs = append(errs, r.addClient(one))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	slices.SortFunc(r.ordered, func(a, b *door) int {
		return strings.Compare(a.Audience.String(), b.Audience.String())
	})
	return r, nil
}

func (r *Rules) addDoor(d Door) error {
	switch {
	case d.Audience.IsZero():
		return fmt.Errorf("%s: a door without an audience", d.Position)
	case r.doors[d.Audience.String()] != nil:
		return fmt.Errorf("%s: door %s is there twice", d.Position, d.Audience)
	case d.TTL < time.Second || d.MaxTTL < d.TTL:
		return fmt.Errorf("%s: door %s: a life of %s under a ceiling of %s makes no sense", d.Position, d.Audience, d.TTL, d.MaxTTL)
	case d.Binding.Sender == Required && !d.Binding.binds():
		return fmt.Errorf("%s: door %s demands bound tokens and allows no way to bind them", d.Position, d.Audience)
	case d.Delegation < 0 || d.Delegation > narrowcast.MaxActors:
		return fmt.Errorf("%s: door %s: tokens are handed on at most %d times, and not %d times", d.Position, d.Audience, narrowcast.MaxActors, d.Delegation)
	}
	d.Servers, d.Details = slices.Clone(d.Servers), slices.Clone(d.Details)
	own := &door{
		Door:     d,
		grants:   map[narrowcast.ClientID]*grant{},
		known:    Reason{Text: "resource " + d.Audience.String() + " is registered", Position: d.Position},
		unbound:  Reason{Text: "the resource takes only tokens bound to a key, and no key was proved", Position: d.Position, Refusal: InvalidRequest},
		dpop:     Reason{Text: "the token is bound to the key that was proved", Position: d.Position},
		mtls:     Reason{Text: "the token is bound to the certificate of the connection", Position: d.Position},
		bearer:   Reason{Text: "a key was proved, and the resource takes no tokens bound to one in this way", Position: d.Position},
		lifetime: Reason{Text: "the life of tokens for this resource is " + d.TTL.String(), Position: d.Position},
	}
	if d.Disabled {
		own.known = Reason{Text: "resource " + d.Audience.String() + " is disabled", Position: d.Position, Refusal: InvalidTarget}
	}
	r.doors[d.Audience.String()] = own
	r.ordered = append(r.ordered, own)
	return nil
}

func (r *Rules) addGrant(g Grant) error {
	d := r.doors[g.Audience.String()]
	switch {
	case d == nil:
		return fmt.Errorf("%s: a grant for %s, which is no door", g.Position, g.Audience)
	case g.Client == "":
		return fmt.Errorf("%s: a grant without a client", g.Position)
	case g.Scope.IsZero():
		return fmt.Errorf("%s: a grant without a scope", g.Position)
	case !d.Scopes.Covers(g.Scope):
		return fmt.Errorf("%s: a grant of %q where the door knows %q", g.Position, g.Scope, d.Scopes)
	case d.grants[g.Client] != nil:
		return fmt.Errorf("%s: client %s has two grants for %s", g.Position, g.Client, g.Audience)
	}
	d.grants[g.Client] = &grant{
		Grant:  g,
		caller: Reason{Text: "client " + string(g.Client) + " is a caller", Position: g.Position},
		scope:  Reason{Text: "the caller is granted " + g.Scope.String(), Position: g.Position},
	}
	return nil
}

func (r *Rules) addAlias(a Alias) error {
	d := r.doors[a.Audience.String()]
	_, again := r.aliases[a.Name]
	switch {
	case d == nil:
		return fmt.Errorf("%s: alias %q leads to %s, which is no door", a.Position, a.Name, a.Audience)
	case a.Name == "" || a.Until.IsZero():
		return fmt.Errorf("%s: an alias needs a name and an end", a.Position)
	case again || r.find(a.Name) != nil:
		return fmt.Errorf("%s: alias %q names something else already", a.Position, a.Name)
	}
	r.aliases[a.Name] = alias{a, d}
	return nil
}

func (r *Rules) addClient(c Client) error {
	if _, again := r.clients[c.ID]; again || c.ID == "" {
		return fmt.Errorf("%s: client %q is there twice, or has no id", c.Position, c.ID)
	}
	names := slices.Insert(slices.Clone(c.Names), 0, narrowcast.Subject(c.ID))
	for _, name := range names {
		if other, taken := r.parties[name]; taken && other != c.ID {
			return fmt.Errorf("%s: %q is the name of client %q already", c.Position, name, other)
		}
		r.parties[name] = c.ID
	}
	r.clients[c.ID] = c
	return nil
}

// at returns the door of this audience.
func (r *Rules) at(a narrowcast.Audience) *door {
	if a.IsZero() {
		return nil
	}
	return r.doors[a.String()]
}

// find returns the door of this identifier, with or without the root slash.
func (r *Rules) find(resource string) *door {
	if d := r.doors[resource]; d != nil {
		return d
	}
	if d := r.doors[strings.TrimSuffix(resource, "/")]; d != nil && d.Audience.Names(resource) {
		return d
	}
	return nil
}

// Reach returns the doors for which the client could get a token now, in order
// of audience. The Scopes of each are cut down to what the client is granted.
func (r *Rules) Reach(client narrowcast.ClientID) []Door {
	if r == nil {
		return nil
	}
	var reach []Door
	for _, d := range r.ordered {
		if g := d.grants[client]; g != nil && !d.Disabled {
			cut := d.Door
			cut.Scopes = g.Scope
			reach = append(reach, cut)
		}
	}
	return reach
}
