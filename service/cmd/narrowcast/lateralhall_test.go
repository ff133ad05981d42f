package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
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

	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

// ten is how many services there are. Each may call the next one in a ring, and every
// other one has a chord to one further away.
const ten = 10

func targets(from int) []int {
	all := []int{(from + 1) % ten}
	if from%2 == 1 {
		all = append(all, (from+4)%ten)
	}
	return all
}

func audienceOf(n int) string { return fmt.Sprintf("https://s%d.example.test", n) }

// idOf: the last three services live in another trust domain.
func idOf(n int) string {
	if n >= ten-3 {
		return fmt.Sprintf("spiffe://partner.example/service/%d", n)
	}
	return fmt.Sprintf("spiffe://corp.example/service/%d", n)
}

// hall is an issuer with ten services, a guard before each, and what each workload
// got from its agent.
type hall struct {
	base    string
	roots   *x509.CertPool
	guards  [ten]*httptest.Server
	files   [ten]string // of their events
	svids   [ten]*x509svid.SVID
	tokens  [ten]string
	clients [ten]*http.Client // each shows its X.509-SVID
}

func openHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{roots: x509.NewCertPool()}
	dir, err := os.MkdirTemp("", "nc") // short: it holds sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.base = "https://" + listener.Addr().String()
	sockets := openAgents(t, dir)
	home := filepath.Join(dir, "home")
	succeeds(t, home, "init", home, "--issuer", h.base)
	lines := fmt.Sprintf("trust:\n  - {issuer: \"spiffe://corp.example\", workload_api: %s}\n  - {issuer: \"spiffe://partner.example\", workload_api: %[1]s}\n", sockets.issuer)
	(&theStreet{}).furnish(t, filepath.Join(home, settingsFile), []string{lines})
	if err := os.WriteFile(filepath.Join(home, "registry", "services.yaml"), []byte(servicesFile()), 0o600); err != nil {
		t.Fatal(err)
	}
	succeeds(t, home, "apply")
	h.serve(t, home, listener)
	for n := range ten {
		h.visitAgent(t, n, sockets.services[n])
		h.openGuard(t, dir, n)
	}
	return h
}

func succeeds(t *testing.T, home string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	a := command("")
	a.args, a.errs = args, &said
	a.getenv = func(name string) string { return map[string]string{"NARROWCAST_HOME": home}[name] }
	if code := run(t.Context(), a); code != exitOK {
		t.Fatalf("%v: %d %s", args, code, said.String())
	}
}

type workloadSockets struct {
	issuer   string
	services [ten]string
}

// openAgents makes two federated trust domains whose agents give each service the
// one identity that is its own.
func openAgents(t *testing.T, dir string) (all workloadSockets) {
	t.Helper()
	var domains []*spiffetest.Authority
	for _, name := range []string{"corp.example", "partner.example"} {
		authority, err := spiffetest.NewAuthority(name, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		domains = append(domains, authority)
	}
	corp, partner := spiffetest.NewAgent(domains[0], domains[1]), spiffetest.NewAgent(domains[1], domains[0])
	listen := func(agent *spiffetest.Agent, name, id string) string {
		socket, err := agent.Listen(filepath.Join(dir, name), id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(socket.Stop)
		return socket.Path()
	}
	all.issuer = listen(corp, "i", "spiffe://corp.example/narrowcast")
	for n := range ten {
		agent := corp
		if strings.HasPrefix(idOf(n), "spiffe://partner.example/") {
			agent = partner
		}
		all.services[n] = listen(agent, fmt.Sprint(n), idOf(n))
	}
	return all
}

// servicesFile is the registry of the services: each resource lists who may call it.
func servicesFile() string {
	var clients, resources strings.Builder
	for n := range ten {
		fmt.Fprintf(&clients, "  - {id: w%d, owner: team-%[1]d, kind: service, authenticate: [{spiffe: \"%s\"}]}\n", n, idOf(n))
		fmt.Fprintf(&resources, "  - id: %s\n    name: s%d\n    owner: team-%[2]d\n    environment: test\n    criticality: low\n    scopes: [call]\n    callers:\n", audienceOf(n), n)
		for caller := range ten {
			if slices.Contains(targets(caller), n) {
				fmt.Fprintf(&resources, "      - {client: w%d, scopes: [call]}\n", caller)
			}
		}
	}
	return "issuers:\n  - {id: \"spiffe://corp.example\", profile: spiffe, workload_api: true}\n" +
		"  - {id: \"spiffe://partner.example\", profile: spiffe, workload_api: true}\nclients:\n" + clients.String() + "resources:\n" + resources.String()
}

// serve runs the issuer behind TLS, as the program puts it together.
func (h *hall) serve(t *testing.T, home string, listener net.Listener) {
	t.Helper()
	a := command(home)
	s, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	s.ClientCertificates = true
	st, err := a.openStreet(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(st)
	_ = server.Listener.Close() // the one that httptest made
	server.Listener, server.TLS = listener, &tls.Config{MinVersion: tls.VersionTLS12}
	if err := st.first.askClients(server.TLS); err != nil {
		t.Fatal(err)
	}
	server.StartTLS()
	h.roots.AddCert(server.Certificate())
	ctx, stop := context.WithCancel(t.Context())
	working := make(chan struct{})
	go func() { defer close(working); st.run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		stop()
		<-working
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
}

// visitAgent lets a workload ask its agent for all it has, with the client that
// workloads really use.
func (h *hall) visitAgent(t *testing.T, n int, socket string) {
	t.Helper()
	client, err := workloadapi.New(t.Context(), workloadapi.WithAddr("unix://"+socket))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if h.svids[n], err = client.FetchX509SVID(t.Context()); err != nil {
		t.Fatal(err)
	}
	token, err := client.FetchJWTSVID(t.Context(), jwtsvid.Params{Audience: h.base})
	if err != nil {
		t.Fatal(err)
	}
	h.tokens[n] = token.Marshal()
	shown := tls.Certificate{PrivateKey: h.svids[n].PrivateKey}
	for _, certificate := range h.svids[n].Certificates {
		shown.Certificate = append(shown.Certificate, certificate.Raw)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.roots, Certificates: []tls.Certificate{shown}}}
	t.Cleanup(transport.CloseIdleConnections)
	h.clients[n] = &http.Client{Transport: transport}
}

// openGuard puts a guard with an audience of its own before a service.
func (h *hall) openGuard(t *testing.T, dir string, n int) {
	t.Helper()
	keys := filepath.Join(dir, "keys.json")
	_, set := h.send(t, h.clients[0], http.MethodGet, h.base+"/jwks", "", nil)
	if err := os.WriteFile(keys, []byte(set), 0o600); err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "service %d", n) }))
	t.Cleanup(upstream.Close)
	h.files[n] = filepath.Join(dir, fmt.Sprintf("events-%d.jsonl", n))
	s, err := settings.ParseGuard(filepath.Join(dir, "guard.yaml"), fmt.Appendf(nil,
		"name: g%d\naudience: %s\nissuers:\n  - {id: %q, jwks_file: keys.json}\nalgorithms: [ES256]\nupstream: %s\nevents: {file: %s}\n",
		n, audienceOf(n), h.base, upstream.URL, h.files[n]))
	if err != nil {
		t.Fatal(err)
	}
	d, err := command("").openDoor(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h.guards[n] = httptest.NewServer(d.handler)
	t.Cleanup(func() {
		h.guards[n].Close()
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
}

func (h *hall) send(t *testing.T, client *http.Client, method, address, token string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}
