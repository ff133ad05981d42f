package narrowcast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// TestOffTargetSurvivesOtherFaults: a stolen letter stays evidence after it has
// expired or was called back.
func TestOffTargetSurvivesOtherFaults(t *testing.T) {
	live := &liveness{}
	d := newDoor(t, func(c *narrowcast.Config) { c.Liveness = live })
	foreign := d.pen.sign(t, goodHead, swap(t, right, pay, crm))
	own := d.pen.sign(t, goodHead, right)
	for _, test := range []struct {
		name  string
		spoil func()
		first narrowcast.Reason
	}{
		{"alone", func() {}, narrowcast.AudienceMismatch},
		{"revoked", func() { live.says = narrowcast.Revoked }, narrowcast.AudienceMismatch},
		{"expired", func() { live.says = 0; d.clock.now = at.Add(24 * time.Hour) }, narrowcast.Expired},
		{"expired and revoked", func() { live.says = narrowcast.Revoked }, narrowcast.Expired},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.spoil()
			rej := mustRefuse(t, d.Verifier, foreign, narrowcast.Presentation{}, test.first)
			if !rej.OffTarget() || !rej.Failed(narrowcast.AudienceMismatch) || rej.Expected != pay || rej.Received[0] != crm {
				t.Errorf("rejection = %+v", rej)
			}
			if rej.OnlyAboutAudience() != (test.name == "alone") {
				t.Errorf("only about the audience: %t", rej.OnlyAboutAudience())
			}
			if _, err := d.Verify(t.Context(), own, narrowcast.Presentation{}); err != nil && rejection(t, err).OffTarget() {
				t.Error("the door's own token is called off-target")
			}
		})
	}
}

// TestOffTargetIsNotEveryAudienceFault: a token without an audience, or one for
// us and others, was not taken from one door to another.
func TestOffTargetIsNotEveryAudienceFault(t *testing.T) {
	d := newDoor(t)
	for aud, off := range map[string]bool{
		`"https://crm.example.test"`: true, `["https://crm.example.test"]`: true, `["https://crm.example.test","x"]`: true,
		`["https://pay.example.test","https://crm.example.test"]`: false, `[]`: false, `7`: false, `""`: false,
	} {
		_, err := d.Verify(t.Context(), d.pen.sign(t, goodHead, swap(t, right, `"https://pay.example.test"`, aud)), narrowcast.Presentation{})
		rej := rejection(t, err)
		if rej.OffTarget() != off || !rej.OnlyAboutAudience() || !rej.Genuine {
			t.Errorf("aud %s: off target %t, only about the audience %t", aud, rej.OffTarget(), rej.OnlyAboutAudience())
		}
	}
}

// TestHearsayIsNeverOffTarget: law 3 holds for rejections that others make, too.
func TestHearsayIsNeverOffTarget(t *testing.T) {
	rej := narrowcast.Rejection{Reason: narrowcast.AudienceMismatch}
	if rej.OffTarget() || rej.OnlyAboutAudience() {
		t.Error("a rejection that is not genuine is called off-target")
	}
	if rej.Genuine = true; !rej.OffTarget() || !rej.OnlyAboutAudience() {
		t.Error("the control does not hold")
	}
}

func TestRejectionExplainsItself(t *testing.T) {
	d := newDoor(t)
	rej := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, right, `"sub":"checkout",`, ``)), narrowcast.Presentation{}, narrowcast.ClaimMissing)
	if want := "token rejected: claim_missing: a claim that this class of token requires is absent (sub)"; rej.Error() != want {
		t.Errorf("error = %q", rej)
	}
	if rej.Claimed.TokenID != "t-1" || rej.Claimed.Issuer != issuerA || rej.Claimed.Lineage != "t-1" || rej.Claimed.Fingerprint.IsZero() {
		t.Errorf("claimed = %+v", rej.Claimed)
	}
}

// TestForgedNoiseStaysBounded: what a stranger sends is repeated only in part.
func TestForgedNoiseStaysBounded(t *testing.T) {
	d := newDoor(t)
	rej := mustRefuse(t, d.Verifier, d.pen.sign(t, swap(t, goodHead, "at+jwt", strings.Repeat("x", 4000)), right), narrowcast.Presentation{}, narrowcast.TypeMismatch)
	if len(rej.Error()) > 300 {
		t.Errorf("the message has %d bytes", len(rej.Error()))
	}
}
