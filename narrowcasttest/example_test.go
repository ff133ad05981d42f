package narrowcasttest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/narrowcasttest"
)

// Whoever forgets the audience gets no token and no verifier, and is told so.
func Example_forgottenAudience() {
	issuer, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = issuer.Mint(narrowcast.Audience{})
	fmt.Println(err)
	_, err = issuer.Verifier(narrowcast.Audience{})
	fmt.Println(err)
	// Output:
	// mint: Audience is required: a token names exactly one resource
	// verifier: Audience is required: a verifier guards exactly one resource
}

// A test of your own would pass its t and its handler to Probe:
//
//	func TestOnlyRightTokensOpenPayments(t *testing.T) {
//		…
//		narrowcasttest.Probe(t, handler, audience, issuer)
//	}
func Example() {
	issuer, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := issuer.Verifier(narrowcast.MustAudience("https://pay.example.test"))
	if err != nil {
		fmt.Println(err)
		return
	}
	payments := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := verifier.Verify(r.Context(), text, narrowcast.Presentation{}); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Println(err)
			return
		}
		fmt.Println("welcome")
	})
	for _, audience := range []string{"https://pay.example.test", "https://crm.example.test"} {
		token, err := issuer.Mint(narrowcast.MustAudience(audience))
		if err != nil {
			fmt.Println(err)
			return
		}
		request, _ := http.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		payments.ServeHTTP(discard{}, request)
	}
	// Output:
	// welcome
	// token rejected: audience_mismatch: the token is addressed to another resource
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
