package narrowcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxListed bounds each list of a Dialect.
const maxListed = 64

// check returns the faults of ti, all of them, for a verifier of audience.
func (ti *TrustedIssuer) check(c *Config) error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	_, err := ParseTrustDomain(ti.Issuer.text)
	switch domain := err == nil; {
	case ti.Class == JWTSVID && !domain:
		fault("Issuer of a %s must be a trust domain such as spiffe://corp.example: %w", JWTSVID, err)
	case ti.Class != JWTSVID && domain:
		fault("the keys of %s count for subjects of this trust domain only: Class must be %s", ti.Issuer, JWTSVID)
	}
	if len(ti.Tenant) > maxName || len(ti.Environment) > maxName {
		fault("Tenant or Environment is longer than %d bytes", maxName)
	}
	if ti.Environment != "" && c.Environment == "" {
		fault("Environment is %s, and the verifier expects none: none of its tokens could be accepted", quote(ti.Environment))
	}
	if ti.Tenant != "" && c.Tenant == "" {
		fault("Tenant is %s, and the verifier expects no tenant: none of its tokens could be accepted", quote(ti.Tenant))
	}
	if names(ti.Dialect.Companions, c.Audience.text) || (&trusted{TrustedIssuer: *ti}).ambient(c.Audience.text) {
		fault("%s gives %s to everybody: it is no audience", ti.Issuer, c.Audience)
	}
	return errors.Join(append(errs, ti.Dialect.check(ti.Class))...)
}

// check returns the faults of d, all of them.
func (d *Dialect) check(class Class) error {
	var errs []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("Dialect."+format, args...))
		}
	}
	zero := func(a Audience) bool { return a.IsZero() }
	require(!slices.ContainsFunc(d.Companions, zero), "Companions has an empty entry")
	require(!slices.ContainsFunc(d.Ambient, zero), "Ambient has an empty entry")
	require(d.Clients == nil || d.otherAudience(), "Clients needs an AudienceClaim other than aud")
	require(d.Clients == nil || len(d.Clients) > 0, "Clients is there and empty: nobody could be accepted")
	for client, a := range d.Clients {
		require(client != "" && !a.IsZero(), "Clients: %s stands for %s; neither may be empty", quote(string(client)), quote(a.text))
	}
	require(d.Tenants == nil || d.tenantClaim() != "", "Tenants needs a TenantClaim, because of OwnWords")
	require(d.Tenants == nil || len(d.Tenants) > 0, "Tenants is there and empty: nobody could be accepted")
	_, empty := d.Tenants[""]
	require(!empty, "Tenants has an empty value")
	require(len(d.Types) == 0 || class == DangerouslyUntyped, "Types is for the class %s only: the others have their own", DangerouslyUntyped)
	require(d.MaxLifetime >= 0 && d.MaxLifetime <= CeilingMaxLifetime && d.MaxLifetime%time.Second == 0, "MaxLifetime is %s; allowed are whole seconds, 0 to %s", d.MaxLifetime, CeilingMaxLifetime)
	for _, n := range []int{len(d.Companions), len(d.Ambient), len(d.Clients), len(d.Tenants), len(d.ScopeClaims), len(d.Types), len(d.Require)} {
		require(n <= maxListed, "lists have at most %d entries, one has %d", maxListed, n)
	}
	return errors.Join(append(errs, d.checkNames()...)...)
}

// registered are the claims whose meaning no dialect may change.
var registered = []string{"iss", "exp", "nbf", "iat", "cnf"}

func (d *Dialect) checkNames() (errs []error) {
	claim := func(field, name string) {
		if name == "" || len(name) > maxName || slices.Contains(registered, name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
			errs = append(errs, fmt.Errorf("Dialect.%s: %s is not a claim that can be named here", field, quote(name)))
		}
	}
	optional := func(field, name string) {
		if name != "" {
			claim(field, name)
		}
	}
	optional("AudienceClaim", d.AudienceClaim)
	optional("TenantClaim", d.TenantClaim)
	optional("ClientClaim", d.ClientClaim)
	for _, name := range d.ScopeClaims {
		claim("ScopeClaims", name)
	}
	for i, r := range d.Require {
		claim("Require", r.Name)
		if slices.Contains(r.Values, "") || len(r.Values) > maxListed {
			errs = append(errs, fmt.Errorf("Dialect.Require: values of %s are empty or more than %d", quote(r.Name), maxListed))
		}
		if slices.ContainsFunc(d.Require[:i], func(other RequiredClaim) bool { return other.Name == r.Name }) {
			errs = append(errs, fmt.Errorf("Dialect.Require: %s stands twice; give one entry both values", quote(r.Name)))
		}
	}
	for _, typ := range d.Types {
		if len(typ) > 64 || strings.ContainsFunc(typ, func(r rune) bool { return r <= ' ' || r > '~' }) {
			errs = append(errs, fmt.Errorf("Dialect.Types: %s is not a media type", quote(typ)))
		}
	}
	return errs
}
