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

func TestGuessingIsSlowedAndTheClientStaysAtWork(t *testing.T) {
	h := open(t)
	if err := h.basic(t.Context(), "legacy app", "s3cret +%"); err != nil {
		t.Fatal(err)
	}
	held := 0
	for range 14 {
		if r := refused(t, h.basic(t.Context(), "legacy app", "guess"), issuer.Unauthenticated); strings.Contains(r.Detail, "waiting") {
			held++
		}
	}
	if held != 4 {
		t.Errorf("held back %d of 14 guesses, want 4", held)
	}
	if err := h.basic(t.Context(), "legacy app", "s3cret +%"); err != nil {
		t.Errorf("a client that is at work was locked out: %v", err)
	}
	h.now = h.now.Add(7 * time.Second)
	if r := refused(t, h.basic(t.Context(), "legacy app", "guess"), issuer.Unauthenticated); strings.Contains(r.Detail, "waiting") {
		t.Error("the limit does not leak")
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
