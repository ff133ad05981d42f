package authn_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

func (h *house) basic(ctx context.Context, id, secret string) error {
	_, err := h.Authenticate(ctx, issuer.Credentials{Header: true, Basic: &issuer.Basic{User: url.QueryEscape(id), Password: url.QueryEscape(secret)}})
	return err
}

func TestBasic(t *testing.T) {
	h := open(t)
	if err := h.basic(t.Context(), "legacy app", "s3cret +%"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ id, secret, detail string }{
		"wrong secret":          {"legacy app", "s3cret +", "wrong secret"},
		"empty secret":          {"legacy app", "", "cannot be read"},
		"long secret":           {"legacy app", strings.Repeat("s", 257), "cannot be read"},
		"unknown client":        {"nobody", "s3cret +%", "no such client"},
		"client without secret": {"checkout", "s3cret +%", "no such client"},
		"disabled client":       {"retired", "s3cret +%", "disabled"},
		"hash of another kind":  {"broken", "plain", "clients.yaml:9"},
	} {
		t.Run(name, func(t *testing.T) {
			r := refused(t, h.basic(t.Context(), c.id, c.secret), issuer.Unauthenticated)
			if !strings.Contains(r.Detail, c.detail) || c.secret != "" && strings.Contains(r.Error(), c.secret) {
				t.Errorf("detail = %q", r.Detail)
			}
		})
	}
	t.Run("not form-encoded", func(t *testing.T) {
		_, err := h.Authenticate(t.Context(), issuer.Credentials{Header: true, Basic: &issuer.Basic{User: "legacy app", Password: "s3cret +%"}})
		refused(t, err, issuer.Unauthenticated)
	})
}

// from shows credentials that come from a peer.
func (h *house) from(t *testing.T, peer, id, secret string) error {
	t.Helper()
	_, err := h.Authenticate(t.Context(), issuer.Credentials{
		Header: true, Peer: peer, Basic: &issuer.Basic{User: url.QueryEscape(id), Password: url.QueryEscape(secret)}})
	return err
}

// held counts how many of n wrong secrets are not looked at.
func (h *house) held(t *testing.T, n int, peer, id string) (held int) {
	t.Helper()
	for range n {
		if r := refused(t, h.from(t, peer, id, "guess"), issuer.Unauthenticated); strings.Contains(r.Detail, "waiting") {
			held++
		}
	}
	return held
}

const stranger, friend = "192.0.2.66:4001", "192.0.2.1:4001"

func TestGuessingIsSlowedPerClientAndPeer(t *testing.T) {
	h := open(t)
	if held := h.held(t, 14, stranger, "legacy app"); held != 4 {
		t.Errorf("held back %d of 14 guesses, want 4", held)
	}
	if h.held(t, 1, "192.0.2.66:5002", "legacy app") != 1 {
		t.Error("another port is another peer")
	}
	if err := h.from(t, friend, "legacy app", "s3cret +%"); err != nil {
		t.Errorf("guesses of a stranger refuse the right secret from elsewhere: %v", err)
	}
	h.now = h.now.Add(7 * time.Second)
	if h.held(t, 2, stranger, "legacy app") != 1 {
		t.Error("the limit does not leak, or leaks too fast")
	}
}

// A client and its guesser may share one address, behind a proxy.
func TestGuessesFromTheSameAddressLockNobodyOut(t *testing.T) {
	h := open(t)
	if err := h.from(t, friend, "legacy app", "s3cret +%"); err != nil {
		t.Fatal("control:", err)
	}
	if h.held(t, 12, friend, "legacy app") != 2 {
		t.Fatal("control: the bucket is not full")
	}
	for i := range 3 { // a pass lives on while it is used
		h.now = h.now.Add(50 * time.Minute)
		if h.held(t, 11, friend, "legacy app") != 1 {
			t.Fatal("control: the bucket is not full")
		}
		if err := h.from(t, friend, "legacy app", "s3cret +%"); err != nil {
			t.Fatalf("the client at work was refused at round %d: %v", i, err)
		}
	}
	h.now = h.now.Add(time.Hour)
	_ = h.held(t, 12, friend, "legacy app")
	if h.from(t, friend, "legacy app", "s3cret +%") == nil {
		t.Error("a pass that nobody used for an hour is still good")
	}
}

// The refusal tells which road was taken: a hash, or none.
func TestMadeUpIDsWalkTheRoadOfRegisteredOnes(t *testing.T) {
	h := open(t)
	for _, id := range []string{"nobody at all", "legacy app", "checkout"} {
		if held := h.held(t, 12, stranger, id); held != 2 {
			t.Errorf("%s: held back %d of 12 guesses, want 2", id, held)
		}
	}
	if h.held(t, 1, stranger, "nobody else") != 0 {
		t.Error("one made-up id is held back for the guesses at another")
	}
}

func TestAPassLeavesWithItsHash(t *testing.T) {
	h := open(t)
	if err := h.basic(t.Context(), "legacy app", "s3cret +%"); err != nil {
		t.Fatal(err)
	}
	h.list = &clients{{ID: "legacy app", Authenticate: []registry.Credential{
		{Kind: authn.ClientSecretBasic, Secret: authn.HashSecret("another")}}}}
	refused(t, h.basic(t.Context(), "legacy app", "s3cret +%"), issuer.Unauthenticated)
	if err := h.basic(t.Context(), "legacy app", "another"); err != nil {
		t.Error(err)
	}
}

func TestWaitingForATurnEnds(t *testing.T) {
	h := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Whether the turn or the end is seen first is chance; neither is a yes.
	for range 5 {
		if h.basic(ctx, "nobody", "x") == nil {
			t.Fatal("accepted")
		}
	}
}
