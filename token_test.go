package narrowcast_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

func TestTokenSaysWhatWasSigned(t *testing.T) {
	d := newDoor(t)
	payload := with(right, `"task":"job-7","lineage":"t-0","amount":10.00,"note":"caf\u00e9 \"x\"","list":[1, {"a":null}],"on":true`)
	text := d.pen.sign(t, goodHead, payload)
	token := mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	sum := sha256.Sum256([]byte(text))
	if token.Issuer().String() != issuerA || token.Audience().String() != pay || token.Subject() != "checkout" || token.ClientID() != "checkout" ||
		token.ID() != "t-1" || token.Task() != "job-7" || token.KeyID() != "k1" || token.Fingerprint() != narrowcast.Fingerprint(sum) ||
		!token.IssuedAt().Equal(at) || !token.Expires().Equal(at.Add(5*time.Minute)) || token.Describe().Lineage != "t-0" {
		t.Errorf("token = %+v", token.Describe())
	}
	for name, want := range map[string]string{"amount": "10.00", "note": `café "x"`, "list": `[1, {"a":null}]`, "on": "true", "exp": "1800000300"} {
		if got, ok := token.Claim(name); !ok || got != want {
			t.Errorf("claim %s = %q, %t", name, got, ok)
		}
	}
	for _, absent := range []string{"Amount", "", "a"} {
		if got, ok := token.Claim(absent); ok {
			t.Errorf("claim %q = %q", absent, got)
		}
	}
}

func TestTimesOfATokenThatHasNone(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Issuers[0].Class = narrowcast.ClientAssertion })
	assertion := `{"iss":"https://issuer.example.test","sub":"https://issuer.example.test","aud":"https://pay.example.test","jti":"a-1","exp":1800000060}`
	token := mustAccept(t, d.Verifier, d.pen.sign(t, `{"alg":"ES256","kid":"k1"}`, assertion), narrowcast.Presentation{})
	if !token.IssuedAt().IsZero() || token.Describe().Lineage != "a-1" {
		t.Errorf("token = %+v", token.Describe())
	}
}

func TestInspectReadsWithoutBelieving(t *testing.T) {
	d := newDoor(t)
	text := newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, right)
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.SignatureInvalid)
	claimed, err := narrowcast.Inspect(text)
	if err != nil || claimed.Issuer != issuerA || claimed.Audience[0] != pay || claimed.Algorithm != "ES256" || claimed.Type != "at+jwt" ||
		claimed.KeyID != "k1" || claimed.Scope != "charge refund" || claimed.Bound || claimed.Fingerprint != narrowcast.FingerprintOf(text) {
		t.Errorf("claimed = %+v, %v", claimed, err)
	}
	claimed, err = narrowcast.Inspect("not a token")
	if rejection(t, err).Reason != narrowcast.Malformed || claimed.Fingerprint != narrowcast.FingerprintOf("not a token") || claimed.Issuer != "" {
		t.Errorf("claimed = %+v, %v", claimed, err)
	}
}

func TestFingerprintTravelsAsText(t *testing.T) {
	f := narrowcast.FingerprintOf("abc")
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4
	if f.String() != want {
		t.Errorf("fingerprint = %s", f)
	}
	var back narrowcast.Fingerprint
	if err := back.UnmarshalText([]byte(want)); err != nil || back != f || back.IsZero() {
		t.Errorf("back = %s, %v", back, err)
	}
	for _, bad := range []string{"", want[:62], want + "00", "zz" + want[2:], hex.EncodeToString([]byte(want))} {
		if err := new(narrowcast.Fingerprint).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
