package issuer_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

func TestTokensAreBoundToTheKeyThatWasProved(t *testing.T) {
	required := policy.Binding{Sender: policy.Required, DPoP: true, MTLS: true}
	for name, c := range map[string]struct {
		binding         policy.Binding
		proof, cert     bool
		kind, key, x5t  string
		want            issuer.Ground
		refused, absent bool
	}{
		"a proof":                              {binding: required, proof: true, kind: "DPoP", key: rfc9449Key},
		"a certificate":                        {binding: required, cert: true, kind: "Bearer", x5t: rfc8705Thumbprint},
		"both: the proof goes first":           {binding: either, proof: true, cert: true, kind: "DPoP", key: rfc9449Key},
		"neither":                              {binding: required, refused: true, want: issuer.ProofOfKeyMissing},
		"neither, and none is demanded":        {binding: either, kind: "Bearer"},
		"a proof where certificates count":     {binding: policy.Binding{Sender: policy.Required, MTLS: true}, proof: true, refused: true, want: issuer.ProofOfKeyMissing},
		"a certificate where proofs count":     {binding: policy.Binding{Sender: policy.Required, DPoP: true}, cert: true, refused: true, want: issuer.ProofOfKeyMissing},
		"a proof at a door that cannot see it": {binding: policy.Binding{Sender: policy.Bearer}, proof: true, cert: true, kind: "Bearer"},
		"proofs are not offered":               {binding: either, proof: true, absent: true, kind: "Bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			b := openBank(t, c.binding, func(config *issuer.Config) {
				if c.absent {
					config.Proofs = nil
				}
			})
			b.now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			r := ask("checkout a1")
			if c.proof {
				r.Proofs = []string{"proof 1"}
			}
			if c.cert {
				r.Credentials.Certificates = []*x509.Certificate{rfc8705(t)}
			}
			answer, err := b.Grant(t.Context(), r)
			if c.refused {
				if got := ground(t, err); got != c.want {
					t.Errorf("refused for %q", got.Sentence())
				}
				return
			}
			cnf, e := b.pen.last.Confirmation, b.book.events[0]
			if err != nil || answer.Type != c.kind || cnf.Key != c.key || cnf.Certificate != c.x5t || b.pen.last.Tenant != "t1" {
				t.Errorf("%v, type %s, letter = %+v", err, answer.Type, b.pen.last)
			}
			if strings.Contains(e.Detail, "bound to key "+rfc9449Key) != (c.key != "") || strings.Contains(e.Detail, "bound to certificate "+rfc8705Thumbprint) != (c.x5t != "") {
				t.Errorf("detail = %s", e.Detail)
			}
		})
	}
}

// A token that is bound to a certificate is of no use after it.
func TestATokenEndsWithItsCertificate(t *testing.T) {
	b := openBank(t, either, nothing)
	end := rfc8705(t).NotAfter
	n := 0
	life := func(left time.Duration, change func(*issuer.Request)) time.Duration {
		n++
		b.now = end.Add(-left)
		r := ask(fmt.Sprint("checkout a", n))
		r.Credentials.Certificates = []*x509.Certificate{rfc8705(t)}
		change(&r)
		if _, err := b.Grant(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return b.pen.last.Lifetime
	}
	as := func(*issuer.Request) {}
	if got := life(time.Hour, as); got != 5*time.Minute {
		t.Errorf("control: %s", got)
	}
	if got := life(90*time.Second, as); got != 90*time.Second || b.pen.last.Confirmation.Certificate == "" {
		t.Errorf("90 s before its end: %s", got)
	}
	// A token that is bound to another key outlives the certificate beside it.
	if got := life(90*time.Second, func(r *issuer.Request) { r.Proofs = []string{"proof 1"} }); got != 5*time.Minute {
		t.Errorf("bound to a key: %s", got)
	}
	for _, left := range []time.Duration{time.Second - 1, 0, -time.Hour, 10 * 365 * 24 * time.Hour} {
		if life(left, as); b.pen.last.Confirmation.Certificate != "" {
			t.Errorf("%s before its end a certificate that is not in force binds a token", left)
		}
	}
	strict := openBank(t, policy.Binding{Sender: policy.Required, MTLS: true}, nothing)
	strict.now = end
	late := ask("checkout late")
	late.Credentials.Certificates = []*x509.Certificate{rfc8705(t)}
	if _, err := strict.Grant(t.Context(), late); ground(t, err) != issuer.ProofOfKeyMissing || !strings.Contains(err.Error(), "not in force") {
		t.Errorf("an expired certificate: %v", err)
	}
	r := ask("checkout none")
	r.Credentials.Certificates = []*x509.Certificate{nil}
	if _, err := b.Grant(t.Context(), r); err != nil {
		t.Errorf("a chain that holds nothing: %v", err)
	}
}

// A proof without its own id in the book, or rules that bind to what nobody
// proved: both are faults of ours, and neither may end in a bearer token.
func TestABindingWithoutItsKeyIsNoToken(t *testing.T) {
	for name, change := range map[string]func(*issuer.Config){
		"no thumbprint": func(c *issuer.Config) { c.Proofs = told{ID: "1", Until: time.Unix(1_900_000_000, 0)} },
		"no id":         func(c *issuer.Config) { c.Proofs = told{Thumbprint: rfc9449Key, Until: time.Unix(1_900_000_000, 0)} },
		"no end":        func(c *issuer.Config) { c.Proofs = told{Thumbprint: rfc9449Key, ID: "1"} },
		"rules that bind to a key": func(c *issuer.Config) {
			bound := allowed
			bound.Bind.DPoP = true
			c.Rules, c.Proofs = func() issuer.Rules { return bound }, nil
		},
		"rules that bind to a certificate": func(c *issuer.Config) {
			bound := allowed
			bound.Bind.MTLS = true
			c.Rules = func() issuer.Rules { return bound }
		},
	} {
		b := openBank(t, either, change)
		if answer, err := b.Grant(t.Context(), ask("checkout a1", "proof 1")); ground(t, err) != issuer.Broken || answer.Token != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type told issuer.Proof

func (p told) Check([]string) (issuer.Proof, error) { return issuer.Proof(p), nil }
