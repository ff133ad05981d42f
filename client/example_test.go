package client_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/narrowcasttest"
)

// An http.Client that puts the right token on each request.
func Example() {
	issuer, err := narrowcasttest.NewIssuer(narrowcasttest.IssuerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	authenticate, err := issuer.Enrol("checkout") // elsewhere: client.NewPrivateKeyJWT
	if err != nil {
		fmt.Println(err)
		return
	}
	source, err := client.NewSource(client.Config{
		Issuer:       issuer.Issuer(),
		Authenticate: authenticate,
		Transport:    issuer.Transport(), // elsewhere: leave it out
		Now:          time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	transport, err := client.NewTransport(client.TransportConfig{
		Tokens: source,
		Doors:  map[string]narrowcast.Audience{"https://pay.example.test": narrowcast.MustAudience("https://pay.example.test")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	caller := &http.Client{Transport: transport}
	_, err = caller.Get("https://crm.example.test/people")
	fmt.Println(err)
	// Output: Get "https://crm.example.test/people": client: GET https://crm.example.test was not sent: the destination is not mapped to an audience
}
