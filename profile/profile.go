// Package profile knows the dialects of issuers that are widely used: which
// claim is the audience, which audiences are none, what tells an access token
// from an ID token, where tenant, client and scope stand.
//
// A profile is a starting point that refuses by default. What it cannot know it
// asks for as an option; an option that it does not take is an error, because a
// setting without effect looks like a check.
package profile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Options are what a profile may need to be told. Each profile takes some of
// them; its constant says which.
type Options struct {
	// Issuer is the iss of the tokens, or the trust domain of a JWT-SVID. Required.
	Issuer narrowcast.Issuer
	// Tenant is the one tenant that the issuer may speak for, in the words of
	// narrowcast.Config.Tenant. Every profile takes it.
	Tenant string
	// Environment is the same for environments. Every profile takes it.
	Environment string
	// Subjects are the values of sub that are accepted; default all. Every profile
	// takes it. Where the whole world shares one issuer, something must be pinned.
	Subjects []narrowcast.Subject
	// Require are further claims and the strings that they may be, by exact value.
	// Every profile takes it.
	Require map[string][]string
	// MaxLifetime is the longest life of a token of this issuer, in whole seconds;
	// default that of the verifier. Every profile takes it.
	MaxLifetime time.Duration

	// TenantID is the value of tid: the directory of Entra.
	TenantID string
	// Clients says which resource a client's tokens are for (Cognito).
	Clients map[narrowcast.ClientID]narrowcast.Audience
	// Companions are audiences that are tolerated beside the own one and are no
	// resources: whoever is named here can use the token too.
	Companions []narrowcast.Audience
	// Ambient are further audiences that the issuer gives to everybody.
	Ambient []narrowcast.Audience
	// ScopeClaims are the claims that carry scope, in place of the usual one.
	ScopeClaims []string
	// TenantClaim is the claim that names the tenant (OIDC).
	TenantClaim string
	// ClientClaim is the claim that names the client (OIDC, Auth0).
	ClientClaim string

	_ struct{} // keyed literals only
}

// option is one of the options that not every profile takes.
type option struct {
	name string
	set  func(*Options) bool
}

func options() []option {
	return []option{
		{"TenantID", func(o *Options) bool { return o.TenantID != "" }},
		{"Clients", func(o *Options) bool { return o.Clients != nil }},
		{"Companions", func(o *Options) bool { return o.Companions != nil }},
		{"Ambient", func(o *Options) bool { return o.Ambient != nil }},
		{"ScopeClaims", func(o *Options) bool { return o.ScopeClaims != nil }},
		{"TenantClaim", func(o *Options) bool { return o.TenantClaim != "" }},
		{"ClientClaim", func(o *Options) bool { return o.ClientClaim != "" }},
	}
}

// maker is how a profile is made.
type maker struct {
	takes []string // of options
	scope []string // what ScopeClaims may name; empty means anything
	make  func(o *Options, ti *narrowcast.TrustedIssuer) []error
}

func makers() map[string]maker {
	return map[string]maker{
		RFC9068:    {nil, nil, rfc9068},
		Keycloak:   {[]string{"Companions", "Ambient"}, nil, keycloak},
		Entra:      {[]string{"TenantID", "ScopeClaims"}, []string{"scp", "roles"}, entra},
		Auth0:      {[]string{"Ambient", "ScopeClaims", "ClientClaim"}, []string{"scope", "permissions"}, auth0},
		Okta:       {[]string{"Ambient"}, nil, okta},
		Cognito:    {[]string{"Clients"}, nil, cognito},
		Google:     {nil, nil, google},
		Kubernetes: {[]string{"Ambient"}, nil, kubernetes},
		GitHub:     {[]string{"Ambient"}, nil, github},
		GitLab:     {[]string{"Ambient"}, nil, gitlab},
		JWTSVID:    {nil, nil, jwtSVID},
		OIDC:       {[]string{"Companions", "Ambient", "ScopeClaims", "TenantClaim", "ClientClaim"}, nil, oidc},
	}
}

// Names returns the names of the profiles, sorted.
func Names() []string { return slices.Sorted(maps.Keys(makers())) }

// Takes returns the names of the fields of Options that the named profile takes
// besides those that every profile takes, or nil for a name that is not one of
// Names.
func Takes(name string) []string { return slices.Clone(makers()[name].takes) }

// New returns the named profile as a TrustedIssuer to which only the keys are
// missing. It returns all faults at once: an unknown name, an option that is
// missing, wrong, or not taken by the profile.
func New(name string, o Options) (narrowcast.TrustedIssuer, error) {
	m, known := makers()[name]
	if !known {
		return narrowcast.TrustedIssuer{}, fmt.Errorf("profile %q: not one of %v", name, Names())
	}
	var errs []error
	if o.Issuer.IsZero() {
		errs = append(errs, errors.New("Issuer is required"))
	}
	for _, opt := range options() {
		if opt.set(&o) && !slices.Contains(m.takes, opt.name) {
			errs = append(errs, fmt.Errorf("%s is not an option of this profile", opt.name))
		}
	}
	for _, claim := range o.ScopeClaims {
		if len(m.scope) > 0 && !slices.Contains(m.scope, claim) {
			errs = append(errs, fmt.Errorf("ScopeClaims: %q is not one of %v", claim, m.scope))
		}
	}
	ti := narrowcast.TrustedIssuer{Issuer: o.Issuer, Tenant: o.Tenant, Environment: o.Environment, Dialect: narrowcast.Dialect{MaxLifetime: o.MaxLifetime}}
	errs = append(errs, m.make(&o, &ti)...)
	errs = append(errs, o.pins(&ti.Dialect)...)
	if err := errors.Join(errs...); err != nil {
		return narrowcast.TrustedIssuer{}, fmt.Errorf("profile %s: %w", name, err)
	}
	return ti, nil
}

// pins adds what the operator requires to what the profile requires. A claim
// that the profile fixes cannot be loosened.
func (o *Options) pins(d *narrowcast.Dialect) (errs []error) {
	if len(o.Subjects) > 0 {
		subjects := make([]string, len(o.Subjects))
		for i, s := range o.Subjects {
			subjects[i] = string(s)
		}
		errs = append(errs, pin(d, "sub", subjects))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Require)) {
		switch values := o.Require[name]; {
		case len(values) == 0:
			errs = append(errs, fmt.Errorf("Require: %q has no value", name))
		case name == "sub":
			errs = append(errs, errors.New("Require: sub is pinned by Subjects"))
		default:
			errs = append(errs, pin(d, name, values))
		}
	}
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func pin(d *narrowcast.Dialect, name string, values []string) error {
	if slices.Contains(values, "") {
		return fmt.Errorf("%s is pinned to an empty value", name)
	}
	at := slices.IndexFunc(d.Require, func(r narrowcast.RequiredClaim) bool { return r.Name == name })
	switch {
	case at < 0:
		d.Require = append(d.Require, narrowcast.RequiredClaim{Name: name, Values: values})
	case len(d.Require[at].Values) == 0:
		d.Require[at].Values = values
	default:
		return fmt.Errorf("Require: %q is fixed by the profile", name)
	}
	return nil
}

// present makes claims required, whatever they say.
func present(names ...string) (all []narrowcast.RequiredClaim) {
	for _, name := range names {
		all = append(all, narrowcast.RequiredClaim{Name: name})
	}
	return all
}

// below names something beneath the issuer, such as its user information
// endpoint.
func below(issuer narrowcast.Issuer, path string) (narrowcast.Audience, error) {
	base := issuer.String()
	if base != "" && base[len(base)-1] == '/' {
		base = base[:len(base)-1]
	}
	return narrowcast.ParseAudience(base + "/" + path)
}
