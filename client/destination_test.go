package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
)

type onlyAsked struct{ asked []string }

func (o *onlyAsked) Token(_ context.Context, a narrowcast.Audience, _ narrowcast.Scope) (client.Token, error) {
	o.asked = append(o.asked, a.String())
	return client.Token{}, http.ErrNotSupported
}

// TestSixLettersAreNotAPort: an IPv6 host with a port and another host whose last
// group looks like that port.
func TestSixLettersAreNotAPort(t *testing.T) {
	tokens := &onlyAsked{}
	tr, err := client.NewTransport(client.TransportConfig{
		Tokens: tokens, Doors: map[string]narrowcast.Audience{"https://[2001:db8::1]:8443": narrowcast.MustAudience("https://pay.example.test")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{
		"https://[2001:db8::1]:8443/x": 1, "https://[2001:db8::1:8443]/x": 0, "https://[2001:db8::1]/x": 0, "https://[2001:db8::1]:443/x": 0,
	} {
		tokens.asked = nil
		req, err := http.NewRequest(http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = tr.RoundTrip(req)
		if len(tokens.asked) != want {
			t.Errorf("%s: a token was asked for %v", target, tokens.asked)
		}
	}
}

// TestMetadataCannotPointInside: the metadata of an https issuer sends the
// client's proof of identity to this machine.
func TestMetadataCannotPointInside(t *testing.T) {
	hit := ""
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hit = r.Method + " " + r.URL.Path }))
	defer inside.Close()
	var outside *httptest.Server
	outside = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + outside.URL + `","token_endpoint":"` + inside.URL + `/latest/api"}`))
	}))
	defer outside.Close()
	proof, err := client.DangerouslySharedSecret("c", "s")
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.NewSource(client.Config{Issuer: narrowcast.MustIssuer(outside.URL), Authenticate: proof, Now: time.Now, Transport: outside.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Token(t.Context(), narrowcast.MustAudience("https://pay.example.test"), narrowcast.Scope{})
	if hit != "" {
		t.Errorf("the secret went in the clear to %s (%v)", hit, err)
	}
}
