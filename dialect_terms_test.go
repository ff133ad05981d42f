package narrowcast_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// everything is a trusted issuer with every setting.
func everything() narrowcast.TrustedIssuer {
	return narrowcast.TrustedIssuer{
		Tenant: "north south", Environment: "prod;1",
		Dialect: narrowcast.Dialect{
			AudienceClaim: "client_id", Clients: map[narrowcast.ClientID]narrowcast.Audience{"a b": narrowcast.MustAudience(pay), "c%": narrowcast.MustAudience(crm)},
			Companions: audiences("account"), Ambient: audiences("api://default", "x"), IssuerIsAmbient: true, OwnWords: true,
			TenantClaim: "tid", Tenants: map[string]string{"1": "north", "2": ""}, ClientClaim: "azp", ScopeClaims: []string{"roles", "scp"},
			Types: []string{"", "JWT"}, Require: []narrowcast.RequiredClaim{{Name: "ä", Values: []string{"\n", "v"}}, {Name: "z", Values: []string{}}},
			MaxLifetime: time.Minute,
		},
	}
}

func TestTermsAreReadBack(t *testing.T) {
	want := everything()
	var got narrowcast.TrustedIssuer
	for _, term := range want.Terms() {
		if err := got.SetTerm(term); err != nil {
			t.Errorf("%q: %v", term, err)
		}
	}
	slices.SortFunc(got.Dialect.Require, func(a, b narrowcast.RequiredClaim) int { return len(b.Name) - len(a.Name) })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("terms %q\nread back %+v\nwant      %+v", want.Terms(), got, want)
	}
	if err := got.SetTerm("class jwt-svid"); err != nil || got.Class != narrowcast.JWTSVID {
		t.Errorf("class %s, %v", got.Class, err)
	}
	if plain := new(narrowcast.TrustedIssuer); len(plain.Terms()) != 0 {
		t.Errorf("RFC 9068 has terms %q", plain.Terms())
	}
}

func TestWrongTermsAreErrors(t *testing.T) {
	for _, term := range []string{"", "nonsense", "tenant", "tenant a b", "tenant %", "companion", "companion *", "companion a b", "class", "class JWT", "ambient-issuer yes",
		"max-lifetime-seconds -1", "max-lifetime-seconds x", "client-audience a", "client-audience a *", "tenant-value a", "require", "type  JWT", "type %4", "type %zz", "own-words x"} {
		if err := new(narrowcast.TrustedIssuer).SetTerm(term); err == nil {
			t.Errorf("%q was read", term)
		}
	}
	for _, twice := range []string{"tenant a", "audience-claim a", "tenant-value a b", "client-audience a b"} {
		var ti narrowcast.TrustedIssuer
		if err := ti.SetTerm(twice); err != nil {
			t.Fatal(err)
		}
		if err := ti.SetTerm(twice); err == nil {
			t.Errorf("%q was read twice", twice)
		}
	}
}

// TestDigestTellsDialectsApart: every field of a TrustedIssuer is in the digest,
// and the order of its lists is not.
func TestDigestTellsDialectsApart(t *testing.T) {
	base := func(c *narrowcast.Config) {
		c.Tenant, c.Environment = "north", "prod"
		c.Issuers[0].Class, c.Issuers[0].Dialect.AudienceClaim, c.Issuers[0].Dialect.TenantClaim = narrowcast.DangerouslyUntyped, "client_id", "tid"
	}
	seen := map[string]string{newDoor(t, base).Digest(): "the baseline"}
	one := map[string]func(*narrowcast.TrustedIssuer){
		"Tenant":        func(ti *narrowcast.TrustedIssuer) { ti.Tenant = "north" },
		"Environment":   func(ti *narrowcast.TrustedIssuer) { ti.Environment = "prod" },
		"AudienceClaim": func(ti *narrowcast.TrustedIssuer) { ti.Dialect.AudienceClaim = "azp" },
		"Clients": func(ti *narrowcast.TrustedIssuer) {
			ti.Dialect.Clients = map[narrowcast.ClientID]narrowcast.Audience{"a": narrowcast.MustAudience(pay)}
		},
		"Companions":      func(ti *narrowcast.TrustedIssuer) { ti.Dialect.Companions = audiences("a", "b") },
		"Ambient":         func(ti *narrowcast.TrustedIssuer) { ti.Dialect.Ambient = audiences("a", "b") },
		"IssuerIsAmbient": func(ti *narrowcast.TrustedIssuer) { ti.Dialect.IssuerIsAmbient = true },
		"OwnWords":        func(ti *narrowcast.TrustedIssuer) { ti.Dialect.OwnWords = true },
		"TenantClaim":     func(ti *narrowcast.TrustedIssuer) { ti.Dialect.TenantClaim = "org" },
		"Tenants":         func(ti *narrowcast.TrustedIssuer) { ti.Dialect.Tenants = map[string]string{"a": "b"} },
		"ClientClaim":     func(ti *narrowcast.TrustedIssuer) { ti.Dialect.ClientClaim = "azp" },
		"ScopeClaims":     func(ti *narrowcast.TrustedIssuer) { ti.Dialect.ScopeClaims = []string{"scp"} },
		"Types":           func(ti *narrowcast.TrustedIssuer) { ti.Dialect.Types = []string{""} },
		"Require":         func(ti *narrowcast.TrustedIssuer) { ti.Dialect.Require = []narrowcast.RequiredClaim{{Name: "a"}} },
		"MaxLifetime":     func(ti *narrowcast.TrustedIssuer) { ti.Dialect.MaxLifetime = time.Minute },
	}
	for name, change := range one {
		digest := newDoor(t, base, func(c *narrowcast.Config) { change(&c.Issuers[0]) }).Digest()
		if other, again := seen[digest]; again {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
	fields := reflect.VisibleFields(reflect.TypeFor[narrowcast.Dialect]())
	for _, f := range append(fields, reflect.VisibleFields(reflect.TypeFor[narrowcast.TrustedIssuer]())...) {
		if one[f.Name] == nil && !slices.Contains([]string{"_", "Issuer", "Keys", "Class", "Dialect"}, f.Name) {
			t.Errorf("%s is not tried", f.Name)
		}
	}
	order := func(names ...string) string {
		return newDoor(t, base, func(c *narrowcast.Config) { c.Issuers[0].Dialect.Ambient = audiences(names...) }).Digest()
	}
	if order("a", "b") != order("b", "a") {
		t.Error("the order of a list changes the digest")
	}
}

// FuzzSetTerm: what is read is written so that it is read again.
func FuzzSetTerm(f *testing.F) {
	all := everything()
	for _, term := range all.Terms() {
		f.Add(term)
	}
	f.Add("class jwt-svid")
	f.Add("require a % b%3b")
	f.Fuzz(func(t *testing.T, term string) {
		var first, second narrowcast.TrustedIssuer
		if first.SetTerm(term) != nil {
			return
		}
		for _, written := range first.Terms() {
			if err := second.SetTerm(written); err != nil {
				t.Fatalf("%q was written as %q: %v", term, written, err)
			}
		}
		if !slices.Equal(first.Terms(), second.Terms()) {
			t.Fatalf("%q became %q", first.Terms(), second.Terms())
		}
	})
}
