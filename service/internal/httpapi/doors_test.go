package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
)

// Attack: a genuine token for payments is tried at the issuer's own doors. That
// is theft as much as anywhere else.
func TestAStrayTokenAtOurDoorsIsOffTarget(t *testing.T) {
	h := open(t, ours)
	stray := h.token(t, "checkout", pay, "charge")
	said, err := narrowcast.Inspect(stray)
	if err != nil {
		t.Fatal(err)
	}
	for door, ask := range map[string]func() *httptest.ResponseRecorder{
		ours + "/events": func() *httptest.ResponseRecorder { return h.report(stray, h.line(t, nil)) },
		ours + "/admin":  func() *httptest.ResponseRecorder { return h.get("/admin/v1/ledger/"+said.TokenID, bearer(stray)) },
	} {
		before := len(h.book.events())
		w := ask()
		e := h.book.last(t)
		if w.Code != 401 || len(h.book.events()) != before+1 || e.Type != event.OffTarget || !e.Genuine || e.Reason != narrowcast.AudienceMismatch ||
			e.Expected != door || !slices.Equal(e.Received, []string{pay}) || e.Token.Fingerprint != said.Fingerprint || e.Token.Subject != "checkout" {
			t.Errorf("%s: %d %+v", door, w.Code, e)
		}
		answer := object(t, w.Body)
		if e.Decision == "" || answer["decision"] != e.Decision || answer["error"] != "invalid_token" || !strings.Contains(h.log.String(), e.Decision) {
			t.Errorf("%s: decision %q, answer %v", door, e.Decision, answer)
		}
		if err := e.Check(); err != nil || e.Request.Peer != "192.0.2.1" {
			t.Errorf("%s: %v, %+v", door, err, e.Request)
		}
		// An administrator finds it by its decision.
		if w = h.get("/admin/v1/decisions/"+e.Decision, bearer(h.token(t, "ops", ours+"/admin", "read"))); w.Code != 200 {
			t.Errorf("%s: the decision is not found: %d", door, w.Code)
		}
	}
}

// What is not genuine is noise: recorded as such, and only so much of it.
func TestNoiseAtOurDoorsIsBounded(t *testing.T) {
	h := open(t, ours)
	forged := h.token(t, "ops", ours+"/admin", "read") + "x"
	for range 100 {
		if w := h.get("/admin/v1/ledger/x", bearer(forged)); w.Code != 401 {
			t.Fatal(w.Code)
		}
	}
	all := h.book.events()
	if len(all) == 0 || len(all) > 20 {
		t.Errorf("100 forged tokens made %d records", len(all))
	}
	for _, e := range all {
		if e.Type != event.Rejected || e.Genuine {
			t.Errorf("%+v", e)
		}
	}
	// A genuine one is recorded whatever the noise.
	h.get("/admin/v1/ledger/x", bearer(h.token(t, "checkout", pay, "charge")))
	if h.book.last(t).Type != event.OffTarget {
		t.Errorf("%+v", h.book.last(t))
	}
}

// What stands in a path goes into no event: it may be a token.
func TestThePathOfAKnockIsNotRecorded(t *testing.T) {
	h := open(t, ours)
	stray := h.token(t, "checkout", pay, "charge")
	h.get("/admin/v1/ledger/"+stray, bearer(stray))
	if e := h.book.last(t); e.Type != event.OffTarget || e.Request.Path != "/admin/v1/ledger" {
		t.Errorf("%+v", e.Request)
	}
}

// A genuine token of ours can carry the text of another one in a claim.
func TestATokenInAClaimIsNotRecorded(t *testing.T) {
	h := open(t, ours)
	inner := h.token(t, "checkout", pay, "charge")
	outer, err := h.press.Mint(mint.Letter{Audience: narrowcast.MustAudience(pay), Subject: narrowcast.Subject("x " + inner[:200]), Client: narrowcast.ClientID(inner),
		ID: "t", IssuedAt: h.now, Lifetime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	h.get("/admin/v1/ledger/x", bearer(outer))
	e := h.book.last(t)
	line, err := event.Encode(e)
	if err != nil || e.Type != event.OffTarget || strings.Contains(string(line), inner) {
		t.Errorf("%v %s", err, line)
	}
}

func TestAcceptedKnocksAreFolded(t *testing.T) {
	h := open(t, ours)
	token := h.token(t, "pay-guard", ours+"/events", "report")
	for range 3 {
		h.report(token, "")
	}
	if n := len(h.book.events()); n != 0 {
		t.Errorf("%d records at once", n)
	}
	h.now = h.now.Add(time.Minute)
	h.report(h.token(t, "pay-guard", ours+"/events", "report"), "")
	if e := h.book.last(t); e.Type != event.Presented || e.Fold == nil || e.Fold.Count != 3 || e.Expected != ours+"/events" {
		t.Errorf("%+v", e)
	}
}

// Run reports both doors and leaves nothing unrecorded at its end.
func TestRunReportsOurDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, ours)
		c := h.config(ours)
		c.Writer = "house/1"
		api, err := httpapi.New(c)
		if err != nil {
			t.Fatal(err)
		}
		h.Handler, err = httpapi.Handler(api)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go api.Run(ctx)
		synctest.Wait()
		h.report(h.token(t, "pay-guard", ours+"/events", "report"), "")
		cancel()
		synctest.Wait()
		kinds := map[event.Type][]string{}
		for _, e := range h.book.events() {
			kinds[e.Type] = append(kinds[e.Type], e.Writer)
		}
		slices.Sort(kinds[event.VerifierSeen])
		if !slices.Equal(kinds[event.VerifierSeen], []string{"house/1/admin", "house/1/events"}) || !slices.Equal(kinds[event.Presented], []string{"house/1/events"}) {
			t.Errorf("%v", kinds)
		}
	})
}

func TestOurDoorsPublishTheirMetadata(t *testing.T) {
	for base, path := range map[string]string{ours: "", ours + "/t1": "/t1"} {
		h := open(t, base)
		for door, scope := range map[string]string{"/events": "report", "/admin": "read"} {
			w := h.get("/.well-known/oauth-protected-resource" + path + door)
			if m := object(t, w.Body); w.Code != 200 || m["resource"] != base+door || m["scopes_supported"].([]any)[0] != scope {
				t.Errorf("%s%s: %d %v", base, door, w.Code, m)
			}
		}
	}
}

// A book that fails costs the record, not the refusal; the log says so.
func TestARefusalDoesNotNeedTheBook(t *testing.T) {
	h := open(t, ours)
	h.book.fails = errors.New("the disk is full")
	if w := h.get("/admin/v1/ledger/x", bearer(h.token(t, "checkout", pay, "charge"))); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
	if !strings.Contains(h.log.String(), "an event of our own door is lost") || strings.Contains(h.log.String(), "eyJ") {
		t.Errorf("%s", h.log)
	}
}
