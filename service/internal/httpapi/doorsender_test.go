package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// boundDoors is a house of the tenant t1 whose own doors take bound tokens.
func boundDoors(t *testing.T) *house {
	t.Helper()
	var h *house
	checker, err := dpop.New(dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	h = openWith(t, ours+"/t1", func(*issuer.Config) {}, func(c *httpapi.Config) { c.DoorProofs.Checker, c.Tenant = checker, "t1" })
	return h
}

func newProver(t *testing.T) *dpop.Prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dpop.NewProver(narrowcast.ES256, key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Our own doors are doors like any other: a bound token opens them for its
// sender (RFC 9449 section 7), and for nobody else.
func TestOurDoorsTakeBoundTokens(t *testing.T) {
	h, mine, other := boundDoors(t), newProver(t), newProver(t)
	l := mint.Letter{
		Audience: narrowcast.MustAudience(ours + "/t1/admin"), Subject: "ops", Client: "ops", ID: mint.NewTokenID(),
		IssuedAt: h.now, Lifetime: time.Minute, Scope: narrowcast.MustScope("read"), Tenant: "t1",
	}
	bearerToken, err := h.press.Mint(l)
	if err != nil {
		t.Fatal(err)
	}
	l.Confirmation.Key = mine.Thumbprint()
	token, err := h.press.Mint(l)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/t1/admin/v1/ledger/t-1"
	ask := func(scheme, token, proof string) *httptest.ResponseRecorder {
		return h.get(path, func(r *http.Request) {
			r.Header.Set("Authorization", scheme+" "+token)
			if proof != "" {
				r.Header.Set("DPoP", proof)
			}
		})
	}
	prove := func(p *dpop.Prover, uri string) string {
		proof, err := p.Prove(http.MethodGet, uri, token, "", h.now)
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	good := prove(mine, ours+path)
	if w := ask("DPoP", token, good); w.Code != 404 { // let in; the book knows no such token
		t.Errorf("control: %d %s", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	if w := ask("Bearer", bearerToken, ""); w.Code != 404 {
		t.Errorf("a bearer token: %d", w.Code)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"again":           ask("DPoP", token, good),
		"without a proof": ask("DPoP", token, ""),
		"as a bearer":     ask("Bearer", token, ""),
		"another key":     ask("DPoP", token, prove(other, ours+path)),
		"another address": ask("DPoP", token, prove(mine, ours+"/t1/admin/v1/ledger/t-2")),
	} {
		if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate")+strings.Join(w.Header().Values("WWW-Authenticate"), " "), "DPoP") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header().Values("WWW-Authenticate"))
		}
	}
}

// A token of another tenant opens no door of ours, whatever the key.
func TestOurDoorsAreOfOneTenant(t *testing.T) {
	h := boundDoors(t)
	for tenant, want := range map[string]int{"t1": 404, "t2": 401, "": 401} {
		token, err := h.press.Mint(mint.Letter{
			Audience: narrowcast.MustAudience(ours + "/t1/admin"), Subject: "ops", Client: "ops", ID: mint.NewTokenID(),
			IssuedAt: h.now, Lifetime: time.Minute, Scope: narrowcast.MustScope("read"), Tenant: tenant,
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := h.get("/t1/admin/v1/ledger/x", bearer(token)); w.Code != want {
			t.Errorf("tenant %q: %d", tenant, w.Code)
		}
	}
}
