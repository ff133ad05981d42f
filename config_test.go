package narrowcast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

func goodConfig(t testing.TB) narrowcast.Config {
	t.Helper()
	return narrowcast.Config{
		Audience:   narrowcast.MustAudience(pay),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(newPen(t, narrowcast.ES256, "k1").public(t))}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now:        func() time.Time { return at },
	}
}

func TestZeroVerifierRefuses(t *testing.T) {
	d := newDoor(t)
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	for name, v := range map[string]*narrowcast.Verifier{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			mustRefuse(t, v, text, narrowcast.Presentation{}, narrowcast.NotConfigured)
		})
	}
}

// TestConfigFaultsAreNamed changes one thing of a good configuration.
func TestConfigFaultsAreNamed(t *testing.T) {
	for _, test := range []struct {
		name, want string
		spoil      func(*narrowcast.Config)
	}{
		{"no audience", "Audience is required", func(c *narrowcast.Config) { c.Audience = narrowcast.Audience{} }},
		{"no issuer", "Issuers is required", func(c *narrowcast.Config) { c.Issuers = nil }},
		{"zero issuer", "Issuers[0].Issuer is empty", func(c *narrowcast.Config) { c.Issuers[0].Issuer = narrowcast.Issuer{} }},
		{"issuer without keys", "Issuers[0].Keys is required", func(c *narrowcast.Config) { c.Issuers[0].Keys = nil }},
		{"issuer twice", "is listed twice", func(c *narrowcast.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) }},
		{"unknown class", "Issuers[0].Class is unknown", func(c *narrowcast.Config) { c.Issuers[0].Class = 9 }},
		{"no algorithm", "Algorithms is required", func(c *narrowcast.Config) { c.Algorithms = nil }},
		{"none", "Algorithms[1]", func(c *narrowcast.Config) { c.Algorithms = append(c.Algorithms, "none") }},
		{"HMAC", "Algorithms[1]", func(c *narrowcast.Config) { c.Algorithms = append(c.Algorithms, "HS256") }},
		{"no clock", "Now is required", func(c *narrowcast.Config) { c.Now = nil }},
		{"negative skew", "Skew is", func(c *narrowcast.Config) { c.Skew = -1 }},
		{"too much skew", "Skew is", func(c *narrowcast.Config) { c.Skew = narrowcast.MaxSkew + 1 }},
		{"negative lifetime", "MaxLifetime is", func(c *narrowcast.Config) { c.MaxLifetime = -1 }},
		{"too much lifetime", "MaxLifetime is", func(c *narrowcast.Config) { c.MaxLifetime = narrowcast.CeilingMaxLifetime + 1 }},
		{"negative cache", "Cache", func(c *narrowcast.Config) { c.Cache = -1 }},
		{"negative cache time", "CacheFor", func(c *narrowcast.Config) { c.CacheFor = -1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := goodConfig(t)
			if _, err := narrowcast.NewVerifier(c); err != nil {
				t.Fatalf("the control: %v", err)
			}
			test.spoil(&c)
			v, err := narrowcast.NewVerifier(c)
			if v != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("verifier %v, error %v, want %q", v, err, test.want)
			}
		})
	}
}

func TestConfigFaultsComeTogether(t *testing.T) {
	_, err := narrowcast.NewVerifier(narrowcast.Config{Skew: -1, MaxLifetime: -1, Cache: -1})
	for _, want := range []string{"Audience", "Issuers", "Algorithms", "Now", "Skew", "MaxLifetime", "Cache"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to name %s", err, want)
		}
	}
}

func TestClassesHaveNames(t *testing.T) {
	for _, c := range []narrowcast.Class{narrowcast.AccessToken, narrowcast.ClientAssertion, narrowcast.DangerouslyUntyped, narrowcast.JWTSVID} {
		if back, err := narrowcast.ParseClass(c.String()); err != nil || back != c {
			t.Errorf("ParseClass(%q) = %v, %v", c, back, err)
		}
	}
	if _, err := narrowcast.ParseClass("JWT"); err == nil || narrowcast.Class(9).String() != "unknown" {
		t.Error("an unknown class has a name")
	}
}

func TestDescriptionTellsTheWholeConfiguration(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Tenant, c.Environment, c.Cache = "t1", "prod", 10 })
	got := d.Describe()
	if got.Audience.String() != pay || d.Audience() != got.Audience || len(got.Issuers) != 1 || got.Issuers[0].Class != "at+jwt" ||
		len(d.Issuers()) != 1 || got.Algorithms[0] != narrowcast.ES256 || got.Tenant != "t1" || got.Environment != "prod" ||
		got.Skew != narrowcast.DefaultSkew || got.MaxLifetime != narrowcast.DefaultMaxLifetime || got.CacheFor != narrowcast.DefaultCacheFor || got.Revocation {
		t.Errorf("description = %+v", got)
	}
}

// TestDigestTellsConfigurationsApart: equal settings have one digest in any
// order, and no setting can change without changing it.
func TestDigestTellsConfigurationsApart(t *testing.T) {
	two := func(c *narrowcast.Config) {
		c.Algorithms = []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519}
		c.Issuers = append(c.Issuers, narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(issuerB), Keys: ringOf()})
	}
	swapped := func(c *narrowcast.Config) {
		two(c)
		c.Algorithms[0], c.Algorithms[1] = c.Algorithms[1], c.Algorithms[0]
		c.Issuers[0], c.Issuers[1] = c.Issuers[1], c.Issuers[0]
	}
	if a, b := newDoor(t, two).Digest(), newDoor(t, swapped).Digest(); a != b || len(a) != 64 {
		t.Errorf("digests %s and %s", a, b)
	}
	seen := map[string]string{newDoor(t).Digest(): "the baseline"}
	for name, change := range map[string]func(*narrowcast.Config){
		"audience":    func(c *narrowcast.Config) { c.Audience = narrowcast.MustAudience(crm) },
		"issuer":      func(c *narrowcast.Config) { c.Issuers[0].Issuer = narrowcast.MustIssuer(issuerB) },
		"class":       func(c *narrowcast.Config) { c.Issuers[0].Class = narrowcast.DangerouslyUntyped },
		"algorithms":  func(c *narrowcast.Config) { c.Algorithms = append(c.Algorithms, narrowcast.PS256) },
		"tenant":      func(c *narrowcast.Config) { c.Tenant = "t1" },
		"environment": func(c *narrowcast.Config) { c.Environment = "prod" },
		"skew":        func(c *narrowcast.Config) { c.Skew = time.Second },
		"lifetime":    func(c *narrowcast.Config) { c.MaxLifetime = time.Minute },
		"liveness":    func(c *narrowcast.Config) { c.Liveness = &liveness{} },
		"cache":       func(c *narrowcast.Config) { c.Cache = 1 },
	} {
		digest := newDoor(t, change).Digest()
		if other, again := seen[digest]; again {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}
