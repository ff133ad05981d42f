package jwks_test

import (
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
)

// A verifier whose keys are fetched from the issuer and kept.
func Example() {
	keys, err := jwks.NewHTTP(jwks.HTTPConfig{
		URL: "https://issuer.example.test/jwks",
		Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   narrowcast.MustAudience("https://pay.example.test"),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Keys: keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now:        time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("guards", verifier.Audience())

	_, err = jwks.NewHTTP(jwks.HTTPConfig{URL: "http://issuer.example.test/jwks", Now: time.Now})
	fmt.Println(err)
	// Output:
	// guards https://pay.example.test
	// jwks: http source: URL: keys come over https, save from a loopback host
}
