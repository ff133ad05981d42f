package narrowcast_test

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// twin gives the other valid signature of an ES256 token: s becomes n-s.
func twin(t *testing.T, token string) string {
	t.Helper()
	i := strings.LastIndexByte(token, '.') + 1
	raw, err := base64.RawURLEncoding.DecodeString(token[i:])
	if err != nil || len(raw) != 64 {
		t.Fatal(err, len(raw))
	}
	s := new(big.Int).SetBytes(raw[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(raw[32:])
	return token[:i] + base64.RawURLEncoding.EncodeToString(raw)
}

// TestTwoTextsOfOneTokenHaveOneID: whoever holds an ES256 token can write it in a
// second way (s becomes n-s, which RFC 7515 does not forbid). The fingerprint
// differs, so what must hold for a token, such as its revocation, goes by issuer
// and id.
func TestTwoTextsOfOneTokenHaveOneID(t *testing.T) {
	p := newPen(t, narrowcast.ES256, "k1")
	now := time.Unix(1_800_000_000, 0)
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return now },
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(p.public(t))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token := p.sign(t, goodHead, fmt.Sprintf(`{"iss":%q,"sub":"s","client_id":"c","jti":"j","aud":%q,"iat":%d,"exp":%d}`, issuerA, pay, now.Unix(), now.Unix()+60))
	a, err := v.Verify(context.Background(), token, narrowcast.Presentation{})
	if err != nil {
		t.Fatal("control:", err)
	}
	b, err := v.Verify(context.Background(), twin(t, token), narrowcast.Presentation{})
	if err != nil {
		t.Fatal("the twin:", err)
	}
	if a.ID() != b.ID() || a.Issuer() != b.Issuer() || a.Fingerprint() == b.Fingerprint() {
		t.Errorf("ids %s and %s, fingerprints %s and %s", a.ID(), b.ID(), a.Fingerprint(), b.Fingerprint())
	}
}

// TestAudienceSpellings: none of these may be taken for pay.
func TestAudienceSpellings(t *testing.T) {
	a := narrowcast.MustAudience(pay)
	for _, s := range []string{"", "/", pay + "//", pay + "/.", pay + "/?", pay + "#", "http://pay.example.test", "http://pay.example.test/",
		"https://pay.example.test:443", "https://pay.example.test.", "HTTPS://pay.example.test", "https:/pay.example.test", "https:pay.example.test",
		pay + "\x00", pay + " ", " " + pay, pay + "/x", "https://pay.example.test\\", strings.Repeat("/", 1<<20)} {
		if a.Names(s) {
			t.Errorf("%q is taken for %s", s[:min(len(s), 60)], pay)
		}
	}
	if !a.Names(pay) || !a.Names(pay+"/") {
		t.Error("control")
	}
	for _, s := range []string{"https:pay.example.test", "http:evil", "https://[::1]:0443", "https://pay.example.test:0443", "https://pay.example.test:", "https://[::ffff:1.2.3.4]",
		"https://127.1", "https://0x7f.1", "https://pay.example.test/%2E", "https://pay.example.test/;a", "https://xn--pay-", "https://a..b", "https://.", "https://pay.example.test:99999"} {
		got, err := narrowcast.ParseAudience(s)
		t.Logf("%-36s -> %q %v", s, got.String(), err)
	}
}

func withSignature(token string, sig []byte) string {
	return token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(sig)
}
