package issuer_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// The key and the certificate that the standards print.
const (
	rfc9449Key        = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" // RFC 9449 section 6.1
	rfc8705Thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" // RFC 8705 appendix A
	rfc8705PEM        = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----`
)

// rfc8705 is in force from 2018-10-18 to 2022-05-02T12:37:09Z.
func rfc8705(t *testing.T) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(rfc8705PEM))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// pen is a press that keeps its last letter.
type pen struct{ last mint.Letter }

func (p *pen) Mint(l mint.Letter) (string, error) {
	p.last = l
	return press{}.Mint(l)
}

// checker stands for a memory of proofs: "key id", each once, or an error.
type checker struct {
	asked int
	now   *time.Time
	err   error
	seen  map[string]bool
}

func (c *checker) Check(proofs []string) (issuer.Proof, error) {
	c.asked++
	if c.err != nil {
		return issuer.Proof{}, c.err
	}
	if len(proofs) != 1 || !strings.HasPrefix(proofs[0], "proof ") {
		return issuer.Proof{}, &issuer.Refusal{Ground: issuer.ProofInvalid, Detail: "not one proof"}
	}
	if c.seen[proofs[0]] {
		return issuer.Proof{}, &issuer.Refusal{Ground: issuer.ProofReplayed, Detail: "shown before"}
	}
	c.seen[proofs[0]] = true
	return issuer.Proof{Thumbprint: rfc9449Key, ID: proofs[0], Until: c.now.Add(2 * time.Minute)}, nil
}

// bank is a desk in front of real rules, of a door that binds its tokens.
type bank struct {
	*issuer.Desk
	book   *ledger
	pen    *pen
	proofs *checker
	now    time.Time
	config issuer.Config
}

func openBank(t *testing.T, binding policy.Binding, change func(*issuer.Config)) *bank {
	t.Helper()
	b := &bank{pen: &pen{}, now: time.Unix(1_800_000_000, 0)}
	b.proofs = &checker{now: &b.now, seen: map[string]bool{}}
	scope := narrowcast.MustScope("charge")
	rules, err := policy.NewRules(policy.Config{
		Doors:  []policy.Door{{Audience: narrowcast.MustAudience(pay), Scopes: scope, TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute, Binding: binding, Position: "pay.yaml:1"}},
		Grants: []policy.Grant{{Client: "checkout", Audience: narrowcast.MustAudience(pay), Scope: scope, Position: "pay.yaml:3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Desk, b.book = open(t, func(c *issuer.Config) {
		c.Authenticator, c.Proofs = callers{&b.now}, b.proofs
		c.Rules, c.Press = func() issuer.Rules { return rules }, func() issuer.Press { return b.pen }
		c.Now = func() time.Time { return b.now }
		change(c)
		b.config = *c
	})
	return b
}

// replica is another desk on the same book, with a memory of proofs of its own.
func (b *bank) replica(t *testing.T) *issuer.Desk {
	t.Helper()
	c := b.config
	c.Ledger, c.Writer, c.Proofs = b.book, "issuer/2", &checker{now: &b.now, seen: map[string]bool{}}
	d, err := issuer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ask(assertion string, proofs ...string) issuer.Request {
	r := request
	r.Credentials.Assertion, r.Proofs = assertion, proofs
	return r
}

var either = policy.Binding{Sender: policy.Preferred, DPoP: true, MTLS: true}

func nothing(*issuer.Config) {}
