package httpapi_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/introspect"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/letterbox"
)

// registrar calls tokens back, and is the liveness of the letterbox.
type registrar struct {
	called []narrowcast.Claimed
	by     []narrowcast.ClientID
	fails  error
}

func (r *registrar) RevokeToken(_ context.Context, letter narrowcast.Claimed, by narrowcast.ClientID) error {
	if r.fails == nil {
		r.called, r.by = append(r.called, letter), append(r.by, by)
	}
	return r.fails
}

func (r *registrar) Check(t *narrowcast.Token) narrowcast.Reason {
	for _, c := range r.called {
		if c.TokenID == string(t.ID()) {
			return narrowcast.Revoked
		}
	}
	return 0
}

// office is a house that answers questions about tokens. The client legacy is the
// server of pay; checkout is a client like others.
type office struct {
	*house
	revoked *registrar
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{revoked: &registrar{}}
	var who issuer.Authenticator
	o.house = openWith(t, ours, func(c *issuer.Config) { who = c.Authenticator }, func(*httpapi.Config) {})
	box, err := letterbox.New(letterbox.Config{
		Issuer: narrowcast.MustIssuer(ours), Keys: o.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: o.clock, Liveness: o.revoked,
	})
	if err != nil {
		t.Fatal(err)
	}
	serves := func(c narrowcast.ClientID, a narrowcast.Audience) bool { return c == "legacy" && a.String() == pay }
	desk, err := introspect.New(introspect.Config{
		Issuer: narrowcast.MustIssuer(ours), Authenticator: who, Letters: box, Concerns: serves, Serves: serves, Ledger: o.book,
		Seal: func(typ string, payload []byte) (string, error) {
			return typ + "." + base64.RawURLEncoding.EncodeToString(payload) + ".sealed", nil
		},
		Now: o.clock, Writer: "introspect/1", Revoker: o.revoked,
	})
	if err != nil {
		t.Fatal(err)
	}
	front := o.config(ours)
	front.Introspector, front.Revoker = desk, desk
	api, err := httpapi.New(front)
	if err != nil {
		t.Fatal(err)
	}
	if o.Handler, err = httpapi.Handler(api); err != nil {
		t.Fatal(err)
	}
	return o
}

// letter is a token for pay that checkout got.
func (o *office) letter(t *testing.T, change func(*mint.Letter)) string {
	t.Helper()
	l := mint.Letter{
		Audience: narrowcast.MustAudience(pay), Subject: "job", Client: "checkout", ID: mint.NewTokenID(), IssuedAt: o.now,
		Lifetime: time.Minute, Scope: narrowcast.MustScope("charge"),
	}
	change(&l)
	text, err := o.press.Mint(l)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (o *office) ask(path, token string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(r)
	}
	return o.do(r)
}

// asCheckout proves the client checkout.
func (o *office) asCheckout(t *testing.T, path, token string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	f := o.form(t, "token", token)
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(r)
	}
	return o.do(r)
}
