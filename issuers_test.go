package narrowcast_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// twoIssuers is a door that trusts two issuers whose keys share a name.
func twoIssuers(t *testing.T) (d *door, second *pen) {
	t.Helper()
	second = newPen(t, narrowcast.ES256, "k1")
	d = newDoor(t, func(c *narrowcast.Config) {
		c.Issuers = append(c.Issuers, narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(issuerB), Keys: ringOf(second.public(t))})
	})
	return d, second
}

func TestKeysBelongToIssuers(t *testing.T) {
	d, second := twoIssuers(t)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	mustAccept(t, d.Verifier, second.sign(t, goodHead, swap(t, right, issuerA, issuerB)), narrowcast.Presentation{})

	rej := mustRefuse(t, d.Verifier, second.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.IssuerKeyMismatch)
	if rej.Genuine || rej.Detail != "signed by a key of "+issuerB {
		t.Errorf("rejection = %+v", rej)
	}
	other := swap(t, right, issuerA, issuerB)
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, other), narrowcast.Presentation{}, narrowcast.IssuerKeyMismatch)
	mustRefuse(t, d.Verifier, newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.SignatureInvalid)
}

func TestKeyOfAnotherIssuerUnderItsOwnName(t *testing.T) {
	d, _ := twoIssuers(t)
	second := newPen(t, narrowcast.ES256, "k9")
	d2 := newDoor(t, func(c *narrowcast.Config) {
		c.Issuers[0].Keys = d.keys
		c.Issuers = append(c.Issuers, narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(issuerB), Keys: ringOf(second.public(t))})
	})
	header := `{"alg":"ES256","typ":"at+jwt","kid":"k9"}`
	mustAccept(t, d2.Verifier, second.sign(t, header, swap(t, right, issuerA, issuerB)), narrowcast.Presentation{})
	mustRefuse(t, d2.Verifier, second.sign(t, header, right), narrowcast.Presentation{}, narrowcast.IssuerKeyMismatch)
}

// TestRotationRefusesNobody: the next key is published before it signs, and the
// last one stays until its tokens are gone.
func TestRotationRefusesNobody(t *testing.T) {
	d := newDoor(t)
	next := newPen(t, narrowcast.ES256, "k2")
	header := `{"alg":"ES256","typ":"at+jwt","kid":"k2"}`
	mustRefuse(t, d.Verifier, next.sign(t, header, right), narrowcast.Presentation{}, narrowcast.KeyUnknown)
	d.keys.keys["k2"] = next.public(t)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	mustAccept(t, d.Verifier, next.sign(t, header, right), narrowcast.Presentation{})
	delete(d.keys.keys, "k1")
	mustAccept(t, d.Verifier, next.sign(t, header, right), narrowcast.Presentation{})
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.KeyUnknown)
}

func TestKeysBelongToTime(t *testing.T) {
	d := newDoor(t)
	text := d.pen.sign(t, goodHead, right)
	for _, test := range []struct {
		name     string
		from, to time.Duration
		inside   bool
	}{
		{"inside", -time.Minute, time.Minute, true}, {"first instant", 0, time.Minute, true}, {"last instant", -time.Minute, 0, true},
		{"too early", time.Nanosecond, time.Minute, false}, {"too late", -time.Minute, -time.Nanosecond, false},
	} {
		d.keys.keys["k1"] = d.pen.public(t, func(c *narrowcast.KeyConfig) { c.NotBefore, c.NotAfter = at.Add(test.from), at.Add(test.to) })
		if test.inside {
			mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
		} else {
			mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.KeyWindow)
		}
	}
}

// TestOneKeyOneAlgorithm: the key says which algorithm it serves, not the token.
func TestOneKeyOneAlgorithm(t *testing.T) {
	rs, ps := newPen(t, narrowcast.RS256, "r1"), newPen(t, narrowcast.PS256, "r1")
	d := newDoor(t, func(c *narrowcast.Config) {
		c.Algorithms = []narrowcast.Algorithm{narrowcast.RS256, narrowcast.PS256}
		c.Issuers[0].Keys = ringOf(rs.public(t))
	})
	mustAccept(t, d.Verifier, rs.sign(t, `{"alg":"RS256","typ":"at+jwt","kid":"r1"}`, right), narrowcast.Presentation{})
	mustRefuse(t, d.Verifier, ps.sign(t, `{"alg":"PS256","typ":"at+jwt","kid":"r1"}`, right), narrowcast.Presentation{}, narrowcast.AlgorithmMismatch)
}

// TestKeySourceThatAnswersWithAnotherKey is not believed.
func TestKeySourceThatAnswersWithAnotherKey(t *testing.T) {
	d := newDoor(t)
	d.keys.keys["k2"] = d.keys.keys["k1"]
	mustRefuse(t, d.Verifier, d.pen.sign(t, `{"alg":"ES256","typ":"at+jwt","kid":"k2"}`, right), narrowcast.Presentation{}, narrowcast.KeyUnknown)
	d.keys.keys["k1"] = narrowcast.Key{}
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.KeyUnknown)
}

// TestHostileHeadersAskForNothing: a token that brings a key or names an
// address does not even cause a question to the key source.
func TestHostileHeadersAskForNothing(t *testing.T) {
	d := newDoor(t)
	for _, member := range []string{`"jku":"https://evil.test"`, `"x5u":"https://evil.test"`, `"jwk":{"kty":"oct"}`, `"x5c":["MII"]`} {
		header := `{"alg":"ES256","typ":"at+jwt","kid":"k1",` + member + `}`
		mustRefuse(t, d.Verifier, d.pen.sign(t, header, right), narrowcast.Presentation{}, narrowcast.EmbeddedKey)
	}
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, right, issuerA, "https://evil.test")), narrowcast.Presentation{}, narrowcast.IssuerUnknown)
	if d.keys.asked != 0 {
		t.Errorf("the key source was asked %d times", d.keys.asked)
	}
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	if d.keys.asked != 1 {
		t.Errorf("the key source was asked %d times for a good token", d.keys.asked)
	}
}

func TestClassesExcludeEachOther(t *testing.T) {
	assertion := `{"iss":"https://issuer.example.test","sub":"https://issuer.example.test","aud":"https://pay.example.test","jti":"a-1","exp":1800000060}`
	untyped := `{"iss":"https://issuer.example.test","aud":"https://pay.example.test","iat":1800000000,"exp":1800000060}`
	head := func(typ string) string { return swap(t, goodHead, "at+jwt", typ) }
	for _, test := range []struct {
		name            string
		class           narrowcast.Class
		header, payload string
		want            narrowcast.Reason
	}{
		{"access token", narrowcast.AccessToken, goodHead, right, 0},
		{"assertion", narrowcast.ClientAssertion, head("client-authentication+jwt"), assertion, 0},
		{"assertion of type JWT", narrowcast.ClientAssertion, head("JWT"), assertion, 0},
		{"assertion without type", narrowcast.ClientAssertion, `{"alg":"ES256","kid":"k1"}`, assertion, 0},
		{"untyped", narrowcast.DangerouslyUntyped, head("JWT"), untyped, 0},
		{"untyped without type", narrowcast.DangerouslyUntyped, `{"alg":"ES256","kid":"k1"}`, untyped, 0},
		{"assertion as access token", narrowcast.AccessToken, head("client-authentication+jwt"), assertion, narrowcast.TypeMismatch},
		{"access token as assertion", narrowcast.ClientAssertion, goodHead, right, narrowcast.TypeMismatch},
		{"assertion as untyped", narrowcast.DangerouslyUntyped, head("client-authentication+jwt"), assertion, narrowcast.TypeMismatch},
		{"untyped as access token", narrowcast.AccessToken, head("JWT"), untyped, narrowcast.TypeMismatch},
		{"assertion of another subject", narrowcast.ClientAssertion, head("JWT"), swap(t, assertion, `"sub":"https://issuer`, `"sub":"https://other`), narrowcast.ClaimMalformed},
		{"assertion without id", narrowcast.ClientAssertion, head("JWT"), swap(t, assertion, `"jti":"a-1",`, ``), narrowcast.ClaimMissing},
		{"assertion without exp", narrowcast.ClientAssertion, head("JWT"), swap(t, assertion, `,"exp":1800000060`, ``), narrowcast.ClaimMissing},
		{"assertion that lives too long", narrowcast.ClientAssertion, head("JWT"), swap(t, assertion, `1800000060`, `1800009999`), narrowcast.LifetimeExceeded},
		{"untyped without iat", narrowcast.DangerouslyUntyped, head("JWT"), swap(t, untyped, `"iat":1800000000,`, ``), narrowcast.ClaimMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(t, func(c *narrowcast.Config) { c.Issuers[0].Class = test.class })
			text := d.pen.sign(t, test.header, test.payload)
			if test.want == 0 {
				mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
			} else {
				mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, test.want)
			}
		})
	}
}
