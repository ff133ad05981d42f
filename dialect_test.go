package narrowcast_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

const (
	untypedHead = `{"alg":"ES256","typ":"JWT","kid":"k1"}`
	untyped     = `{"iss":"https://issuer.example.test","sub":"checkout","aud":"https://pay.example.test","iat":1800000000,"exp":1800000300}`
)

// speaking is a door whose issuer has a dialect.
func speaking(t testing.TB, change func(*narrowcast.Dialect)) *door {
	t.Helper()
	return newDoor(t, func(c *narrowcast.Config) {
		c.Issuers[0].Class = narrowcast.DangerouslyUntyped
		change(&c.Issuers[0].Dialect)
	})
}

func audiences(names ...string) (all []narrowcast.Audience) {
	for _, n := range names {
		all = append(all, narrowcast.MustAudience(n))
	}
	return all
}

// TestLaw2NoDialectDropsTheAudience sets every field to its loosest.
func TestLaw2NoDialectDropsTheAudience(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) {
		d.Companions, d.Ambient, d.IssuerIsAmbient = audiences(crm), nil, false
		d.AudienceClaim, d.Clients = "", nil
		d.TenantClaim, d.Tenants, d.ClientClaim, d.OwnWords = "x", nil, "x", true
		d.ScopeClaims, d.Types, d.Require = []string{"x"}, []string{"", "JWT", "at+jwt"}, nil
		d.MaxLifetime = narrowcast.CeilingMaxLifetime
	})
	mustAccept(t, d.Verifier, d.pen.sign(t, untypedHead, untyped), narrowcast.Presentation{})
	mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, swap(t, untyped, pay, "https://hr.example.test")), narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, swap(t, untyped, pay, crm)), narrowcast.Presentation{}, narrowcast.AmbientAudience)
	// A new field of Dialect must be set to its loosest above.
	if n := reflect.TypeFor[narrowcast.Dialect]().NumField(); n != 14 {
		t.Errorf("Dialect has %d fields, this test knows 14", n)
	}
}

func TestAmbientAndCompanionAudiences(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) {
		d.Companions, d.Ambient, d.IssuerIsAmbient = audiences("urn:userinfo"), audiences("account"), true
	})
	for aud, want := range map[string]narrowcast.Reason{
		`"https://pay.example.test"`:                  0,
		`["https://pay.example.test"]`:                0,
		`["urn:userinfo","https://pay.example.test"]`: 0,
		`"account"`:                                                narrowcast.AmbientAudience,
		`["account","urn:userinfo"]`:                               narrowcast.AmbientAudience,
		`"urn:userinfo"`:                                           narrowcast.AmbientAudience,
		`"https://issuer.example.test"`:                            narrowcast.AmbientAudience,
		`"https://issuer.example.test/"`:                           narrowcast.AmbientAudience,
		`["account","https://pay.example.test"]`:                   narrowcast.AudienceMultiple,
		`["https://pay.example.test","https://pay.example.test"]`:  narrowcast.AudienceMultiple,
		`["https://pay.example.test","https://pay.example.test/"]`: narrowcast.AudienceMultiple,
		`["https://pay.example.test","https://crm.example.test"]`:  narrowcast.AudienceMultiple,
		`["https://pay.example.test","urn:userinfo2"]`:             narrowcast.AudienceMultiple,
		`["account","https://crm.example.test"]`:                   narrowcast.AudienceMismatch,
		`["urn:userinfo","https://crm.example.test"]`:              narrowcast.AudienceMismatch,
		`"accounts"`:                     narrowcast.AudienceMismatch,
		`[]`:                             narrowcast.AudienceMissing,
		`["https://pay.example.test",1]`: narrowcast.AudienceMalformed,
		`["https://pay.example.test","urn:userinfo","https://crm.example.test/x"]`: narrowcast.AudienceMultiple,
	} {
		text := d.pen.sign(t, untypedHead, swap(t, untyped, `"https://pay.example.test"`, aud))
		if want == 0 {
			mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
			continue
		}
		rej := mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want)
		if !rej.Genuine || !rej.OnlyAboutAudience() || rej.OffTarget() != (want == narrowcast.AudienceMismatch) {
			t.Errorf("aud %s: rejection = %+v", aud, rej)
		}
	}
}

// TestClientsStandForResources is the case of an issuer without aud.
func TestClientsStandForResources(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) {
		d.AudienceClaim = "client_id"
		d.Clients = map[narrowcast.ClientID]narrowcast.Audience{"shop": narrowcast.MustAudience(pay), "sales": narrowcast.MustAudience(crm)}
	})
	without := swap(t, untyped, `"aud":"https://pay.example.test",`, "")
	for member, want := range map[string]narrowcast.Reason{
		`"client_id":"shop"`: 0,
		`"client_id":"shop","aud":"https://pay.example.test"`:   0,
		`"client_id":"shop","aud":[]`:                           0,
		`"client_id":"sales"`:                                   narrowcast.AudienceMismatch,
		`"client_id":"nobody"`:                                  narrowcast.AudienceMismatch,
		`"client_id":"https://pay.example.test"`:                narrowcast.AudienceMismatch,
		`"client_id":"shop","aud":"https://crm.example.test"`:   narrowcast.AudienceMismatch,
		`"client_id":"nobody","aud":"https://pay.example.test"`: narrowcast.AudienceMismatch,
		`"azp":"shop"`: narrowcast.AudienceMissing,
		`"azp":"shop","aud":"https://pay.example.test"`: narrowcast.AudienceMissing,
		`"client_id":""`:             narrowcast.AudienceMissing,
		`"client_id":"shop","aud":1`: narrowcast.AudienceMalformed,
		`"client_id":"shop","aud":["https://pay.example.test",1]`: narrowcast.AudienceMalformed,
	} {
		text := d.pen.sign(t, untypedHead, with(without, member))
		if want != 0 {
			mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want)
			continue
		}
		if aud := mustAccept(t, d.Verifier, text, narrowcast.Presentation{}).Describe().Audience; len(aud) != 1 || aud[0] != pay {
			t.Errorf("%s: accepted for %q", member, aud)
		}
	}
}

func TestDialectReadsNamesWhereTheyStand(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) {
		d.ClientClaim, d.ScopeClaims, d.OwnWords = "azp", []string{"scp", "roles"}, true
	})
	payload := with(untyped, `"azp":"shop","client_id":"else","scp":"a b","roles":["c","a"],"scope":["x"],"environment":1,"task":{},"tenant":[],"lineage":null`)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, untypedHead, payload), narrowcast.Presentation{Need: narrowcast.MustScope("a c")})
	if token.ClientID() != "shop" || token.Scope() != narrowcast.MustScope("a b c") || token.Tenant() != "" || token.Task() != "" || token.Environment() != "" {
		t.Errorf("token = %+v", token.Describe())
	}
	for _, member := range []string{`"scp":1`, `"scp":"a  b"`, `"roles":["a b"]`, `"roles":[1]`, `"roles":[""]`, `"roles":{}`, `"azp":1`} {
		mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, with(untyped, member)), narrowcast.Presentation{}, narrowcast.ClaimMalformed)
	}
	mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, with(untyped, `"scope":"a"`)), narrowcast.Presentation{Need: narrowcast.MustScope("a")}, narrowcast.InsufficientScope)
}

func TestRequiredClaims(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) {
		d.Require = []narrowcast.RequiredClaim{{Name: "use", Values: []string{"access", "both"}}, {Name: "org"}}
	})
	for members, want := range map[string]narrowcast.Reason{
		`"use":"access","org":"x"`:   0,
		`"use":"both","org":{}`:      0,
		`"use":"id","org":"x"`:       narrowcast.ClaimMismatch,
		`"use":"Access","org":"x"`:   narrowcast.ClaimMismatch,
		`"use":["access"],"org":"x"`: narrowcast.ClaimMismatch,
		`"use":true,"org":"x"`:       narrowcast.ClaimMismatch,
		`"org":"x"`:                  narrowcast.ClaimMissing,
		`"use":"access"`:             narrowcast.ClaimMissing,
		`"use":"access","org":""`:    narrowcast.ClaimMissing,
		`"use":null,"org":"x"`:       narrowcast.ClaimMissing,
	} {
		text := d.pen.sign(t, untypedHead, with(untyped, members))
		if want == 0 {
			mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
		} else if rej := mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want); !rej.Genuine || rej.Detail == "" {
			t.Errorf("%s: rejection = %+v", members, rej)
		}
	}
}

func TestDialectHasTypesAndALifetimeOfItsOwn(t *testing.T) {
	d := speaking(t, func(d *narrowcast.Dialect) { d.Types, d.MaxLifetime = []string{"vendor+jwt"}, time.Minute })
	short := swap(t, untyped, "1800000300", "1800000060")
	head := func(typ string) string { return swap(t, untypedHead, "JWT", typ) }
	mustAccept(t, d.Verifier, d.pen.sign(t, head("vendor+jwt"), short), narrowcast.Presentation{})
	mustAccept(t, d.Verifier, d.pen.sign(t, head("application/vendor+jwt"), short), narrowcast.Presentation{})
	mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, short), narrowcast.Presentation{}, narrowcast.TypeMismatch)
	mustRefuse(t, d.Verifier, d.pen.sign(t, `{"alg":"ES256","kid":"k1"}`, short), narrowcast.Presentation{}, narrowcast.TypeMismatch)
	mustRefuse(t, d.Verifier, d.pen.sign(t, head("vendor+jwt"), untyped), narrowcast.Presentation{}, narrowcast.LifetimeExceeded)
}

// TestCacheKeepsTheDialect: a remembered token is what it was when it was read.
func TestCacheKeepsTheDialect(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) {
		c.Issuers[0].Class, c.Issuers[0].Dialect.ScopeClaims, c.Cache = narrowcast.DangerouslyUntyped, []string{"scp"}, 100
	})
	text := d.pen.sign(t, untypedHead, with(untyped, `"scp":["a"]`))
	for range 3 {
		mustAccept(t, d.Verifier, text, narrowcast.Presentation{Need: narrowcast.MustScope("a")})
		mustRefuse(t, d.Verifier, text, narrowcast.Presentation{Need: narrowcast.MustScope("b")}, narrowcast.InsufficientScope)
	}
	if d.keys.asked != 1 {
		t.Errorf("the key source was asked %d times", d.keys.asked)
	}
}

func TestDialectFaultsAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		want  string
		spoil func(*narrowcast.Config, *narrowcast.Dialect)
	}{
		"own audience ambient":   {"it is no audience", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Ambient = audiences(pay) }},
		"own audience companion": {"it is no audience", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Companions = audiences(pay + "/") }},
		"own audience is issuer": {"it is no audience", func(c *narrowcast.Config, d *narrowcast.Dialect) {
			c.Audience, d.IssuerIsAmbient = narrowcast.MustAudience(issuerA), true
		}},
		"empty companion": {"Companions", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Companions = []narrowcast.Audience{{}} }},
		"empty ambient":   {"Ambient", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Ambient = []narrowcast.Audience{{}} }},
		"clients of aud": {"Clients", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.Clients = map[narrowcast.ClientID]narrowcast.Audience{"a": narrowcast.MustAudience(pay)}
		}},
		"no clients": {"Clients", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.AudienceClaim, d.Clients = "client_id", map[narrowcast.ClientID]narrowcast.Audience{}
		}},
		"no tenants": {"Tenants", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Tenants = map[string]string{} }},
		"tenants without claim": {"OwnWords", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.OwnWords, d.Tenants = true, map[string]string{"a": "b"}
		}},
		"types of access tokens": {"Types", func(c *narrowcast.Config, d *narrowcast.Dialect) {
			c.Issuers[0].Class, d.Types = narrowcast.AccessToken, []string{"JWT"}
		}},
		"odd type": {"Types", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.Types = []string{"a b"} }},
		"registered claim": {"Require", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.Require = []narrowcast.RequiredClaim{{Name: "exp"}}
		}},
		"claim twice": {"twice", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.Require = []narrowcast.RequiredClaim{{Name: "a"}, {Name: "a"}}
		}},
		"empty value": {"Require", func(_ *narrowcast.Config, d *narrowcast.Dialect) {
			d.Require = []narrowcast.RequiredClaim{{Name: "a", Values: []string{""}}}
		}},
		"audience in iss":         {"AudienceClaim", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.AudienceClaim = "iss" }},
		"scope in nothing":        {"ScopeClaims", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.ScopeClaims = []string{""} }},
		"too long a life":         {"MaxLifetime", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.MaxLifetime = 25 * time.Hour }},
		"part of a second":        {"MaxLifetime", func(_ *narrowcast.Config, d *narrowcast.Dialect) { d.MaxLifetime = time.Millisecond }},
		"tenant where none is":    {"expects no tenant", func(c *narrowcast.Config, _ *narrowcast.Dialect) { c.Issuers[0].Tenant = "t1" }},
		"environment without one": {"Environment is", func(c *narrowcast.Config, _ *narrowcast.Dialect) { c.Issuers[0].Environment = "prod" }},
		"SVID of a web address":   {"trust domain", func(c *narrowcast.Config, _ *narrowcast.Dialect) { c.Issuers[0].Class = narrowcast.JWTSVID }},
		"SVID of a workload": {"trust domain", func(c *narrowcast.Config, _ *narrowcast.Dialect) {
			c.Issuers[0].Class, c.Issuers[0].Issuer = narrowcast.JWTSVID, narrowcast.MustIssuer("spiffe://corp.example/x")
		}},
		"trust domain of no class": {"jwt-svid", func(c *narrowcast.Config, _ *narrowcast.Dialect) {
			c.Issuers[0].Issuer = narrowcast.MustIssuer("spiffe://corp.example")
		}},
	} {
		c := goodConfig(t)
		c.Issuers[0].Class = narrowcast.DangerouslyUntyped
		if _, err := narrowcast.NewVerifier(c); err != nil {
			t.Fatalf("the control: %v", err)
		}
		test.spoil(&c, &c.Issuers[0].Dialect)
		if v, err := narrowcast.NewVerifier(c); v != nil || err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Issuers[0]") {
			t.Errorf("%s: verifier %v, error %v, want %q", name, v, err, test.want)
		}
	}
}

// TestVerifierKeepsItsDialect: who made it cannot change it afterwards.
func TestVerifierKeepsItsDialect(t *testing.T) {
	ambient, clients := audiences("account"), map[narrowcast.ClientID]narrowcast.Audience{"sales": narrowcast.MustAudience(crm)}
	d := speaking(t, func(d *narrowcast.Dialect) { d.Ambient, d.AudienceClaim, d.Clients = ambient, "client_id", clients })
	digest := d.Describe()
	clients["shop"], ambient[0] = narrowcast.MustAudience(pay), narrowcast.MustAudience("x")
	mustRefuse(t, d.Verifier, d.pen.sign(t, untypedHead, with(untyped, `"client_id":"shop"`)), narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	if !reflect.DeepEqual(d.Describe(), digest) {
		t.Errorf("description changed: %+v", d.Describe())
	}
}
