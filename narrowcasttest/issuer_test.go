package narrowcasttest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/narrowcasttest"
)

var (
	pay    = narrowcast.MustAudience("https://pay.example.test")
	crm    = narrowcast.MustAudience("https://crm.example.test")
	charge = narrowcast.MustScope("charge")
)

func newIssuer(t testing.TB) *narrowcasttest.Issuer {
	t.Helper()
	issuer, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func mustMint(t testing.TB, issuer *narrowcasttest.Issuer, audience narrowcast.Audience) string {
	t.Helper()
	text, err := issuer.Mint(audience)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokensOpenTheirOwnDoorAndNoOther(t *testing.T) {
	issuer := newIssuer(t)
	atPay, err := issuer.Verifier(pay)
	if err != nil {
		t.Fatal(err)
	}
	atCRM, err := issuer.Verifier(crm)
	if err != nil {
		t.Fatal(err)
	}
	keys, headers := map[narrowcast.KeyID]bool{}, map[string]bool{}
	for range 100 {
		text := mustMint(t, issuer, pay)
		token, err := atPay.Verify(t.Context(), text, narrowcast.Presentation{})
		if err != nil {
			t.Fatal(err)
		}
		keys[token.KeyID()] = true
		headers[strings.SplitN(text, ".", 2)[0]] = true
		var rej *narrowcast.Rejection
		if _, err := atCRM.Verify(t.Context(), text, narrowcast.Presentation{}); !errors.As(err, &rej) || !rej.OffTarget() {
			t.Fatalf("at the other door: %v", err)
		}
		issuer.Clock().Advance(20 * time.Second)
	}
	if len(keys) < 10 || len(headers) < 20 {
		t.Errorf("not rude: %d keys and %d headers in 100 tokens", len(keys), len(headers))
	}
}

func TestAFetchedKeySetFollowsTheRudeIssuer(t *testing.T) {
	// In a bubble, because the clock must not run away from a fetch under way.
	synctest.Test(t, followsTheRudeIssuer)
}

func followsTheRudeIssuer(t *testing.T) {
	issuer := newIssuer(t)
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{URL: issuer.KeySetURL(), Now: issuer.Clock().Now, Transport: issuer.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: pay, Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer.Issuer(), Keys: keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: issuer.Clock().Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if _, err := verifier.Verify(t.Context(), mustMint(t, issuer, pay), narrowcast.Presentation{}); err != nil {
			t.Fatalf("token %d refused: %v, because %v; %+v", n+1, err, errors.Unwrap(err), keys.Stats())
		}
		synctest.Wait()
		issuer.Clock().Advance(time.Duration(n%7) * 5 * time.Second)
	}
	if s := keys.Stats(); s.Loads < 2 {
		t.Errorf("stats = %+v", s)
	}
}

func TestASourceGetsAlongWithTheRudeIssuer(t *testing.T) {
	synctest.Test(t, getsAlongWithTheRudeIssuer)
}

func getsAlongWithTheRudeIssuer(t *testing.T) {
	issuer := newIssuer(t)
	source, err := issuer.Source("checkout")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := issuer.Verifier(pay)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		token, err := source.Token(t.Context(), pay, charge)
		if err != nil {
			t.Fatal(err)
		}
		got, err := verifier.Verify(t.Context(), token.Secret(), narrowcast.Presentation{Need: charge})
		if err != nil || got.Subject() != "checkout" || !token.Confirmed() {
			t.Fatalf("token %v: %v", got, err)
		}
		issuer.Clock().Advance(6 * time.Minute)
	}
	issuer.Down(true)
	if _, err := source.Token(t.Context(), crm, charge); err == nil {
		t.Error("an issuer that is down gave a token")
	}
}

func TestTheIssuerRefusesWhatAnIssuerMustRefuse(t *testing.T) {
	issuer := newIssuer(t)
	ask := func(body string) (int, string) {
		for {
			req := httptest.NewRequest(http.MethodPost, "https://issuer.example.test/token/0", strings.NewReader(body))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			issuer.ServeHTTP(w, req)
			if w.Code != http.StatusServiceUnavailable {
				return w.Code, w.Body.String()
			}
		}
	}
	for _, body := range []string{
		"", "grant_type=client_credentials&resource=https://pay.example.test",
		"grant_type=client_credentials&resource=https://pay.example.test&client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"grant_type=a&grant_type=b",
	} {
		if status, text := ask(body); status == http.StatusOK || !strings.Contains(text, `"error":"invalid_`) {
			t.Errorf("%q: %d %s", body, status, text)
		}
	}
	if _, err := issuer.Mint(pay, func(l *mint.Letter) { l.Audience = narrowcast.Audience{} }); err == nil {
		t.Error("a token without an audience")
	}
	if _, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{Issuer: narrowcast.MustIssuer("spiffe://corp.example.test")}); err == nil {
		t.Error("an issuer without a web address")
	}
	resp, err := issuer.Transport().RoundTrip(httptest.NewRequest(http.MethodGet, "https://other.example.test/", nil))
	if err == nil {
		t.Errorf("somebody else answered: %v", resp.Status)
	}
}

func TestEveryWrongTokenHasTheReasonOnItsLabel(t *testing.T) {
	issuer := newIssuer(t)
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: pay, Issuers: []narrowcast.TrustedIssuer{issuer.Trust()}, Now: issuer.Clock().Now,
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519},
	})
	if err != nil {
		t.Fatal(err)
	}
	drawer, err := issuer.Wrong(pay, charge)
	if err != nil {
		t.Fatal(err)
	}
	if len(drawer) < 100 {
		t.Errorf("only %d wrong tokens", len(drawer))
	}
	for _, wrong := range drawer {
		var rej *narrowcast.Rejection
		_, err := verifier.Verify(t.Context(), wrong.Text, narrowcast.Presentation{Need: charge})
		if !errors.As(err, &rej) || rej.Reason != wrong.Reason {
			t.Errorf("%s (%s): want %q, got %v", wrong.ID, wrong.Title, wrong.Reason, err)
		}
	}
	plain, err := issuer.Wrong(pay, narrowcast.Scope{})
	if err != nil || len(plain) >= len(drawer) {
		t.Errorf("without scope: %d, %v", len(plain), err)
	}
	if _, err := issuer.Wrong(narrowcast.Audience{}, charge); err == nil {
		t.Error("tokens that are wrong for nobody")
	}
}

func TestRotateUsesAKeyThatIsPublishedAlready(t *testing.T) {
	issuer := newIssuer(t)
	for range 20 {
		before, err := narrowcast.Inspect(mustMint(t, issuer, pay))
		if err != nil {
			t.Fatal(err)
		}
		if err := issuer.Rotate(); err != nil {
			t.Fatal(err)
		}
		after, err := narrowcast.Inspect(mustMint(t, issuer, pay))
		if err != nil || after.KeyID == before.KeyID {
			t.Fatalf("the key is still %s, %v", after.KeyID, err)
		}
		if _, err := issuer.Keys().Key(t.Context(), narrowcast.KeyID(before.KeyID)); err != nil {
			t.Errorf("the retired key is gone: %v", err)
		}
	}
}
