package settings

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// TrustedIssuer is an issuer with the one place where its keys are.
type TrustedIssuer struct {
	ID          narrowcast.Issuer
	JWKSURL     string
	JWKSFile    string
	Class       narrowcast.Class
	Tenant      string
	Environment string
	Dialect     narrowcast.Dialect // how its tokens differ from RFC 9068
}

// With returns the issuer as a verifier takes it.
func (t TrustedIssuer) With(keys narrowcast.KeySource) narrowcast.TrustedIssuer {
	return narrowcast.TrustedIssuer{
		Issuer: t.ID, Keys: keys, Class: t.Class, Tenant: t.Tenant, Environment: t.Environment, Dialect: t.Dialect,
	}
}

// issuerDraft is a TrustedIssuer with what only the checks need.
type issuerDraft struct {
	TrustedIssuer
	profile string
	options profile.Options
	place   sy.Value            // of the entry
	given   map[string]sy.Value // the options that are there, right or wrong
}

// checkTrusted makes the issuer out of its options.
func checkTrusted(v sy.Value, s *issuerDraft) {
	s.place = v
	if v.Has("jwks_url") == v.Has("jwks_file") {
		v.Fault("must have either jwks_url or jwks_file")
	}
	_, classed := s.given["class"]
	_, profiled := s.given["profile"]
	switch {
	case classed && profiled:
		s.given["class"].Fault("is given beside profile, which knows the class: leave it out")
	case classed:
		s.ofClass()
	case profiled && s.profile == "": // told already
	default:
		s.ofProfile(profiled)
	}
}

// ofClass makes an issuer whose tokens are those of a class and no more is known.
func (s *issuerDraft) ofClass() {
	for key, at := range s.given {
		if !slices.Contains([]string{"id", "jwks_url", "jwks_file", "class", "tenant", "environment"}, key) {
			at.Fault("needs a profile in place of class, such as %s", profile.OIDC)
		}
	}
	s.ID, s.Tenant, s.Environment = s.options.Issuer, s.options.Tenant, s.options.Environment
}

// ofProfile makes an issuer whose tokens are known by a profile, or as in RFC 9068.
func (s *issuerDraft) ofProfile(named bool) {
	if !named {
		s.profile = profile.RFC9068
	}
	s.refuseOthers(named)
	if s.options.Issuer.IsZero() {
		return // told already
	}
	made, err := profile.New(s.profile, s.options)
	if err != nil {
		s.faults(err)
		return
	}
	s.ID, s.Class, s.Tenant, s.Environment, s.Dialect = made.Issuer, made.Class, made.Tenant, made.Environment, made.Dialect
}

// refuseOthers refuses the options that the profile does not take.
func (s *issuerDraft) refuseOthers(named bool) {
	takes := profile.Takes(s.profile)
	own := make([]string, len(takes))
	for i, name := range takes {
		own[i] = keyOf(name)
	}
	for field, key := range profileKeys() {
		at, given := s.given[key]
		switch {
		case !given || slices.Contains(takes, field):
			continue
		case !named:
			at.Fault("needs a profile that takes it")
		case len(own) == 0:
			at.Fault("is not taken by profile %s, which has no options of its own", s.profile)
		default:
			at.Fault("is not taken by profile %s; it takes %s", s.profile, strings.Join(own, ", "))
		}
	}
}

// checkIssuers looks at the issuers together, and at what the verifier of the
// audience will say to each.
func (d *guardDraft) checkIssuers(v sy.Value) {
	seen := map[narrowcast.Issuer]bool{}
	for _, s := range d.trusted {
		d.Issuers = append(d.Issuers, s.TrustedIssuer)
		if s.ID.IsZero() || d.Audience.IsZero() {
			continue
		}
		if seen[s.ID] {
			v.Fault("issuers: %s is listed twice", s.ID)
		}
		seen[s.ID] = true
		if _, err := narrowcast.NewVerifier(narrowcast.Config{
			Audience: d.Audience, Issuers: []narrowcast.TrustedIssuer{s.With(someKeys{})}, Tenant: d.Tenant, Environment: d.Environment,
			Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return time.Time{} },
		}); err != nil {
			s.faults(err)
		}
	}
}

// someKeys stands for keys that were not read yet.
type someKeys struct{}

func (someKeys) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}
