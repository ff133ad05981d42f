package issuer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func TestStrangersDoNotReachTheMemoryOfProofs(t *testing.T) {
	b := openBank(t, either, func(c *issuer.Config) { c.Authenticator = who{err: &issuer.Refusal{Ground: issuer.Unauthenticated}} })
	if _, err := b.Grant(t.Context(), ask("checkout a1", "proof 1")); ground(t, err) != issuer.Unauthenticated || b.proofs.asked != 0 {
		t.Errorf("%v; %d proofs were looked at", err, b.proofs.asked)
	}
}

// The first half of a visit with a nonce costs the client nothing and the book
// no record (RFC 9449 section 8).
func TestADemandForANonceUsesNothingUp(t *testing.T) {
	b := openBank(t, either, nothing)
	b.proofs.err = &issuer.Refusal{Ground: issuer.NonceNeeded}
	for range 500 {
		_, err := b.Grant(t.Context(), ask("checkout a1", "proof 1"))
		var refusal *issuer.Refusal
		if !errors.As(err, &refusal) || refusal.Ground != issuer.NonceNeeded || refusal.Client != "checkout" || refusal.Decision == "" {
			t.Fatal(err)
		}
	}
	if c := b.Counts(); len(b.book.events) != 0 || c.Challenged != 500 || c.Refused != 0 || c.Unrecorded != 0 {
		t.Errorf("%d records, counts = %+v", len(b.book.events), c)
	}
	b.proofs.err = nil
	if _, err := b.Grant(t.Context(), ask("checkout a1", "proof 1")); err != nil {
		t.Errorf("with the nonce: %v", err)
	}
	// The control: a wrong proof uses the assertion up.
	if _, err := b.Grant(t.Context(), ask("checkout a2", "nonsense")); ground(t, err) != issuer.ProofInvalid {
		t.Error(err)
	}
	if _, err := b.Grant(t.Context(), ask("checkout a2", "proof 2")); ground(t, err) != issuer.Unauthenticated {
		t.Error(err)
	}
}

func TestFailingProofs(t *testing.T) {
	for name, c := range map[string]struct {
		proofs []string
		err    error
		want   issuer.Ground
		again  bool // the assertion may be used again
	}{
		"not a proof":      {proofs: []string{"x"}, want: issuer.ProofInvalid},
		"two":              {proofs: []string{"proof 1", "proof 2"}, want: issuer.ProofInvalid},
		"an empty one":     {proofs: []string{""}, want: issuer.ProofInvalid},
		"used before":      {proofs: []string{"proof 1"}, err: &issuer.Refusal{Ground: issuer.ProofReplayed}, want: issuer.ProofReplayed},
		"the memory fails": {proofs: []string{"proof 1"}, err: errors.New("full"), want: issuer.Unavailable, again: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := openBank(t, either, nothing)
			b.proofs.err = c.err
			if _, err := b.Grant(t.Context(), ask("checkout a1", c.proofs...)); ground(t, err) != c.want || len(b.book.events) != 1 {
				t.Errorf("%v, %d records", err, len(b.book.events))
			}
			if e := b.book.events[0]; e.Type != event.Refused || e.Refusal != c.want.Code() || e.Token.Client != "checkout" {
				t.Errorf("event = %+v", e)
			}
			b.proofs.err = nil
			_, err := b.Grant(t.Context(), ask("checkout a1", "proof 9"))
			if c.again && err != nil || !c.again && ground(t, err) != issuer.Unauthenticated {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// Replicas share the memory of proofs through the book, and say which of two
// was used before.
func TestProofsAreUsedOnceAcrossReplicas(t *testing.T) {
	b := openBank(t, either, nothing)
	other := b.replica(t)
	if _, err := b.Grant(t.Context(), ask("checkout a1", "proof 1")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Grant(t.Context(), ask("checkout a1", "proof 2")); ground(t, err) != issuer.Unauthenticated {
		t.Errorf("the assertion again: %v", err)
	}
	_, err := other.Grant(t.Context(), ask("checkout a2", "proof 1"))
	last := b.book.events[len(b.book.events)-1]
	if ground(t, err) != issuer.ProofReplayed || last.Refusal != "invalid_dpop_proof" || !strings.Contains(last.Detail, rfc9449Key) {
		t.Errorf("the proof again: %v, %+v", err, last)
	}
	if _, err := other.Grant(t.Context(), ask("checkout a2", "proof 3")); ground(t, err) != issuer.Unauthenticated {
		t.Errorf("the assertion of a refusal again: %v", err)
	}
	if _, err := other.Grant(t.Context(), ask("checkout a3", "proof 4")); err != nil {
		t.Errorf("control: %v", err)
	}
	if _, err := other.Grant(t.Context(), ask("checkout a1", "proof 1")); ground(t, err) != issuer.Unauthenticated {
		t.Errorf("both again: %v", err)
	}
	// What a refusal of the rules used up is used up as well.
	wrong := ask("checkout a5", "proof 5")
	wrong.Scope = "fly"
	if _, err := b.Grant(t.Context(), wrong); ground(t, err) != issuer.ScopeRefused {
		t.Error(err)
	}
	if _, err := other.Grant(t.Context(), ask("checkout a6", "proof 5")); ground(t, err) != issuer.ProofReplayed {
		t.Errorf("the proof of a refusal again: %v", err)
	}
}

// What is used up is not the choice of whoever sent it.
func TestTheIdOfAProofIsHashed(t *testing.T) {
	var kept []store.Once
	b := openBank(t, either, func(c *issuer.Config) {
		c.Proofs = told{Thumbprint: rfc9449Key, ID: "a\x00b" + strings.Repeat("x", 4000), Until: time.Unix(1_900_000_000, 0)}
		c.Ledger = spy{c.Ledger, &kept}
	})
	if _, err := b.Grant(t.Context(), ask("checkout a1", "proof 1")); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 || kept[1].Space != "dpop "+rfc9449Key || len(kept[1].ID) != 43 || !kept[1].Until.Equal(time.Unix(1_900_000_000, 0)) {
		t.Errorf("used up: %+v", kept)
	}
}
