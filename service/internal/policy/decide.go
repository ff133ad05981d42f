package policy

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Decide answers one request. It looks at everything that can be looked at, so
// the reasons are complete; the first step that refuses gives the error code.
func (r *Rules) Decide(q Request) Decision {
	d := Decision{Reasons: make([]Reason, 0, 6)}
	if r == nil {
		d.refuse(InvalidTarget, "there are no rules", "")
		return d
	}
	if q.Parent != nil {
		r.decideParent(q, &d)
		q.Until = earlier(q.Until, q.Parent.Expires)
	}
	door := r.resolve(q, &d)
	if door == nil {
		return d
	}
	d.Audience, d.Stale = door.Audience, door.Stale
	d.step(door.known)
	d.decideScope(door, q)
	r.decideChain(door, q, &d)
	d.decideDetails(door, q)
	d.decideBinding(door, q)
	d.decideLifetime(door, q)
	d.SingleUse, d.StatusList = door.SingleUse, door.StatusList
	d.Allowed = d.Refusal == ""
	if !d.Allowed {
		d.grantNothing()
	}
	return d
}

func (d *Decision) grantNothing() {
	d.Scope, d.Lifetime, d.Cut, d.Bind = narrowcast.Scope{}, 0, false, Shown{}
	d.Actors, d.MayAct, d.SingleUse, d.StatusList = nil, "", false, false
}

// earlier returns the earlier of two ends; zero is no end.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (d *Decision) step(r Reason) {
	d.Reasons = append(d.Reasons, r)
	if d.Refusal == "" {
		d.Refusal = r.Refusal
	}
}

func (d *Decision) refuse(code, text, position string) {
	d.step(Reason{Text: text, Position: position, Refusal: code})
}

func (r *Rules) resolve(q Request, d *Decision) *door {
	if q.Resource == "" {
		d.refuse(InvalidTarget, "no resource was named", "")
		return nil
	}
	if door := r.find(q.Resource); door != nil {
		return door
	}
	alias, is := r.aliases[q.Resource]
	switch {
	case !is:
		d.refuse(InvalidTarget, "no resource is registered as "+short(q.Resource), "")
		return nil
	case q.At.IsZero() || !q.At.Before(alias.Until):
		d.refuse(InvalidTarget, "alias "+alias.Name+" ended at "+alias.Until.Format(time.RFC3339), alias.Position)
		return nil
	}
	d.Alias = alias.Name
	d.step(Reason{
		Text:     "alias " + alias.Name + " stands for " + alias.Audience.String() + " until " + alias.Until.Format(time.RFC3339),
		Position: alias.Position,
	})
	return alias.door
}

func (d *Decision) decideScope(door *door, q Request) {
	grant := door.grants[q.Client]
	if grant == nil {
		d.Edge = d.Refusal == ""
		d.refuse(InvalidTarget, "client "+short(string(q.Client))+" is not a caller of this resource", door.Position)
	} else {
		d.step(grant.caller)
	}
	if !door.Scopes.Covers(q.Scope) {
		d.refuse(InvalidScope, "the resource knows no scope "+first(q.Scope, door.Scopes)+"; it knows "+door.Scopes.String(), door.Position)
		return
	}
	switch {
	case grant == nil:
	case q.Scope.IsZero():
		d.step(grant.scope)
		d.Scope = grant.Scope
	case grant.Scope.Covers(q.Scope):
		d.step(grant.scope)
		d.Scope = q.Scope
	default:
		d.refuse(InvalidScope, "the caller is granted "+grant.Scope.String()+" and not "+first(q.Scope, grant.Scope), grant.Position)
	}
	if grant != nil {
		d.MayAct = narrowcast.Subject(grant.MayAct)
		if q.Parent != nil {
			d.handOn(grant, q)
		}
	}
}

func (d *Decision) decideDetails(door *door, q Request) {
	for _, kind := range q.Details {
		if kind != RequestDetail && !slices.Contains(door.Details, kind) {
			d.refuse(InvalidDetails, "the resource understands no authorization_details of type "+short(kind), door.Position)
		}
	}
}

func (d *Decision) decideBinding(door *door, q Request) {
	d.Bind = door.Binding.bind(q.Shown)
	switch {
	case d.Bind.DPoP:
		d.step(door.dpop)
	case d.Bind.MTLS:
		d.step(door.mtls)
	case door.Binding.Sender == Required:
		d.KeyMissing = d.Refusal == ""
		d.step(door.unbound)
	case q.Shown.DPoP:
		d.step(door.bearer)
	}
}

func (d *Decision) decideLifetime(door *door, q Request) {
	switch {
	case q.Lifetime == 0:
		d.Lifetime = door.TTL
		d.step(door.lifetime)
	case q.Lifetime < time.Second:
		d.refuse(InvalidRequest, "a life of "+q.Lifetime.String()+" is too short to be used", "")
	case q.Lifetime > door.MaxTTL:
		d.Lifetime, d.Cut = door.MaxTTL, true
		d.step(Reason{Text: "the life asked for, " + q.Lifetime.String() + ", was cut to the ceiling of " + door.MaxTTL.String(), Position: door.Position})
	default:
		d.Lifetime = q.Lifetime.Truncate(time.Second)
		d.step(Reason{Text: "the life asked for is below the ceiling", Position: door.Position})
	}
	d.endWith(q)
}

// endWith keeps a token from outliving what it is based on.
func (d *Decision) endWith(q Request) {
	if q.Until.IsZero() || d.Lifetime == 0 {
		return
	}
	left := q.Until.Sub(q.At).Truncate(time.Second)
	switch {
	case left < time.Second:
		d.refuse(InvalidRequest, "what the token would be based on ends at "+q.Until.Format(time.RFC3339), "")
	case left < d.Lifetime:
		d.Lifetime, d.Cut = left, q.Lifetime > left
		d.step(Reason{Text: "the life was cut to the end of what the token is based on, " + q.Until.Format(time.RFC3339)})
	}
}
