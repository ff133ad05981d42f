package guard_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

// A door for one resource. Package jwks brings the keys of a real issuer, and
// package report the sink that carries events to it.
func Example() {
	book := &notebook{}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   narrowcast.MustAudience("https://pay.example.test"),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Keys: keySource{}}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519},
		Now:        time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	door, err := guard.New(guard.Config{Verifier: verifier, Sink: book, Now: time.Now, Name: "payments-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	charge := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := guard.FromContext(r.Context())
		fmt.Fprintln(w, "charged for", token.Subject())
	})
	mux := http.NewServeMux()
	mux.Handle("/charge", door.Wrap(charge))
	mux.Handle(door.MetadataPath(), door.Metadata())

	answer := serve(mux, request("POST", "/charge", ""))
	fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer resource_metadata="https://pay.example.test/.well-known/oauth-protected-resource"
}
