package registry

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Lifetimes of tokens.
const (
	DefaultTTL    = 5 * time.Minute
	DefaultMaxTTL = 10 * time.Minute
	HighCeiling   = 15 * time.Minute // of resources of criticality high
	HardCeiling   = time.Hour
	minTTL        = 10 * time.Second
)

// DefaultDelegation is how often a token may have been handed on when the file
// does not say.
const DefaultDelegation = 4

// readTokens comes last: the ceiling depends on the criticality.
func (d *draftResource) readTokens(v sy.Value) {
	ceiling := HardCeiling
	if d.Criticality == High {
		ceiling = HighCeiling
	}
	duration := func(into *time.Duration) func(sy.Value) {
		return set(into, func(v sy.Value) (time.Duration, bool) { return v.Duration(minTTL, ceiling) })
	}
	var ttl, sender sy.Value
	d.Delegation = DefaultDelegation
	var whenStale sy.Value
	if v != (sy.Value{}) {
		v.Object(
			sy.Field{Name: "ttl", Read: func(v sy.Value) { ttl = v; duration(&d.TTL)(v) }},
			sy.Field{Name: "max_ttl", Read: duration(&d.MaxTTL)},
			sy.Field{Name: "sender", Read: func(v sy.Value) {
				sender = v
				set(&d.Binding.Sender, func(v sy.Value) (policy.Sender, bool) {
					return sy.OneOf(v, policy.Required, policy.Preferred, policy.Bearer)
				})(v)
			}},
			sy.Field{Name: "binding", Read: d.readBinding},
			sy.Field{Name: "delegation", Read: set(&d.Delegation, func(v sy.Value) (int, bool) { return v.Int(0, narrowcast.MaxActors) })},
			sy.Field{Name: "single_use", Read: set(&d.SingleUse, sy.Value.Bool)},
			sy.Field{Name: "status_list", Read: set(&d.StatusList, sy.Value.Bool)},
			sy.Field{Name: "stale_after", Read: set(&d.Stale.After, func(v sy.Value) (time.Duration, bool) { return v.Duration(minStale, maxStale) })},
			sy.Field{Name: "when_stale", Read: func(v sy.Value) {
				whenStale = v
				set(&d.Stale.When, func(v sy.Value) (policy.WhenStale, bool) { return sy.OneOf(v, policy.Refuse, policy.Accept) })(v)
			}},
		)
	}
	d.settleStale(whenStale)
	if d.MaxTTL == 0 {
		d.MaxTTL = DefaultMaxTTL
	}
	if d.TTL > d.MaxTTL {
		ttl.Fault("is above max_ttl, which is %s", sy.Short(d.MaxTTL))
	}
	if d.TTL == 0 {
		d.TTL = min(DefaultTTL, d.MaxTTL)
	}
	d.settleBinding(sender)
}

// settleBinding fills in what the file does not say. Nothing at all means that a
// proof of possession binds a token, because who makes one asks for it, and that
// a certificate does not.
func (d *draftResource) settleBinding(sender sy.Value) {
	b := &d.Binding
	if b.Sender == policy.Bearer {
		switch {
		case d.Criticality == High:
			sender.Fault("is bearer, and criticality high demands tokens that are bound to their sender")
		case b.DPoP || b.MTLS:
			sender.Fault("is bearer, and binding lists ways to bind tokens")
		}
		return
	}
	if d.Criticality == High && b.Sender == policy.Preferred {
		sender.Fault("is preferred, and criticality high demands tokens that are bound to their sender")
	}
	switch listed := b.DPoP || b.MTLS; {
	case b.Sender == "" && (listed || d.Criticality == High):
		b.Sender = policy.Required
	case b.Sender == "":
		b.Sender, b.DPoP = policy.Preferred, true
	}
	if !b.DPoP && !b.MTLS {
		b.DPoP, b.MTLS = true, true
	}
}

func (d *draftResource) readBinding(v sy.Value) {
	v.List(1, 2, func(v sy.Value) {
		method, ok := sy.OneOf(v, "dpop", "mtls")
		way := map[string]*bool{"dpop": &d.Binding.DPoP, "mtls": &d.Binding.MTLS}[method]
		switch {
		case !ok:
		case *way:
			v.Fault("is listed twice")
		default:
			*way = true
		}
	})
}
