package spiffe_test

import (
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

// A JWT-SVID that the real client fetched is verified by our verifier with the
// keys of its domain, and with those of no other.
func TestJWTSVID(t *testing.T) {
	const ours = "https://issuer.example.test"
	c := newCell(t, time.Now)
	client := must[*workloadapi.Client](t)(workloadapi.New(t.Context(), workloadapi.WithAddr("unix://"+c.socket.Path())))
	t.Cleanup(func() { _ = client.Close() })
	fetch := func(audience string) string {
		t.Helper()
		return must[*jwtsvid.SVID](t)(client.FetchJWTSVID(t.Context(), jwtsvid.Params{Audience: audience})).Marshal()
	}
	verifier := func(domain spiffe.Domain, keys narrowcast.KeySource) *narrowcast.Verifier {
		t.Helper()
		return must[*narrowcast.Verifier](t)(narrowcast.NewVerifier(narrowcast.Config{
			Audience: narrowcast.MustAudience(ours), Now: time.Now, Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.RS256},
			Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(domain.String()), Keys: keys, Class: narrowcast.JWTSVID}},
		}))
	}
	token, err := verifier(corp, c.corp).Verify(t.Context(), fetch(ours), narrowcast.Presentation{})
	if err != nil || string(token.Subject()) != checkout {
		t.Fatalf("a good JWT-SVID: %v", err)
	}
	forged := must[string](t)(c.theirs.JWTSVID(checkout, ours)) // by the key of the other domain
	for name, bad := range map[string]func() (*narrowcast.Token, error){
		"for another audience": func() (*narrowcast.Token, error) {
			return verifier(corp, c.corp).Verify(t.Context(), fetch("https://pay.example.test"), narrowcast.Presentation{})
		},
		"of another domain": func() (*narrowcast.Token, error) {
			return verifier(partner, c.partner).Verify(t.Context(), fetch(ours), narrowcast.Presentation{})
		},
		"signed by another domain": func() (*narrowcast.Token, error) {
			return verifier(corp, c.corp).Verify(t.Context(), forged, narrowcast.Presentation{})
		},
	} {
		if _, err := bad(); err == nil {
			t.Errorf("a JWT-SVID %s is accepted", name)
		}
	}
}
