package narrowcast_test

import (
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

func pressOf(t testing.TB, p *pen) *mint.Press {
	t.Helper()
	press, err := mint.New(mint.Config{
		Issuer: narrowcast.MustIssuer(issuerA), KeyID: p.kid, Algorithm: narrowcast.Algorithm(p.alg), Signer: p.signer,
	})
	if err != nil {
		t.Fatal(err)
	}
	return press
}

func goodLetter() mint.Letter {
	return mint.Letter{
		Audience: narrowcast.MustAudience(pay), Subject: "checkout", Client: "checkout", ID: "t-1",
		IssuedAt: at, Lifetime: 5 * time.Minute, Scope: narrowcast.MustScope("charge refund"),
	}
}

// TestMintedTokensOpenTheirDoor goes once around for every algorithm.
func TestMintedTokensOpenTheirDoor(t *testing.T) {
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519} {
		t.Run(string(alg), func(t *testing.T) {
			p := newPen(t, alg, "k1")
			here := newDoor(t, func(c *narrowcast.Config) {
				c.Algorithms, c.Issuers[0].Keys = []narrowcast.Algorithm{alg}, ringOf(p.public(t))
			})
			there := newDoor(t, func(c *narrowcast.Config) {
				c.Audience = narrowcast.MustAudience(crm)
				c.Algorithms, c.Issuers[0].Keys = []narrowcast.Algorithm{alg}, ringOf(p.public(t))
			})
			text, err := pressOf(t, p).Mint(goodLetter())
			if err != nil {
				t.Fatal(err)
			}
			token := mustAccept(t, here.Verifier, text, narrowcast.Presentation{Need: narrowcast.MustScope("charge")})
			if token.Subject() != "checkout" || token.Audience().String() != pay || token.Describe().Algorithm != string(alg) {
				t.Errorf("token = %+v", token.Describe())
			}
			if !mustRefuse(t, there.Verifier, text, narrowcast.Presentation{}, narrowcast.AudienceMismatch).OffTarget() {
				t.Error("the other door does not call it off-target")
			}
		})
	}
}

// TestBothNamesOfEd25519 are one algorithm (RFC 9864 section 2.2).
func TestBothNamesOfEd25519(t *testing.T) {
	p := newPen(t, narrowcast.Ed25519, "k1")
	for _, listed := range []narrowcast.Algorithm{"EdDSA", "Ed25519"} {
		d := newDoor(t, func(c *narrowcast.Config) {
			c.Algorithms, c.Issuers[0].Keys = []narrowcast.Algorithm{listed}, ringOf(p.public(t))
		})
		for _, name := range []string{"EdDSA", "Ed25519"} {
			mustAccept(t, d.Verifier, p.sign(t, swap(t, goodHead, "ES256", name), right), narrowcast.Presentation{})
		}
		mustRefuse(t, d.Verifier, p.sign(t, swap(t, goodHead, "ES256", "Ed448"), right), narrowcast.Presentation{}, narrowcast.AlgorithmNotAllowed)
	}
}
