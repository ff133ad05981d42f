package test_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/test"
	"github.com/narrowcast-io/narrowcast/vectors"
)

// TestOracles shows the whole corpus to other people's verifiers. What we
// accept they accept, and what they accept we accept, but for the rows of
// testdata/oracles.txt.
func TestOracles(t *testing.T) {
	table, err := test.ReadTable("testdata/oracles.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := vectors.All()
	if err != nil || len(all) < 100 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	agree, listed := 0, 0
	for _, v := range all {
		if v.Unreachable {
			continue // an oracle holds its keys in its hand
		}
		accepted, refused, why := ask(questionOf(t, &v))
		row := v.ID + " accepted by " + list(accepted)
		differ := accepted
		if v.Accept {
			row, differ = v.ID+" refused by "+list(refused), refused
		}
		switch {
		case len(differ) == 0:
			agree++
		case table.Explains(row):
			listed++
		default:
			t.Errorf("not on the list: %q (%s) %v", row, v.Title, why)
		}
	}
	t.Logf("%d vectors: all oracles agree on %d, %d differences are on the list", len(all), agree, listed)
	for _, row := range table.Unused() {
		t.Errorf("testdata/oracles.txt lists what does not happen: %q", row)
	}
}

// holder has the one key of a fresh issuer.
type holder struct{ key narrowcast.Key }

func (h holder) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if id != h.key.ID() {
		return narrowcast.Key{}, narrowcast.ErrKeyUnknown
	}
	return h.key, nil
}

// TestFreshTokensOpenEveryDoor mints with each algorithm and asks everybody;
// shown at another door, the same token is refused by everybody.
func TestFreshTokensOpenEveryDoor(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for alg, signer := range signers(t) {
		t.Run(string(alg), func(t *testing.T) {
			press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), KeyID: "k1", Algorithm: alg, Signer: signer})
			if err != nil {
				t.Fatal(err)
			}
			text, err := press.Mint(mint.Letter{
				Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
				IssuedAt: now, Lifetime: time.Minute, Scope: narrowcast.MustScope("charge"),
			})
			if err != nil {
				t.Fatal(err)
			}
			q := &question{
				token: text, issuer: "https://issuer.example.test", audience: "https://pay.example.test", algorithms: names([]narrowcast.Algorithm{alg}),
				keys: []jose.JWK{{KeyID: "k1", Alg: jose.Alg(alg), Public: signer.Public()}}, now: now, skew: 5 * time.Second,
			}
			want := []string{"go-jose", "go-oidc", "golang-jwt", "jwx"}
			if alg == narrowcast.Ed25519 {
				want = []string{"jwx"} // the others know this algorithm only by its old name, EdDSA
			}
			if accepted, _, why := ask(q); list(accepted) != list(want) {
				t.Errorf("accepted by %v: %v", accepted, why)
			}
			if err := askUs(t, q); err != nil {
				t.Errorf("refused by us: %v", err)
			}
			q.audience = "https://crm.example.test"
			if accepted, _, _ := ask(q); len(accepted) != 0 || askUs(t, q) == nil {
				t.Errorf("the wrong door is opened by %v", accepted)
			}
		})
	}
}

func askUs(t *testing.T, q *question) error {
	t.Helper()
	k := q.keys[0]
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: narrowcast.KeyID(k.KeyID), Algorithm: narrowcast.Algorithm(k.Alg), Public: k.Public})
	if err != nil {
		t.Fatal(err)
	}
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(q.audience), Algorithms: []narrowcast.Algorithm{key.Algorithm()}, Now: func() time.Time { return q.now },
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(q.issuer), Keys: holder{key}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), q.token, narrowcast.Presentation{})
	return err
}

func signers(t *testing.T) map[narrowcast.Algorithm]crypto.Signer {
	t.Helper()
	p256, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err2 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	two, err3 := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, err4 := ed25519.GenerateKey(rand.Reader)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[narrowcast.Algorithm]crypto.Signer{
		narrowcast.ES256: p256, narrowcast.ES384: p384, narrowcast.RS256: two, narrowcast.PS256: two, narrowcast.Ed25519: ed,
	}
}
