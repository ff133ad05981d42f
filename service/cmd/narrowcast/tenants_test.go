package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
)

// neighbour is one tenant with everything that it could try at another one.
type neighbour struct {
	name, dir, issuer string
	house             *house
	clients           map[narrowcast.ClientID]credential.Credential
	tokens            map[string]string       // by door: the token of a client that may have one
	bound             map[string]client.Token // the same, for doors that take only tokens bound to a key
	ids               []string                // of its records: tokens and decisions
}

// theStreet is a process with several tenants, on one listener.
type theStreet struct {
	*street
	base       string
	neighbours []*neighbour
}

// openNeighbours makes a street with a house of its own and two tenants. more is
// added to the settings of acme.
func openNeighbours(t *testing.T, more ...string) *theStreet {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &theStreet{base: "http://" + listener.Addr().String()}
	home := filepath.Join(t.TempDir(), "home")
	s.initialize(t, home, "--tenants", "--tenant", "host", "--issuer", s.base)
	for _, name := range []string{"acme", "globex"} {
		s.initialize(t, filepath.Join(home, tenantsDir, name), "--hosted", "--tenant", name, "--issuer", s.base+"/t/"+name)
	}
	s.furnish(t, filepath.Join(home, tenantsDir, "acme", settingsFile), more)
	a := command(home)
	settings, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	if s.street, err = a.openStreet(t.Context(), settings, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s.street)
	_ = server.Listener.Close() // the one that httptest made
	server.Listener = listener
	server.Start()
	ctx, stop := context.WithCancel(t.Context())
	working := make(chan struct{})
	go func() { defer close(working); s.run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		stop()
		<-working
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	s.meet(t, home)
	return s
}

func command(home string) *app {
	return &app{in: strings.NewReader(""), out: io.Discard, errs: io.Discard, now: time.Now, home: home, getenv: func(string) string { return "" }}
}

func (s *theStreet) initialize(t *testing.T, dir string, more ...string) {
	t.Helper()
	var said strings.Builder
	a := command("")
	a.args, a.errs = append([]string{"init", dir}, more...), &said
	if run(t.Context(), a) != exitOK {
		t.Fatal(said.String())
	}
}

func (s *theStreet) furnish(t *testing.T, file string, lines []string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// meet collects what each neighbour has.
func (s *theStreet) meet(t *testing.T, home string) {
	t.Helper()
	for _, h := range *s.open.Load() {
		n := &neighbour{name: h.settings.Tenant, issuer: h.settings.Issuer.String(), house: h, dir: home,
			clients: map[narrowcast.ClientID]credential.Credential{}, tokens: map[string]string{}, bound: map[string]client.Token{}}
		if n.name != "host" {
			n.dir = filepath.Join(home, tenantsDir, n.name)
		}
		files, err := filepath.Glob(filepath.Join(n.dir, credentialsDir, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal("no credentials", err)
		}
		for _, file := range files {
			c, err := credential.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			n.clients[c.Client] = c
		}
		n.collect(t)
		s.neighbours = append(s.neighbours, n)
	}
	if len(s.neighbours) != 3 {
		t.Fatalf("%d neighbours", len(s.neighbours))
	}
}

// collect asks for a token for every pair of client and resource that is granted.
func (n *neighbour) collect(t *testing.T) {
	t.Helper()
	for _, r := range n.house.doors.Load().snapshot.Resources() {
		for _, caller := range r.Callers {
			required := r.Binding.Sender == "required"
			source, err := tokenSource(n.clients[caller.Client], time.Now, func(c *client.Config) {
				if required {
					c.DPoP = newProver(t)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			token, err := source.Token(t.Context(), r.Audience, narrowcast.Scope{})
			if err != nil {
				t.Fatalf("%s for %s: %v", caller.Client, r.Audience, err)
			}
			if required {
				n.bound[r.Audience.String()] = token
				continue
			}
			claimed, err := narrowcast.Inspect(token.Secret())
			if err != nil {
				t.Fatal(err)
			}
			if claimed.Tenant != n.name || claimed.Issuer != n.issuer {
				t.Errorf("a token of %s says tenant %q and issuer %q", n.name, claimed.Tenant, claimed.Issuer)
			}
			n.tokens[r.Audience.String()] = token.Secret()
			n.ids = append(n.ids, claimed.TokenID)
		}
	}
	if len(n.tokens) < 4 || len(n.bound) == 0 {
		t.Fatalf("%s got %d tokens and %d bound ones", n.name, len(n.tokens), len(n.bound))
	}
}

func newProver(t *testing.T) *dpop.Prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prover, err := dpop.NewProver(narrowcast.ES256, key)
	if err != nil {
		t.Fatal(err)
	}
	return prover
}

// door is the token of n for one of the issuer's own doors.
func (n *neighbour) door(path string) string { return n.tokens[n.issuer+path] }

func (s *theStreet) send(t *testing.T, method, address, token string, form url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(t, req)
}

// sendBound shows a token with a fresh proof of its key.
func (s *theStreet) sendBound(t *testing.T, method, address string, token client.Token) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err == nil {
		err = token.Authorize(req)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.do(t, req)
}

func (s *theStreet) do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// pairs walks all ordered pairs of neighbours.
func (s *theStreet) pairs(t *testing.T, each func(t *testing.T, at, from *neighbour)) {
	for _, at := range s.neighbours {
		for _, from := range s.neighbours {
			if at != from {
				t.Run("at "+at.name+" from "+from.name, func(t *testing.T) { each(t, at, from) })
			}
		}
	}
}

// TestTenantsCannotCross tries, at every endpoint of every tenant, everything
// that every other tenant has: tokens, keys, clients, ids.
func TestTenantsCannotCross(t *testing.T) {
	s := openNeighbours(t)
	// Ids come first: what is tried afterwards is recorded by the tenant where it
	// is tried, under the ids that a stranger showed there.
	t.Run("ids", func(t *testing.T) { s.pairs(t, s.idsOfOthers) })
	t.Run("tokens at endpoints", func(t *testing.T) { s.pairs(t, s.tokensAtEndpoints) })
	t.Run("clients", func(t *testing.T) { s.pairs(t, s.clientsOfOthers) })
	t.Run("keys", func(t *testing.T) { s.pairs(t, s.keysOfOthers) })
	t.Run("tokens at guards", func(t *testing.T) { s.pairs(t, s.tokensAtGuards) })
}

func (s *theStreet) tokensAtEndpoints(t *testing.T, at, from *neighbour) {
	guarded := 0
	for _, served := range at.house.api.Served() {
		method := "GET"
		if len(served.Methods) > 0 {
			method = served.Methods[0]
		}
		address := s.base + strings.ReplaceAll(served.Path, "{id}", at.ids[0])
		bare, _ := s.send(t, method, address, "", nil)
		if bare != http.StatusUnauthorized || strings.HasSuffix(served.Path, "/token") {
			continue
		}
		guarded++
		if status, _ := s.sendOwn(t, method, address, at); status == http.StatusUnauthorized {
			t.Errorf("control: %s refuses its own token", address)
		}
		for door, token := range from.tokens {
			if status, body := s.send(t, method, address, token, nil); status != http.StatusUnauthorized {
				t.Errorf("%s takes the token of %s for %s: %d %s", address, from.name, door, status, body)
			}
		}
		for door, token := range from.bound {
			if status, body := s.sendBound(t, method, address, token); status != http.StatusUnauthorized {
				t.Errorf("%s takes the bound token of %s for %s: %d %s", address, from.name, door, status, body)
			}
		}
	}
	if guarded < 12 {
		t.Errorf("%d guarded endpoints were found", guarded)
	}
	s.introspected(t, at, from)
}

// sendOwn shows the token that n itself has for an address.
func (s *theStreet) sendOwn(t *testing.T, method, address string, n *neighbour) (int, string) {
	t.Helper()
	first, _, _ := strings.Cut(strings.TrimPrefix(address, n.issuer+"/"), "/")
	if token, bound := n.bound[n.issuer+"/"+first]; bound {
		return s.sendBound(t, method, address, token)
	}
	return s.send(t, method, address, n.door("/"+first), nil)
}

// introspected: no tenant says anything about a token of another.
func (s *theStreet) introspected(t *testing.T, at, from *neighbour) {
	const pay, by = "https://pay.example.test", narrowcast.ClientID("guard-payments")
	ask := func(token string) (int, string) {
		return s.send(t, "POST", at.issuer+"/introspect", "", url.Values{
			"token": {token}, "client_assertion_type": {authn.AssertionType}, "client_assertion": {assertion(t, at.clients[by], by, at.issuer)},
		})
	}
	if status, body := ask(at.tokens[pay]); status != http.StatusOK || !strings.Contains(body, `"active":true`) {
		t.Errorf("control: %s says nothing about its own token: %d %s", at.name, status, body)
	}
	for door, token := range from.tokens {
		if status, body := ask(token); status != http.StatusOK || strings.TrimSpace(body) != `{"active":false}` {
			t.Errorf("%s about the token of %s for %s: %d %s", at.name, from.name, door, status, body)
		}
	}
}

func (s *theStreet) idsOfOthers(t *testing.T, at, from *neighbour) {
	for _, served := range at.house.api.Served() {
		if !strings.Contains(served.Path, "{id}") {
			continue
		}
		found := 0
		for _, id := range append(slices.Clone(at.ids), from.ids...) {
			status, body := s.sendOwn(t, served.Methods[0], s.base+strings.ReplaceAll(served.Path, "{id}", id), at)
			switch foreign := slices.Contains(from.ids, id); {
			case foreign && status != http.StatusNotFound, foreign && strings.Contains(body, id):
				t.Errorf("%s shows a record of %s: %d", served.Path, from.name, status)
			case !foreign && status == http.StatusOK:
				found++
			}
		}
		if strings.Contains(served.Path, "ledger") && found == 0 {
			t.Errorf("control: %s shows no record of its own", served.Path)
		}
	}
}

func (s *theStreet) clientsOfOthers(t *testing.T, at, from *neighbour) {
	ask := func(key credential.Credential, client narrowcast.ClientID, addressed, resource string) int {
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {resource},
			"client_assertion_type": {authn.AssertionType}, "client_assertion": {assertion(t, key, client, addressed)}}
		status, _ := s.send(t, "POST", at.issuer+"/token", "", form)
		return status
	}
	for id, foreign := range from.clients {
		own, there := at.clients[id]
		if !there {
			t.Fatalf("the samples differ: no client %s at %s", id, at.name)
		}
		granted := 0
		for _, r := range at.house.doors.Load().snapshot.Resources() {
			door := r.Audience.String()
			if ask(own, id, at.issuer, door) == http.StatusOK {
				granted++
			}
			for what, status := range map[string]int{
				"its own key, addressed there":        ask(foreign, id, at.issuer, door),
				"its own key, addressed to its house": ask(foreign, id, from.issuer, door),
				"the key of here, addressed there":    ask(own, id, from.issuer, door),
			} {
				if status != http.StatusUnauthorized {
					t.Errorf("%s for %s with %s: %d", id, door, what, status)
				}
			}
		}
		if granted == 0 {
			t.Errorf("control: %s gets nothing at home", id)
		}
	}
	for door := range from.tokens { // a resource of another tenant is no resource here
		for id, own := range at.clients {
			if status := ask(own, id, at.issuer, door); status != http.StatusBadRequest && at.tokens[door] == "" {
				t.Errorf("%s of %s asked for %s of %s: %d", id, at.name, door, from.name, status)
			}
		}
	}
}

// assertion signs a client assertion, whatever it says.
func assertion(t *testing.T, key credential.Credential, client narrowcast.ClientID, addressed string) string {
	t.Helper()
	press, err := mint.New(mint.Config{
		Issuer: narrowcast.MustIssuer(string(client)), KeyID: key.Key.ID(), Algorithm: key.Key.Algorithm(), Signer: key.Signer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(addressed), Subject: narrowcast.Subject(client), ID: mint.NewTokenID(),
		IssuedAt: time.Now(), Lifetime: time.Minute, Class: narrowcast.ClientAssertion,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// keysOfOthers: no key of one tenant is published by another, and what it signs
// in the other's name opens nothing.
func (s *theStreet) keysOfOthers(t *testing.T, at, from *neighbour) {
	kids := func(n *neighbour) (ids []string) {
		_, body := s.send(t, "GET", n.issuer+"/jwks", "", nil)
		var set struct{ Keys []struct{ Kid string } }
		if err := json.Unmarshal([]byte(body), &set); err != nil || len(set.Keys) == 0 {
			t.Fatalf("%s: %v %s", n.name, err, body)
		}
		for _, key := range set.Keys {
			ids = append(ids, key.Kid)
		}
		return ids
	}
	for _, kid := range kids(from) {
		if slices.Contains(kids(at), kid) {
			t.Errorf("both publish the key %s", kid)
		}
		if _, err := at.house.ring.Key(t.Context(), narrowcast.KeyID(kid)); !errors.Is(err, narrowcast.ErrKeyUnknown) {
			t.Errorf("%s knows the key %s: %v", at.name, kid, err)
		}
	}
	forged := forge(t, from, at.issuer, at.name, at.issuer+"/admin")
	if status, _ := s.send(t, "GET", at.issuer+"/admin/v1/ledger/"+at.ids[0], forged, nil); status != http.StatusUnauthorized {
		t.Errorf("a token signed by the key of %s opens the administration of %s: %d", from.name, at.name, status)
	}
	genuine := forge(t, at, at.issuer, at.name, at.issuer+"/admin")
	if status, _ := s.send(t, "GET", at.issuer+"/admin/v1/ledger/"+at.ids[0], genuine, nil); status != http.StatusOK {
		t.Errorf("control: the same token by the right key: %d", status)
	}
}

// forge writes a token with the signing key of one tenant in the name of another.
func forge(t *testing.T, by *neighbour, issuer, tenant, door string) string {
	t.Helper()
	c, err := ringConfig(by.house.settings, by.house.store, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c.Issuer = narrowcast.MustIssuer(issuer)
	ring, err := keyring.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ring.Current().Mint(mint.Letter{
		Audience: narrowcast.MustAudience(door), Subject: "admin", Client: "admin", ID: mint.NewTokenID(), IssuedAt: time.Now(),
		Lifetime: time.Minute, Scope: narrowcast.MustScope("read"), Tenant: tenant,
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// tokensAtGuards: a verifier of one tenant refuses the tokens of another, also
// when it trusts both issuers, and also when they say what it wants to hear.
func (s *theStreet) tokensAtGuards(t *testing.T, at, from *neighbour) {
	for door, own := range at.tokens {
		trusted := []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(at.issuer), Keys: at.house.ring, Tenant: at.name}}
		both := append(slices.Clone(trusted), narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(from.issuer), Keys: from.house.ring, Tenant: from.name})
		for name, issuers := range map[string][]narrowcast.TrustedIssuer{"its issuer": trusted, "both issuers": both} {
			v, err := narrowcast.NewVerifier(narrowcast.Config{
				Audience: narrowcast.MustAudience(door), Issuers: issuers, Algorithms: ownAlgorithms(), Now: time.Now, Tenant: at.name,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(t.Context(), own, narrowcast.Presentation{}); err != nil {
				t.Errorf("control: a guard that trusts %s refuses its own: %v", name, err)
			}
			for _, text := range []string{
				forge(t, from, from.issuer, from.name, door), forge(t, from, from.issuer, at.name, door), forge(t, from, at.issuer, at.name, door),
			} {
				_, err := v.Verify(t.Context(), text, narrowcast.Presentation{})
				var rej *narrowcast.Rejection
				if !errors.As(err, &rej) {
					t.Fatalf("a guard of %s that trusts %s takes a token of %s", at.name, name, from.name)
				}
				if want := crossing(text, name, at); !rej.Failed(want) {
					t.Errorf("refused for %s %v, want %s", rej.Reason, rej.Also, want)
				}
			}
		}
	}
}

// crossing is the reason that a token of another tenant is to be refused for.
func crossing(text, trust string, at *neighbour) narrowcast.Reason {
	claimed, _ := narrowcast.Inspect(text)
	switch own := claimed.Issuer == at.issuer; {
	case own && trust == "both issuers":
		return narrowcast.IssuerKeyMismatch
	case own:
		return narrowcast.KeyUnknown
	case trust == "both issuers":
		return narrowcast.TenantMismatch
	}
	return narrowcast.IssuerUnknown
}

// TestOneTenantsStormLeavesOthersAlone: what one tenant sends too much is turned
// away at once, and is not counted against another.
func TestOneTenantsStormLeavesOthersAlone(t *testing.T) {
	s := openNeighbours(t, "quotas: {mints_per_second: 40, events_per_second: 5}")
	at := func(name string) *neighbour {
		return s.neighbours[slices.IndexFunc(s.neighbours, func(n *neighbour) bool { return n.name == name })]
	}
	ask := func(n *neighbour) int {
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {n.issuer + "/admin"},
			"client_assertion_type": {authn.AssertionType}, "client_assertion": {assertion(t, n.clients["admin"], "admin", n.issuer)}}
		status, _ := s.send(t, "POST", n.issuer+"/token", "", form)
		return status
	}
	storm := map[int]int{}
	for range 120 {
		storm[ask(at("acme"))]++
		if status := ask(at("globex")); status != http.StatusOK {
			t.Fatalf("the neighbour gets %d", status)
		}
	}
	if storm[http.StatusTooManyRequests] == 0 || storm[http.StatusOK] == 0 || len(storm) != 2 {
		t.Errorf("the storm got %v", storm)
	}
	report := func(n *neighbour, events int) int {
		claimed, err := narrowcast.Inspect(n.door("/events"))
		if err != nil {
			t.Fatal(err)
		}
		door := ""
		for _, r := range n.house.doors.Load().snapshot.Resources() {
			if slices.Contains(r.Verifiers, narrowcast.ClientID(claimed.ClientID)) {
				door = r.Audience.String()
			}
		}
		var lines strings.Builder
		for range events {
			fmt.Fprintf(&lines, `{"v":1,"id":%q,"type":"rejected","time":%q,"writer":%q,"seq":1,"expected":%q,"reason":"expired"}`+"\n",
				mint.NewTokenID(), time.Now().UTC().Format(time.RFC3339Nano), claimed.ClientID, door)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", n.issuer+"/events", strings.NewReader(lines.String()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+n.door("/events"))
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		t.Logf("%d events at %s: %d %s", events, n.name, answer.StatusCode, text)
		return answer.StatusCode
	}
	if status := report(at("acme"), 20); status != http.StatusOK {
		t.Errorf("control: %d", status)
	}
	if status := report(at("acme"), 1); status != http.StatusTooManyRequests {
		t.Errorf("beyond the quota: %d", status)
	}
	if status := report(at("globex"), 20); status != http.StatusOK {
		t.Errorf("the neighbour gets %d", status)
	}
}

// TestTenantsComeAndGo: a house that is put into the directory is served without
// a restart, and one that is taken away is served no more.
func TestTenantsComeAndGo(t *testing.T) {
	s := openNeighbours(t)
	dir := s.first.settings.Tenants
	s.initialize(t, filepath.Join(dir, "initech"), "--hosted", "--tenant", "initech", "--issuer", s.base+"/t/initech")
	keys := s.base + "/t/initech/jwks"
	if status, _ := s.send(t, "GET", keys, "", nil); status != http.StatusNotFound {
		t.Fatalf("served before anybody looked: %d", status)
	}
	s.look(t.Context())
	if status, _ := s.send(t, "GET", keys, "", nil); status != http.StatusOK {
		t.Errorf("a new tenant is not served: %d", status)
	}
	if err := os.Rename(filepath.Join(dir, "initech"), filepath.Join(dir, ".initech")); err != nil {
		t.Fatal(err)
	}
	s.look(t.Context())
	if status, _ := s.send(t, "GET", keys, "", nil); status != http.StatusNotFound {
		t.Errorf("a tenant that left is served: %d", status)
	}
	if status, _ := s.send(t, "GET", s.base+"/t/acme/jwks", "", nil); status != http.StatusOK {
		t.Errorf("another tenant is not served any more: %d", status)
	}
}

// A tenant whose book is away is tried again; nobody else waits for it.
func TestATenantThatIsAwayKeepsNobodyOut(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	s := &theStreet{base: "http://127.0.0.1:1"}
	s.initialize(t, home, "--tenants", "--tenant", "host", "--issuer", s.base)
	acme := filepath.Join(home, tenantsDir, "acme")
	s.initialize(t, acme, "--hosted", "--tenant", "acme", "--issuer", s.base+"/t/acme")
	book := filepath.Join(acme, databaseFile)
	if err := os.Rename(book, book+".away"); err != nil {
		t.Fatal(err)
	}
	a := command(home)
	settings, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	st, err := a.openStreet(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(path string) bool {
		w := httptest.NewRecorder()
		st.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code == http.StatusOK
	}
	if !serves("/jwks") || serves("/t/acme/jwks") {
		t.Error("the first house is kept out, or a house without a book is served")
	}
	if err := os.Rename(book+".away", book); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	st.look(ctx)
	if !serves("/t/acme/jwks") {
		t.Error("the tenant is not served when its book is back")
	}
	stop()
	st.leave()
	if err := st.close(); err != nil {
		t.Error(err)
	}
}

func TestPathsBelongToOneHouse(t *testing.T) {
	for _, c := range []struct {
		path, base string
		want       bool
	}{
		{"/t/acme/token", "/t/acme", true},
		{"/t/acme", "/t/acme", true},
		{"/t/acmes/token", "/t/acme", false},
		{"/token", "/t/acme", false},
		{"/token", "", true},
		{"/.well-known/oauth-authorization-server/t/acme", "/t/acme", true},
		{"/.well-known/oauth-protected-resource/t/acme/events", "/t/acme", true},
		{"/.well-known/oauth-authorization-server/t/acmes", "/t/acme", false},
		{"/.well-known/oauth-authorization-server", "/t/acme", false},
		{"/.well-known/oauth-authorization-server", "", true},
		{"/t/acme/.well-known/openid-configuration", "/t/acme", true},
	} {
		if got := below(c.path, c.base); got != c.want {
			t.Errorf("below(%q, %q) = %t", c.path, c.base, got)
		}
	}
}

func TestStreetRefusesHousesThatShare(t *testing.T) {
	for name, more := range map[string][]string{
		"the name of the tenant": {"--tenant", "acme", "--issuer", "/t/other"},
		"the issuer":             {"--tenant", "other", "--issuer", "/t/acme"},
		"path of the issuer":     {"--tenant", "other", "--issuer", ""},
	} {
		t.Run(name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "home")
			s := &theStreet{base: "http://127.0.0.1:1"}
			s.initialize(t, home, "--tenants", "--tenant", "host", "--issuer", s.base)
			s.initialize(t, filepath.Join(home, tenantsDir, "acme"), "--hosted", "--tenant", "acme", "--issuer", s.base+"/t/acme")
			address := s.base
			if more[3] == "" {
				address = "http://localhost:1"
			}
			s.initialize(t, filepath.Join(home, tenantsDir, "second"), "--hosted", more[0], more[1], more[2], address+more[3])
			a := command(home)
			settings, err := a.issuerSettings()
			if err != nil {
				t.Fatal(err)
			}
			st, err := a.openStreet(t.Context(), settings, slog.New(slog.DiscardHandler))
			if err == nil {
				err = fmt.Errorf("opened: %w", st.close())
			}
			if !strings.Contains(err.Error(), name) {
				t.Errorf("err = %v", err)
			}
		})
	}
}
