package narrowcast_test

import (
	"reflect"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// A test for each law that this package keeps. Law 5 is kept by the issuer and
// law 7 by the incident reader; their tests stand with them.

func TestLaw1ATokenNamesExactlyOneResource(t *testing.T) {
	press := pressOf(t, newPen(t, narrowcast.ES256, "k1"))
	letter := goodLetter()
	if _, err := press.Mint(letter); err != nil {
		t.Fatalf("the control: %v", err)
	}
	letter.Audience = narrowcast.Audience{}
	if text, err := press.Mint(letter); err == nil || text != "" {
		t.Error("a token without a resource was minted")
	}
	if n := fieldsOf[narrowcast.Audience](reflect.TypeFor[mint.Letter]()); n != 1 {
		t.Errorf("a letter has room for %d audiences", n)
	}
	if n := fieldsOf[narrowcast.Audience](reflect.TypeFor[narrowcast.Config]()); n != 1 {
		t.Errorf("a verifier has room for %d audiences", n)
	}
	d := newDoor(t)
	for aud, want := range map[string]narrowcast.Reason{
		`["https://pay.example.test","https://crm.example.test"]`: narrowcast.AudienceMultiple,
		`[]`: narrowcast.AudienceMissing,
	} {
		text := d.pen.sign(t, goodHead, swap(t, right, `"https://pay.example.test"`, aud))
		mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want)
	}
}

// fieldsOf counts the places where a struct can hold a T, lists included.
func fieldsOf[T any](in reflect.Type) (n int) {
	want := reflect.TypeFor[T]()
	for i := range in.NumField() {
		switch f := in.Field(i).Type; {
		case f == want:
			n++
		case f.Kind() == reflect.Slice || f.Kind() == reflect.Map || f.Kind() == reflect.Array:
			if f.Elem() == want {
				n += 2
			}
		}
	}
	return n
}

func TestLaw2NoVerifierWithoutAnAudienceAndNoSwitchToDropIt(t *testing.T) {
	var zero narrowcast.Verifier
	d := newDoor(t)
	foreign := d.pen.sign(t, goodHead, swap(t, right, pay, crm))
	mustRefuse(t, &zero, d.pen.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.NotConfigured)
	for name, drop := range map[string]func(*narrowcast.Config){
		"audience":   func(c *narrowcast.Config) { c.Audience = narrowcast.Audience{} },
		"issuers":    func(c *narrowcast.Config) { c.Issuers = []narrowcast.TrustedIssuer{} },
		"algorithms": func(c *narrowcast.Config) { c.Algorithms = []narrowcast.Algorithm{} },
	} {
		c := goodConfig(t)
		drop(&c)
		if v, err := narrowcast.NewVerifier(c); v != nil || err == nil {
			t.Errorf("a verifier was made without %s", name)
		}
	}
	for _, class := range []narrowcast.Class{narrowcast.AccessToken, narrowcast.DangerouslyUntyped} {
		loose := newDoor(t, func(c *narrowcast.Config) {
			c.Issuers[0].Class, c.Issuers[0].Keys = class, d.keys
			c.Algorithms = []narrowcast.Algorithm{"ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"}
			c.Skew, c.MaxLifetime = narrowcast.MaxSkew, narrowcast.CeilingMaxLifetime
			c.Liveness, c.Cache, c.CacheFor, c.RequireBinding, c.Uses = &liveness{}, 1000, narrowcast.MaxCacheFor, false, &register{}
		})
		mustAccept(t, loose.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
		mustRefuse(t, loose.Verifier, foreign, narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	}
	// A new field of Config must be set to its loosest above.
	if n := reflect.TypeFor[narrowcast.Config]().NumField(); n != 14 {
		t.Errorf("Config has %d fields, this test knows 14", n)
	}
}

func TestLaw3SignatureFirstClaimsSecond(t *testing.T) {
	d := newDoor(t)
	foreign := swap(t, right, pay, crm)
	genuine := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, foreign), narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	if !genuine.Genuine || !genuine.OffTarget() {
		t.Errorf("a genuine token is not called off-target: %+v", genuine)
	}
	forger := newPen(t, narrowcast.ES256, "k1")
	for name, text := range map[string]string{
		"forged signature": forger.sign(t, goodHead, foreign),
		"unknown key":      d.pen.sign(t, `{"alg":"ES256","typ":"at+jwt","kid":"k2"}`, foreign),
		"unknown issuer":   d.pen.sign(t, goodHead, swap(t, foreign, issuerA, issuerB)),
		"another class":    d.pen.sign(t, `{"alg":"ES256","typ":"JWT","kid":"k1"}`, foreign),
		"other algorithm":  d.pen.sign(t, `{"alg":"none","typ":"at+jwt","kid":"k1"}`, foreign),
	} {
		_, err := d.Verify(t.Context(), text, narrowcast.Presentation{})
		rej := rejection(t, err)
		if rej.Genuine || rej.OffTarget() || rej.OnlyAboutAudience() || rej.Reason > narrowcast.SignatureInvalid || len(rej.Also) != 0 || rej.Near != "" {
			t.Errorf("%s: rejection = %+v", name, rej)
		}
	}
}
