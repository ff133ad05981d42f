package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// kills is how often the issuer is killed in a row, and callers is how many
// clients ask it at the same time.
const (
	kills   = 50
	callers = 8
)

// TestKilledIssuerForgetsNothing kills the issuer straight after a token
// response, over and over on the same book. Whatever token a client received is
// in the book when the issuer is back.
func TestKilledIssuerForgetsNothing(t *testing.T) {
	h := newKillHome(t)
	var all []narrowcast.TokenID
	for round := range kills {
		serve := h.start(t)
		// Which answer is the last one differs from round to round.
		received := h.askUntilKilled(t, serve, 1+round%(3*callers))
		all = append(all, received...)
		h.mustKnow(t, received)
	}
	t.Logf("%d tokens were received in %d lives", len(all), kills)
	h.mustKnow(t, all)
	h.mustNotKnow(t, mint.NewTokenID())
	serve := h.start(t)
	if out, err := h.command(t, "ledger", "get", string(all[len(all)-1])); err != nil || !strings.Contains(out, "issued") {
		t.Errorf("ledger get beside a running issuer: %v\n%s", err, out)
	}
	if out, err := h.command(t, "ledger", "verify"); err != nil || !strings.Contains(out, "the chain is intact") {
		t.Errorf("ledger verify: %v\n%s", err, out)
	}
	serve.kill(t)
}

// killHome is the directory of an issuer that is killed, and a client of it.
type killHome struct {
	dir, issuer, address string
	press                *mint.Press
	client               narrowcast.ClientID
}

func newKillHome(t *testing.T) *killHome {
	t.Helper()
	h := &killHome{dir: filepath.Join(t.TempDir(), "issuer"), address: freeAddress(t)}
	h.issuer = "http://" + h.address
	if out, err := h.command(t, "init", h.dir, "--issuer", h.issuer, "--listen", h.address, "--operations", "127.0.0.1:0"); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	c, err := credential.Read(filepath.Join(h.dir, credentialsDir, "checkout.json"))
	if err != nil {
		t.Fatal(err)
	}
	h.client = c.Client
	h.press, err = mint.New(mint.Config{
		Issuer: narrowcast.MustIssuer(string(c.Client)), KeyID: c.Key.ID(), Algorithm: c.Key.Algorithm(), Signer: c.Signer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// command runs the binary, which TestMain has put into the path.
func (h *killHome) command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "narrowcast", append(args, "--home", h.dir)...).CombinedOutput()
	return string(out), err
}

// life is one run of the issuer, in a process of its own.
type life struct{ process *exec.Cmd }

// start starts the issuer and waits for the line of its log that says that it
// listens.
func (h *killHome) start(t *testing.T) *life {
	t.Helper()
	process := exec.CommandContext(t.Context(), "narrowcast", "serve", "--home", h.dir)
	log, err := process.StderrPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	var before []string
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"what":"operations"`) {
			go func() { _, _ = io.Copy(io.Discard, log) }() // it must never wait for a reader of its log
			return &life{process}
		}
		before = append(before, lines.Text())
	}
	t.Fatalf("the issuer does not start: %v\n%s", process.Wait(), strings.Join(before, "\n"))
	return nil
}

func (l *life) kill(t *testing.T) {
	t.Helper()
	if err := l.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = l.process.Wait() // it was killed, and says so
}

// askUntilKilled lets all clients ask as fast as they can, kills the issuer
// straight after the answer with the given number, and returns the ids of all
// tokens that arrived, before that instant or after it.
func (h *killHome) askUntilKilled(t *testing.T, serve *life, last int) []narrowcast.TokenID {
	t.Helper()
	answers := make(chan narrowcast.TokenID)
	var asking sync.WaitGroup
	for range callers {
		asking.Go(func() { h.askOn(t, answers) })
	}
	go func() { asking.Wait(); close(answers) }()
	var received []narrowcast.TokenID
	for id := range answers {
		received = append(received, id)
		if len(received) == last {
			serve.kill(t)
		}
	}
	if len(received) < last {
		serve.kill(t)
		t.Fatalf("%d answers arrived, and the issuer was to be killed after number %d", len(received), last)
	}
	return received
}

// askOn asks for tokens until the issuer does not answer any more.
func (h *killHome) askOn(t *testing.T, answers chan<- narrowcast.TokenID) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		form, err := h.request()
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := client.PostForm(h.issuer+"/token", form)
		if err != nil {
			return // killed
		}
		var answer struct {
			Token string `json:"access_token"`
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer)
		_ = resp.Body.Close() // everything that counts was read
		if err != nil {
			return // killed in the middle of an answer: no token arrived
		}
		said, err := narrowcast.Inspect(answer.Token)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("status %d, %v", resp.StatusCode, err)
			return
		}
		answers <- narrowcast.TokenID(said.TokenID)
	}
}

// request is a token request with a fresh client assertion.
func (h *killHome) request() (url.Values, error) {
	audience, err := narrowcast.ParseAudience(h.issuer)
	if err != nil {
		return nil, err
	}
	assertion, err := h.press.Mint(mint.Letter{
		Class: narrowcast.ClientAssertion, Audience: audience, Subject: narrowcast.Subject(h.client),
		ID: mint.NewTokenID(), IssuedAt: time.Now(), Lifetime: time.Minute,
	})
	return url.Values{
		"grant_type": {"client_credentials"}, "resource": {"https://pay.example.test"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	}, err
}

// mustKnow looks every token up in the book, as ledger get does. The first one
// is looked up by the command itself.
func (h *killHome) mustKnow(t *testing.T, ids []narrowcast.TokenID) {
	t.Helper()
	if out, err := h.command(t, "ledger", "get", string(ids[0])); err != nil {
		t.Errorf("ledger get: %v\n%s", err, out)
	}
	for id, known := range h.lookUp(t, ids) {
		if !known {
			t.Errorf("a client holds the token %s, and the book does not know it", id)
		}
	}
}

func (h *killHome) mustNotKnow(t *testing.T, id narrowcast.TokenID) {
	t.Helper()
	if h.lookUp(t, []narrowcast.TokenID{id})[id] {
		t.Errorf("the book knows %s, which no token has: the search proves nothing", id)
	}
}

func (h *killHome) lookUp(t *testing.T, ids []narrowcast.TokenID) map[narrowcast.TokenID]bool {
	t.Helper()
	book, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: filepath.Join(h.dir, databaseFile), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	known := make(map[narrowcast.TokenID]bool, len(ids))
	for _, id := range ids {
		known[id] = false
		for record, err := range book.Find(context.WithoutCancel(t.Context()), store.Query{TokenID: string(id), Types: []event.Type{event.Issued}}) {
			if err != nil {
				t.Fatal(err)
			}
			known[id] = record.Event.Token != nil && record.Event.Token.ID == string(id)
		}
	}
	return known
}
