package narrowcast

import (
	"maps"
	"slices"
	"time"
)

// Dialect is how the tokens of a foreign issuer say what RFC 9068 says in its
// own words. The zero Dialect is RFC 9068. Package profile has one for each
// issuer that is widely used.
//
// Nothing in a Dialect drops the audience check: it says where the audience
// stands and which values are no audience at all.
type Dialect struct {
	// AudienceClaim is the claim that names the resource; default "aud" (RFC 7519
	// section 4.1.3). With another claim, aud may be absent; a token that has it
	// must name this resource there too.
	AudienceClaim string
	// Clients says which resource a value of AudienceClaim stands for. With it, a
	// value that is not listed stands for nobody. Only for an AudienceClaim other
	// than aud.
	Clients map[ClientID]Audience
	// Companions are tolerated beside this resource in a list, by exact value,
	// because the issuer cannot leave them out. They must not be resources: whoever
	// is named here can use the token at this one. Alone they are no audience.
	Companions []Audience
	// Ambient are audiences that the issuer gives to everybody. They are no
	// audience: not alone, and not beside this resource either.
	Ambient []Audience
	// IssuerIsAmbient puts the identifier of the issuer among Ambient.
	IssuerIsAmbient bool

	// OwnWords says that tenant, environment, task, lineage, parent and single_use,
	// as far as the issuer writes them, are words of its own and mean nothing here.
	// (The environment of a GitHub token, for one, is a deployment target.) The
	// registered claims act, may_act and authorization_details keep their meaning: a
	// token in which one of them has a form that is not understood is refused.
	OwnWords bool
	// TenantClaim is the claim that names the tenant; default "tenant".
	TenantClaim string
	// Tenants says which tenant, in the sense of Config.Tenant, a value of
	// TenantClaim stands for; "" stands for none. With it, the claim is required
	// and other values are refused as TenantMismatch.
	Tenants map[string]string
	// ClientClaim is the claim that names the client; default "client_id" (RFC
	// 9068 section 2.2).
	ClientClaim string
	// ScopeClaims are the claims that carry scope, all of which count; default
	// "scope". A string is a list separated by spaces (RFC 6749 section 3.3), an
	// array is a list of scope tokens.
	ScopeClaims []string
	// Types are the values of typ that are accepted, in place of those of the
	// class; "" stands for a token without typ. Only for DangerouslyUntyped.
	Types []string
	// Require are claims that must be there, and what they must say.
	Require []RequiredClaim
	// MaxLifetime is the longest life of a token of this issuer, in place of
	// Config.MaxLifetime; 0 means no difference, the ceiling is a day.
	MaxLifetime time.Duration

	_ struct{} // keyed literals only
}

// RequiredClaim is a claim that a token must have.
type RequiredClaim struct {
	Name string
	// Values are the strings that it may be, compared byte by byte. Without any,
	// it must be there and not be empty or null.
	Values []string
}

// isZero reports whether d is RFC 9068.
func (d *Dialect) isZero() bool {
	return d.AudienceClaim == "" && d.Clients == nil && len(d.Companions) == 0 && len(d.Ambient) == 0 && !d.IssuerIsAmbient &&
		d.TenantClaim == "" && d.Tenants == nil && d.ClientClaim == "" && len(d.ScopeClaims) == 0 && len(d.Types) == 0 &&
		len(d.Require) == 0 && d.MaxLifetime == 0 && !d.OwnWords
}

// clone makes a copy that the maker of d cannot reach.
func (d *Dialect) clone() Dialect {
	c := *d
	c.Clients, c.Tenants = maps.Clone(d.Clients), maps.Clone(d.Tenants)
	c.Companions, c.Ambient = slices.Clone(d.Companions), slices.Clone(d.Ambient)
	c.ScopeClaims, c.Types = slices.Clone(d.ScopeClaims), slices.Clone(d.Types)
	c.Require = slices.Clone(d.Require)
	for i := range c.Require {
		c.Require[i].Values = slices.Clone(c.Require[i].Values)
	}
	return c
}

// otherAudience reports whether the audience stands in another claim than aud.
func (d *Dialect) otherAudience() bool { return d.AudienceClaim != "" && d.AudienceClaim != "aud" }

func (d *Dialect) tenantClaim() string {
	if d.TenantClaim == "" && !d.OwnWords {
		return "tenant"
	}
	return d.TenantClaim
}

// trusted is a TrustedIssuer as a verifier holds it.
type trusted struct {
	TrustedIssuer
	foreign     bool // there is more to read than RFC 9068 says
	maxLifetime int64
}

func newTrusted(ti TrustedIssuer, maxLifetime time.Duration) *trusted {
	ti.Dialect = ti.Dialect.clone()
	t := &trusted{TrustedIssuer: ti, foreign: ti.Tenant != "" || ti.Environment != "" || !ti.Dialect.isZero()}
	if ti.Dialect.MaxLifetime > 0 {
		maxLifetime = ti.Dialect.MaxLifetime
	}
	t.maxLifetime = int64(maxLifetime / time.Second)
	return t
}

// accepts reports whether typ is a type of this issuer's tokens.
func (t *trusted) accepts(typ string) bool {
	if len(t.Dialect.Types) == 0 {
		return t.Class.accepts(typ)
	}
	for _, allowed := range t.Dialect.Types {
		if typ == allowed || allowed != "" && len(typ) <= maxName && mediaType(typ, allowed) {
			return true
		}
	}
	return false
}

// ambient reports whether a received audience is one that everybody gets.
func (t *trusted) ambient(received string) bool {
	return names(t.Dialect.Ambient, received) ||
		t.Dialect.IssuerIsAmbient && foldRootSlash(received) == foldRootSlash(t.Issuer.text)
}

func names(list []Audience, received string) bool {
	for _, a := range list {
		if a.Names(received) {
			return true
		}
	}
	return false
}
