package statuslist_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/narrowcasttest"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// TestAVerifierAsksTheFollower: the place that a token names decides, behind a
// verifier that checks everything else.
func TestAVerifierAsksTheFollower(t *testing.T) {
	issuer, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	f, _ := followed(t, h)
	poll(t, f)
	pay := narrowcast.MustAudience("https://pay.example.test")
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: pay, Issuers: []narrowcast.TrustedIssuer{issuer.Trust()}, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now: issuer.Clock().Now, Liveness: f,
	})
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[mint.Status]string{
		{URI: uri, Index: 0}: "", {URI: uri, Index: 1}: "revoked", {URI: uri, Index: 2}: "task_paused", {URI: uri, Index: 8}: "revoked",
		{URI: base + "/l2", Index: 0}: "stale", {URI: "https://other.example.test/l1", Index: 0}: "stale", {}: "stale",
	} {
		text, err := issuer.Mint(pay, func(l *mint.Letter) { l.Status = place })
		if err != nil {
			t.Fatal(err)
		}
		_, err = verifier.Verify(t.Context(), text, narrowcast.Presentation{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", place, err, want)
		}
	}
}

func BenchmarkStatus(b *testing.B) {
	h := newHouse(b)
	token, err := statuslist.Read(b.Context(), h.letter(b), h.config())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := token.Status(3); err != nil {
			b.Fatal(err)
		}
	}
}
