package event_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/profile"
)

type noKeys struct{}

func (noKeys) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// facts are what a verifier with these issuers says of itself.
func facts(t *testing.T, issuers ...narrowcast.TrustedIssuer) *event.Verifier {
	t.Helper()
	for i := range issuers {
		issuers[i].Keys = noKeys{}
	}
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Issuers: issuers,
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return at },
	})
	if err != nil {
		t.Fatal(err)
	}
	return event.VerifierOf(v, event.Enforce)
}

func foreign(t *testing.T, name string, o profile.Options) narrowcast.TrustedIssuer {
	t.Helper()
	ti, err := profile.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return ti
}

// TestVerifierOfTellsDialects: the plain issuer is told by its class as ever, the
// foreign one with all that a judge needs to make it again.
func TestVerifierOfTellsDialects(t *testing.T) {
	ours := narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer("https://issuer.example.test")}
	realm := foreign(t, profile.Keycloak, profile.Options{Issuer: narrowcast.MustIssuer("https://keycloak.example.test/realms/acme")})
	got := facts(t, ours, realm).Issuers
	want := map[string]string{
		"https://issuer.example.test": "at+jwt",
		"https://keycloak.example.test/realms/acme": "dangerously-untyped; ambient account; ambient-issuer; client-claim azp; own-words; " +
			"require azp; require sub; require typ Bearer DPoP; type JWT; type at+jwt",
	}
	if !maps.Equal(got, want) {
		t.Errorf("issuers = %q", got)
	}

	back := narrowcast.TrustedIssuer{Issuer: realm.Issuer}
	for i, term := range strings.Split(got["https://keycloak.example.test/realms/acme"], "; ") {
		if i == 0 {
			term = "class " + term
		}
		if err := back.SetTerm(term); err != nil {
			t.Errorf("%q: %v", term, err)
		}
	}
	if back.Class != realm.Class || !slices.Equal(back.Terms(), realm.Terms()) {
		t.Errorf("read back %q, want %q", back.Terms(), realm.Terms())
	}
}

// TestLongTermsAreLeftOutAndNotForgotten: what cannot be told in one event is said
// to be missing, and the event is written.
func TestLongTermsAreLeftOutAndNotForgotten(t *testing.T) {
	pool := func(n int, name string) narrowcast.TrustedIssuer {
		o := profile.Options{Issuer: narrowcast.MustIssuer("https://" + name + ".example.test"), Clients: map[narrowcast.ClientID]narrowcast.Audience{}}
		for i := range n {
			o.Clients[narrowcast.ClientID(fmt.Sprint("client-", i))] = narrowcast.MustAudience("https://pay.example.test/" + strings.Repeat("&", 70))
		}
		return foreign(t, profile.Cognito, o)
	}
	plain := narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer("https://issuer.example.test")}
	for n, told := range map[int]bool{3: true, 64: false} {
		v := facts(t, pool(n, "one"), pool(1, "two"), plain)
		left := v.Issuers["https://one.example.test"] == "dangerously-untyped; terms-left-out"
		if left == told || v.Issuers["https://issuer.example.test"] != "at+jwt" {
			t.Errorf("%d clients: %.200q", n, v.Issuers)
		}
		line, err := event.Encode(event.Event{ID: "e-1", Type: event.VerifierSeen, Time: at, Writer: "guard-1", Verifier: v})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := event.Decode(line); err != nil {
			t.Errorf("%d clients: %v", n, err)
		}
	}
	if err := new(narrowcast.TrustedIssuer).SetTerm("terms-left-out"); err == nil {
		t.Error("what stands for missing terms can be read as one")
	}
}

type remembers struct{}

func (remembers) Use(context.Context, *narrowcast.Token) narrowcast.Reason { return 0 }
func (remembers) Check(*narrowcast.Token) narrowcast.Reason                { return 0 }

// TestVerifierOfTellsWhomItAsks: whether tokens die before they expire, and
// whether one use is one, depends on it.
func TestVerifierOfTellsWhomItAsks(t *testing.T) {
	c := narrowcast.Config{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return at },
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Keys: noKeys{}}},
	}
	for _, asks := range []bool{false, true} {
		if asks {
			c.Liveness, c.Uses = remembers{}, remembers{}
		}
		v, err := narrowcast.NewVerifier(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := event.VerifierOf(v, event.Enforce); got.Revocation != asks || got.SingleUse != asks {
			t.Errorf("asks %t: %+v", asks, got)
		}
	}
}
