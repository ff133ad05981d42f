package policy

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Parent is a token of ours that a client wants another one for (RFC 8693).
// Whoever fills it in has verified it: its signature, its times, that nobody
// revoked it, and the key that it is bound to.
type Parent struct {
	// Audience is whom it is addressed to. Issuer says that this is the issuer
	// itself, and then Audience need not be a door.
	Audience narrowcast.Audience
	Issuer   bool
	Client   narrowcast.ClientID // who got it
	// Behind are those who got the tokens that it came from. A name that a foreign
	// issuer gave somebody does not say which client that is.
	Behind  []narrowcast.ClientID
	Subject narrowcast.Subject   // whom it speaks of
	Actors  []narrowcast.Subject // who acts for the subject, the current one first
	MayAct  narrowcast.Subject   // who alone may act for it next; empty when it does not say
	Scope   narrowcast.Scope     // an empty one leaves nothing to hand on
	Expires time.Time            // the new token ends no later
}

// current is who acts now.
func (p *Parent) current() narrowcast.Subject {
	if len(p.Actors) > 0 {
		return p.Actors[0]
	}
	return p.Subject
}

// actor is the one whom the client would write into the chain.
func (q *Request) actor() narrowcast.Subject {
	if q.Actor == "" {
		return narrowcast.Subject(q.Client)
	}
	return q.Actor
}

// takesOver reports whether somebody else than before would act. The holder of a
// token for the issuer only narrows what it acts for already.
func (r *Rules) takesOver(q Request) bool {
	return !q.Parent.Issuer || q.Parent.Client != q.Client || !r.same(q.actor(), q.Parent.current())
}

// decideParent asks whether this client may exchange this token at all, before
// anybody looks at what for.
func (r *Rules) decideParent(q Request, d *Decision) {
	p := q.Parent
	r.decideAddressee(q, d)
	r.decideStanding(q, d)
	if p.MayAct != "" {
		if r.is(q.Client, p.MayAct) {
			d.step(Reason{Text: "the token names this client as the one who may act next"})
		} else {
			d.refuse(InvalidGrant, "the token lets nobody act but "+short(string(p.MayAct))+" (RFC 8693 section 4.4)", "")
		}
	}
	if r.takesOver(q) {
		r.decideLoop(q, d)
	}
	switch {
	case p.Expires.IsZero() || q.At.IsZero():
		d.refuse(InvalidRequest, "the end of the token that is exchanged is not known", "")
	case q.Lifetime > p.Expires.Sub(q.At):
		d.refuse(InvalidRequest, "a life of "+q.Lifetime.String()+" ends after the token that is exchanged, "+p.Expires.Format(time.RFC3339), "")
	}
}

// decideAddressee keeps tokens with those who were meant to get them: a token
// for a resource is exchanged by the servers of that resource, one for the
// issuer by its holder, or by whom it names.
func (r *Rules) decideAddressee(q Request, d *Decision) {
	p, door := q.Parent, r.at(q.Parent.Audience)
	if p.Issuer {
		if door != nil && door.Disabled {
			d.refuse(InvalidGrant, "the issuer takes no tokens to exchange: resource "+door.Audience.String()+" is disabled", door.Position)
		}
		if q.Client != "" && p.Client == q.Client || r.is(q.Client, p.MayAct) {
			d.step(Reason{Text: "the token is addressed to the issuer, by this client or for it"})
			return
		}
		d.NotAddressee = true
		d.refuse(InvalidGrant, "the token is addressed to the issuer and belongs to client "+short(string(p.Client)), "")
		return
	}
	switch {
	case door == nil:
		d.NotAddressee = true
		d.refuse(InvalidGrant, "the token is addressed to "+short(p.Audience.String())+", which is no resource", "")
	case q.Client == "" || !slices.Contains(door.Servers, q.Client):
		d.NotAddressee = true
		d.refuse(InvalidGrant, "the token is addressed to "+door.Audience.String()+", and client "+short(string(q.Client))+" is not a server of it", door.Position)
	case door.Disabled:
		d.refuse(InvalidGrant, "resource "+door.Audience.String()+", which the token is addressed to, is disabled", door.Position)
	default:
		d.step(Reason{Text: "client " + string(q.Client) + " is a server of " + door.Audience.String() + ", which the token is addressed to", Position: door.Position})
	}
}

// decideStanding refuses when somebody who stands behind the token is no longer
// welcome.
func (r *Rules) decideStanding(q Request, d *Decision) {
	p := q.Parent
	for i, id := range []narrowcast.ClientID{q.Client, p.Client} {
		if i > 0 && id == q.Client {
			continue
		}
		switch c, known := r.clients[id]; {
		case !known:
			d.refuse(InvalidGrant, "client "+short(string(id))+" is not registered", "")
		case c.Disabled:
			d.refuse(InvalidGrant, "client "+string(id)+" is disabled", c.Position)
		}
	}
	for _, id := range p.Behind {
		if id == q.Client || id == p.Client {
			continue
		}
		switch c, known := r.clients[id]; {
		case !known:
			d.refuse(InvalidGrant, "client "+short(string(id))+", who got a token that this one came from, is not registered", "")
		case c.Disabled:
			d.refuse(InvalidGrant, "client "+string(id)+", who got a token that this one came from, is disabled", c.Position)
		}
	}
	for _, s := range append([]narrowcast.Subject{p.Subject}, p.Actors...) {
		id := r.parties[s]
		if c := r.clients[id]; c.Disabled && id != q.Client && id != p.Client {
			d.refuse(InvalidGrant, short(string(s))+" in the chain of the token is client "+string(id)+", which is disabled", c.Position)
		}
	}
}

func (r *Rules) decideLoop(q Request, d *Decision) {
	actor, p := q.actor(), q.Parent
	fits := func(s narrowcast.Subject) bool { return r.same(s, actor) || r.is(q.Client, s) }
	switch {
	case p.Subject == "":
		d.refuse(InvalidGrant, "the token speaks of nobody", "")
	case !p.Issuer && p.Client == q.Client:
		d.refuse(InvalidGrant, "the token was given to client "+short(string(q.Client))+" itself", "")
	case fits(p.Subject):
		d.refuse(InvalidGrant, short(string(actor))+" is the subject of the token and cannot act for itself", "")
	case slices.ContainsFunc(p.Actors, fits):
		d.refuse(InvalidGrant, short(string(actor))+" is in the chain of the token already", "")
	}
}
