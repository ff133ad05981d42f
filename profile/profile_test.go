package profile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
)

const (
	tid = "11111111-2222-3333-4444-555555555555"
	pay = "https://pay.example.test"
)

// enough are the fewest options with which each profile can be made.
func enough(name string) profile.Options {
	o := profile.Options{Issuer: narrowcast.MustIssuer("https://idp.example.test")}
	switch name {
	case profile.Entra:
		o.Issuer, o.TenantID = narrowcast.MustIssuer("https://idp.example.test/"+tid+"/v2.0"), tid
	case profile.Cognito:
		o.Clients = map[narrowcast.ClientID]narrowcast.Audience{"shop": narrowcast.MustAudience(pay)}
	case profile.Google:
		o.Subjects = []narrowcast.Subject{"1"}
	case profile.GitHub:
		o.Ambient = []narrowcast.Audience{narrowcast.MustAudience("https://github.example.test/octo-org")}
		o.Require = map[string][]string{"repository_id": {"74"}}
	case profile.GitLab:
		o.Require = map[string][]string{"project_id": {"20"}}
	case profile.JWTSVID:
		o.Issuer = narrowcast.MustIssuer("spiffe://corp.example")
	}
	return o
}

type noKeys struct{ narrowcast.KeySource }

// verifier asks the library whether it takes what a profile made.
func verifier(ti narrowcast.TrustedIssuer, audience string, tenant string) error {
	ti.Keys = noKeys{}
	_, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(audience), Issuers: []narrowcast.TrustedIssuer{ti}, Tenant: tenant, Environment: ti.Environment,
		Algorithms: []narrowcast.Algorithm{narrowcast.RS256}, Now: func() time.Time { return time.Unix(1, 0) },
	})
	return err
}

func TestEveryProfileMakesAVerifier(t *testing.T) {
	if len(profile.Names()) != 12 || !slices.IsSorted(profile.Names()) {
		t.Errorf("names = %v", profile.Names())
	}
	for _, name := range profile.Names() {
		o := enough(name)
		o.Tenant, o.Environment, o.MaxLifetime = "north", "prod", time.Minute
		ti, err := profile.New(name, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := verifier(ti, pay, "north"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ti.Issuer != o.Issuer || ti.Tenant != "north" || ti.Environment != "prod" || ti.Dialect.MaxLifetime != time.Minute || ti.Keys != nil {
			t.Errorf("%s: %+v", name, ti)
		}
		foreign := name != profile.RFC9068 && name != profile.OIDC
		if ti.Dialect.OwnWords != foreign || ti.Dialect.IssuerIsAmbient != (foreign && name != profile.JWTSVID || name == profile.OIDC) {
			t.Errorf("%s: dialect %+v", name, ti.Dialect)
		}
	}
	if ti, err := profile.New(profile.RFC9068, enough(profile.RFC9068)); err != nil || len(ti.Terms()) != 0 || ti.Class != narrowcast.AccessToken {
		t.Errorf("rfc9068 is %q, %v", ti.Terms(), err)
	}
}

// TestOptionsThatAreNotTakenAreErrors gives each profile each option.
func TestOptionsThatAreNotTakenAreErrors(t *testing.T) {
	some := []narrowcast.Audience{narrowcast.MustAudience("account")}
	set := map[string]func(*profile.Options){
		"TenantID":    func(o *profile.Options) { o.TenantID = tid },
		"Clients":     func(o *profile.Options) { o.Clients = map[narrowcast.ClientID]narrowcast.Audience{"a": some[0]} },
		"Companions":  func(o *profile.Options) { o.Companions = some },
		"Ambient":     func(o *profile.Options) { o.Ambient = some },
		"ScopeClaims": func(o *profile.Options) { o.ScopeClaims = []string{"scope"} },
		"TenantClaim": func(o *profile.Options) { o.TenantClaim = "org" },
		"ClientClaim": func(o *profile.Options) { o.ClientClaim = "azp" },
	}
	for _, name := range profile.Names() {
		if _, err := profile.New(name, enough(name)); err != nil {
			t.Errorf("the control: %v", err)
		}
		for option, give := range set {
			o := enough(name)
			give(&o)
			if option == "ScopeClaims" && name == profile.Entra {
				o.ScopeClaims = []string{"roles"}
			}
			_, err := profile.New(name, o)
			taken := slices.Contains(profile.Takes(name), option)
			if taken != (err == nil) || !taken && !strings.Contains(err.Error(), option+" is not an option") {
				t.Errorf("%s with %s: %v", name, option, err)
			}
		}
	}
	if profile.Takes("nonsense") != nil {
		t.Error("an unknown profile takes options")
	}
}

func TestFaultsOfOptions(t *testing.T) {
	for name, test := range map[string]struct {
		profile, want string
		spoil         func(*profile.Options)
	}{
		"no issuer":               {profile.Keycloak, "Issuer is required", func(o *profile.Options) { o.Issuer = narrowcast.Issuer{} }},
		"Entra without directory": {profile.Entra, "TenantID is required", func(o *profile.Options) { o.TenantID = "" }},
		"Entra with a name":       {profile.Entra, "TenantID is required", func(o *profile.Options) { o.TenantID = "acme" }},
		"Entra in capitals":       {profile.Entra, "TenantID is required", func(o *profile.Options) { o.TenantID = "AAAAAAAA-2222-3333-4444-555555555555" }},
		"Entra common":            {profile.Entra, "Issuer must end", func(o *profile.Options) { o.Issuer = narrowcast.MustIssuer("https://idp.example.test/common/v2.0") }},
		"Entra of another":        {profile.Entra, "Issuer must end", func(o *profile.Options) { o.TenantID = "22222222-2222-3333-4444-555555555555" }},
		"Entra with groups":       {profile.Entra, "ScopeClaims", func(o *profile.Options) { o.ScopeClaims = []string{"groups"} }},
		"Auth0 with sub":          {profile.Auth0, "ClientClaim", func(o *profile.Options) { o.ClientClaim = "sub" }},
		"Cognito without clients": {profile.Cognito, "Clients is required", func(o *profile.Options) { o.Clients = nil }},
		"Google without subjects": {profile.Google, "Subjects is required", func(o *profile.Options) { o.Subjects = nil }},
		"GitHub without pin":      {profile.GitHub, "repository_id", func(o *profile.Options) { o.Require = map[string][]string{"repository": {"a/b"}} }},
		"GitHub without owner":    {profile.GitHub, "Ambient is required", func(o *profile.Options) { o.Ambient = nil }},
		"GitLab without pin":      {profile.GitLab, "project_id", func(o *profile.Options) { o.Require = nil }},
		"Kubernetes of Secrets":   {profile.Kubernetes, "neither audience nor expiry", func(o *profile.Options) { o.Issuer = narrowcast.MustIssuer("kubernetes/serviceaccount") }},
		"JWT-SVID of the web":     {profile.JWTSVID, "spiffe://", func(o *profile.Options) { o.Issuer = narrowcast.MustIssuer("https://corp.example") }},
		"JWT-SVID of a workload":  {profile.JWTSVID, "has a path", func(o *profile.Options) { o.Issuer = narrowcast.MustIssuer("spiffe://corp.example/x") }},
		"loosened":                {profile.Keycloak, "fixed by the profile", func(o *profile.Options) { o.Require = map[string][]string{"typ": {"ID"}} }},
		"pinned to nothing":       {profile.OIDC, "has no value", func(o *profile.Options) { o.Require = map[string][]string{"a": nil} }},
		"pinned to emptiness":     {profile.OIDC, "empty value", func(o *profile.Options) { o.Require = map[string][]string{"a": {""}} }},
		"empty subject":           {profile.Google, "empty value", func(o *profile.Options) { o.Subjects = []narrowcast.Subject{""} }},
		"sub in require":          {profile.OIDC, "Subjects", func(o *profile.Options) { o.Require = map[string][]string{"sub": {"a"}} }},
	} {
		o := enough(test.profile)
		if _, err := profile.New(test.profile, o); err != nil {
			t.Fatalf("%s: the control: %v", name, err)
		}
		test.spoil(&o)
		if ti, err := profile.New(test.profile, o); err == nil || !strings.Contains(err.Error(), test.want) || !ti.Issuer.IsZero() {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := profile.New("Keycloak", enough(profile.Keycloak)); err == nil || !strings.Contains(err.Error(), "keycloak") {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestFaultsComeTogether(t *testing.T) {
	_, err := profile.New(profile.GitHub, profile.Options{TenantID: tid, Require: map[string][]string{"a": nil}})
	for _, want := range []string{"Issuer is required", "TenantID is not", "Ambient is required", "repository_id", "has no value"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to name %s", err, want)
		}
	}
}

// TestAmbientValuesAreNoAudiences: nobody can guard what everybody's token names.
func TestAmbientValuesAreNoAudiences(t *testing.T) {
	for name, audiences := range map[string][]string{
		profile.Keycloak:   {"account", "https://idp.example.test"},
		profile.Auth0:      {"https://idp.example.test/userinfo", "https://idp.example.test/api/v2/", "https://idp.example.test/api/v2"},
		profile.Okta:       {"api://default", "https://idp.example.test"},
		profile.Kubernetes: {"https://kubernetes.default.svc", "https://idp.example.test"},
		profile.GitHub:     {"https://github.example.test/octo-org"},
		profile.GitLab:     {"https://idp.example.test/"},
		profile.OIDC:       {"https://idp.example.test"},
	} {
		ti, err := profile.New(name, enough(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier(ti, pay, ""); err != nil {
			t.Errorf("%s: the control: %v", name, err)
		}
		for _, audience := range audiences {
			if err := verifier(ti, audience, ""); err == nil || !strings.Contains(err.Error(), "no audience") {
				t.Errorf("%s guards %s: %v", name, audience, err)
			}
		}
	}
}

// TestOptionsAreCopied: who made a profile cannot change it afterwards.
func TestOptionsAreCopied(t *testing.T) {
	o := enough(profile.Cognito)
	ti, err := profile.New(profile.Cognito, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Clients["sales"] = narrowcast.MustAudience(pay)
	if len(ti.Dialect.Clients) != 1 {
		t.Errorf("clients = %v", ti.Dialect.Clients)
	}
}
