package guard_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

// TestAServiceThatForwardsItsTokensIsNamed, when it is identifiable and the token
// is addressed to it. All others are off target and nothing more.
func TestAServiceThatForwardsItsTokensIsNamed(t *testing.T) {
	w := newTown(t)
	own, stranger, prover, stranger2 := certificate(t), certificate(t), proverOf(t), proverOf(t)
	sum := sha256.Sum256(own.Raw)
	thumbprint := base64.RawURLEncoding.EncodeToString(sum[:])
	var asked []guard.Presenter
	g := w.door(t, pay, func(c *guard.Config) {
		c.Sender, c.DPoP.Checker = guard.SenderPreferred, w.checker(t, nil)
		c.Passthrough = func(p guard.Presenter) []narrowcast.Audience {
			asked = append(asked, p)
			if p.Certificate == thumbprint || p.Key == prover.Thumbprint() || p.SPIFFEID == "spiffe://corp.example/crm" {
				return []narrowcast.Audience{narrowcast.MustAudience("https://crm.example.test/other"), narrowcast.MustAudience(crm)}
			}
			return nil
		}
	})
	with := func(certificate *x509.Certificate, verified bool) func(*http.Request, string) {
		return func(r *http.Request, _ string) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
			if verified {
				r.TLS.VerifiedChains = [][]*x509.Certificate{{certificate}}
			}
		}
	}
	named := *stranger
	named.URIs = []*url.URL{{Scheme: "spiffe", Host: "corp.example", Path: "/crm"}}
	proof := func(p *dpop.Prover, path string) func(*http.Request, string) {
		return func(r *http.Request, token string) {
			text, err := p.Prove("GET", pay+path, token, "", at)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("DPoP", text)
			r.Header.Set("Authorization", "DPoP "+token)
		}
	}
	for name, c := range map[string]struct {
		aud  string
		show func(*http.Request, string)
		cnf  map[string]any
		want bool
	}{
		"certificate":           {crm, with(own, false), nil, true},
		"of somebody else":      {crm, with(stranger, true), nil, false},
		"another token":         {issuer, with(own, false), nil, false},
		"SPIFFE ID":             {crm, with(&named, true), nil, true},
		"SPIFFE ID not checked": {crm, with(&named, false), nil, false},
		"nobody":                {crm, func(*http.Request, string) {}, nil, false},
		"key":                   {crm, proof(prover, "/"), nil, true},
		"another key":           {crm, proof(stranger2, "/"), nil, false},
		"proof of another call": {crm, proof(prover, "/x"), nil, false},
		"bound to the caller":   {crm, proof(prover, "/"), map[string]any{"jkt": stranger2.Thumbprint()}, true},
	} {
		claims := map[string]any{"aud": c.aud, "jti": name}
		if c.cnf != nil {
			claims["cnf"] = c.cnf
		}
		token := w.sign(t, claims)
		r := request("GET", "/", token)
		c.show(r, token)
		if code := serve(g.Wrap(hello), r).Code; code != 401 {
			t.Errorf("%s: %d", name, code)
		}
		e := w.book.last(t)
		if e.Type != event.OffTarget || e.Token.ID != name || strings.HasPrefix(e.Detail, "passthrough: ") != c.want {
			t.Errorf("%s: %s %q", name, e.Type, e.Detail)
		}
	}
	before := len(asked)
	r := request("GET", "/", tampered(w.sign(t, map[string]any{"aud": crm})))
	with(own, true)(r, "")
	if serve(g.Wrap(hello), r); len(asked) != before || slices.Contains(asked, guard.Presenter{}) {
		t.Error("asked about a forged token, or about nobody")
	}
}

// TestTheftDoesNotHideAPassthrough: refusals of one token are gathered, and those of
// its addressee apart from those of everybody else.
func TestTheftDoesNotHideAPassthrough(t *testing.T) {
	w := newTown(t)
	own := certificate(t)
	g := w.door(t, pay, func(c *guard.Config) {
		c.Passthrough = func(p guard.Presenter) []narrowcast.Audience {
			return []narrowcast.Audience{narrowcast.MustAudience(crm)}
		}
	})
	token := w.sign(t, map[string]any{"aud": crm})
	for range 20 {
		serve(g.Wrap(hello), request("GET", "/", token))
	}
	r := request("GET", "/", token)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own}}
	serve(g.Wrap(hello), r)
	if e := w.book.last(t); e.Fold != nil || !strings.HasPrefix(e.Detail, "passthrough: ") {
		t.Errorf("%+v", e)
	}
}
