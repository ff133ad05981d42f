package narrowcast_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// TestBoundTokensNeedTheirSender: a cnf that is not proved is not met (RFC 7800
// section 3.1, RFC 8705 section 3, RFC 9449 section 7.2).
func TestBoundTokensNeedTheirSender(t *testing.T) {
	d := newDoor(t)
	for _, test := range []struct {
		name, cnf, certificate string
		want                   narrowcast.Reason
	}{
		{"its certificate", `{"x5t#S256":"abc"}`, "abc", 0},
		{"no certificate", `{"x5t#S256":"abc"}`, "", narrowcast.Downgrade},
		{"another certificate", `{"x5t#S256":"abc"}`, "abd", narrowcast.SenderMismatch},
		{"empty binding", `{"x5t#S256":""}`, "", narrowcast.Downgrade},
		{"a key and no proof", `{"jkt":"abc"}`, "", narrowcast.Downgrade},
		{"a key, and a certificate came", `{"jkt":"abc"}`, "abc", narrowcast.Downgrade},
		{"both, and only one came", `{"x5t#S256":"abc","jkt":"abc"}`, "abc", narrowcast.Downgrade},
		{"a member nobody knows", `{"x5t#S256":"abc","kid":"1"}`, "abc", narrowcast.SenderMismatch},
		{"a number", `{"x5t#S256":7}`, "7", narrowcast.ClaimMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := d.pen.sign(t, goodHead, with(right, `"cnf":`+test.cnf))
			p := narrowcast.Presentation{Certificate: test.certificate}
			if test.want == 0 {
				if !mustAccept(t, d.Verifier, text, p).Describe().Bound {
					t.Error("the binding is not described")
				}
				return
			}
			mustRefuse(t, d.Verifier, text, p, test.want)
		})
	}
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{Certificate: "abc"})
}

// TestProofsOfPossession: a token that is bound to a key needs a proof by that key
// (RFC 9449 section 7), a proof needs such a token, and it is asked for once.
func TestProofsOfPossession(t *testing.T) {
	d := newDoor(t)
	bound := d.pen.sign(t, goodHead, with(right, `"cnf":{"jkt":"abc"}`))
	both := d.pen.sign(t, goodHead, with(right, `"cnf":{"jkt":"abc","x5t#S256":"cert"}`))
	for _, test := range []struct {
		name, token, shown, certificate string
		failed, want                    narrowcast.Reason
	}{
		{"its key", bound, "abc", "", 0, 0},
		{"its key and some certificate", bound, "abc", "other", 0, 0},
		{"another key", bound, "abd", "", 0, narrowcast.SenderMismatch},
		{"a wrong proof", bound, "abc", "", narrowcast.ProofInvalid, narrowcast.ProofInvalid},
		{"an old proof", bound, "abc", "", narrowcast.Replayed, narrowcast.Replayed},
		{"a failure that makes no sense", bound, "abc", "", narrowcast.Expired, narrowcast.ProofInvalid},
		{"both, and both come", both, "abc", "cert", 0, 0},
		{"both, and the key comes", both, "abc", "", 0, narrowcast.Downgrade},
		{"both, and another certificate", both, "abc", "other", 0, narrowcast.SenderMismatch},
		{"a proof for a bearer token", d.pen.sign(t, goodHead, right), "abc", "", 0, narrowcast.SenderMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			p := narrowcast.Presentation{Certificate: test.certificate, Prove: func() (string, narrowcast.Reason) {
				asked++
				return test.shown, test.failed
			}}
			if test.want == 0 {
				mustAccept(t, d.Verifier, test.token, p)
			} else {
				mustRefuse(t, d.Verifier, test.token, p, test.want)
			}
			if asked > 1 {
				t.Errorf("the proof was asked for %d times", asked)
			}
		})
	}
	forger := newPen(t, narrowcast.ES256, "k1")
	mustRefuse(t, d.Verifier, forger.sign(t, goodHead, with(right, `"cnf":{"jkt":"abc"}`)), narrowcast.Presentation{
		Prove: func() (string, narrowcast.Reason) { t.Error("asked for a token that is not genuine"); return "", 0 },
	}, narrowcast.SignatureInvalid)
}

func TestBindingCanBeRequired(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.RequireBinding = true })
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.BindingRequired)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"cnf":{"x5t#S256":"abc"}`)), narrowcast.Presentation{Certificate: "abc"})
}

func TestLivenessIsAsked(t *testing.T) {
	live := &liveness{}
	d := newDoor(t, func(c *narrowcast.Config) { c.Liveness = live })
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	for says, want := range map[narrowcast.Reason]narrowcast.Reason{
		narrowcast.Revoked: narrowcast.Revoked, narrowcast.TaskEnded: narrowcast.TaskEnded, narrowcast.Stale: narrowcast.Stale,
		narrowcast.Expired: narrowcast.Stale, 255: narrowcast.Stale, // an answer that makes no sense is no "lives"
	} {
		live.says = says
		mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want)
	}
}

func TestTenantAndEnvironmentMustBeTheOnes(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Tenant, c.Environment = "t1", "prod" })
	token := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"tenant":"t1","environment":"prod"`)), narrowcast.Presentation{})
	if token.Tenant() != "t1" || token.Environment() != "prod" {
		t.Errorf("token of %q in %q", token.Tenant(), token.Environment())
	}
	for member, want := range map[string]narrowcast.Reason{
		`"tenant":"t2","environment":"prod"`: narrowcast.TenantMismatch, `"environment":"prod"`: narrowcast.TenantMismatch,
		`"tenant":"t1","environment":"test"`: narrowcast.EnvironmentMismatch, `"tenant":"t1"`: narrowcast.EnvironmentMismatch,
		`"tenant":"T1","environment":"prod"`: narrowcast.TenantMismatch,
	} {
		mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, member)), narrowcast.Presentation{}, want)
	}
}

func TestScopeIsWhatTheCallNeeds(t *testing.T) {
	d := newDoor(t)
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{Need: narrowcast.MustScope("charge refund")})
	for _, need := range []string{"audit", "charge audit", "charg", "charges"} {
		rej := mustRefuse(t, d.Verifier, text, narrowcast.Presentation{Need: narrowcast.MustScope(need)}, narrowcast.InsufficientScope)
		if rej.OffTarget() || rej.OnlyAboutAudience() || rej.Reason.Answer() != narrowcast.Forbidden {
			t.Errorf("rejection = %+v", rej)
		}
	}
	none := d.pen.sign(t, goodHead, swap(t, right, `"scope":"charge refund",`, ``))
	mustAccept(t, d.Verifier, none, narrowcast.Presentation{})
	mustRefuse(t, d.Verifier, none, narrowcast.Presentation{Need: narrowcast.MustScope("charge")}, narrowcast.InsufficientScope)
}
