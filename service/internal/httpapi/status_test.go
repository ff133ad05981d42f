package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
)

// lists are status lists of which one exists.
type lists struct{ past error }

func (lists) List(name string) (status.Document, error) {
	switch name {
	case "l1":
		return status.Document{Text: "a.list.signed", Fresh: 16*time.Second + 900*time.Millisecond}, nil
	case "behind":
		return status.Document{}, status.ErrBehind
	}
	return status.Document{}, status.ErrUnknown
}

func (l lists) At(_ context.Context, name string, at time.Time) (status.Document, error) {
	if l.past != nil {
		return status.Document{}, l.past
	}
	return status.Document{Text: name + " at " + at.Format(time.RFC3339)}, nil
}

func (lists) Aggregation() ([]byte, error) {
	return []byte(`{"status_lists":["` + ours + `/status/l1"]}`), nil
}

func openLists(t *testing.T, l lists) *house {
	t.Helper()
	return openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) { c.Status = l })
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestAStatusListIsServed(t *testing.T) {
	h := openLists(t, lists{})
	w := h.get("/status/l1", header("Accept", "application/statuslist+jwt"))
	if w.Code != 200 || w.Body.String() != "a.list.signed" || w.Header().Get("Content-Type") != "application/statuslist+jwt" ||
		w.Header().Get("Cache-Control") != "public, max-age=16" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	tag := w.Header().Get("ETag")
	if w := h.get("/status/l1", header("If-None-Match", tag)); tag == "" || w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("the same again: %d", w.Code)
	}
	for accept, code := range map[string]int{
		"": 200, "*/*": 200, "application/*;q=0.5": 200, "text/html, application/statuslist+jwt": 200, "Application/StatusList+JWT": 200,
		"application/statuslist+cwt": 406, "application/statuslist+jwt;q=0": 406, "text/html": 406, ";": 406,
	} {
		if w := h.get("/status/l1", header("Accept", accept)); w.Code != code {
			t.Errorf("Accept %q: %d", accept, w.Code)
		}
	}
	for path, code := range map[string]int{"/status/l2": 404, "/status/": 404, "/status/l1/x": 404, "/status/behind": 503} {
		if w := h.get(path); w.Code != code {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := h.get("/status/l1", func(r *http.Request) { r.Method = http.MethodHead }); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	if w := h.get("/status/l1", func(r *http.Request) { r.Method = http.MethodPost }); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAllListsAreNamed(t *testing.T) {
	h := openLists(t, lists{})
	w := h.get("/status")
	if w.Code != 200 || w.Body.String() != `{"status_lists":["`+ours+`/status/l1"]}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := open(t, ours).get("/status"); w.Code != 404 {
		t.Errorf("a house without lists: %d", w.Code)
	}
}

// TestThePastIsForAuditors: only who may read the book may ask when which token
// died.
func TestThePastIsForAuditors(t *testing.T) {
	h := openLists(t, lists{})
	auditor := bearer(h.token(t, "ops", ours+"/admin", "read"))
	const path = "/status/l1?time=1799999940"
	w := h.get(path, auditor)
	if w.Code != 200 || w.Body.String() != "l1 at 2027-01-15T07:59:00Z" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := h.get(path); w.Code != 401 || strings.Contains(w.Body.String(), "l1") {
		t.Errorf("nobody: %d %s", w.Code, w.Body)
	}
	if w := h.get(path, bearer(h.token(t, "ops", ours+"/admin", "other"))); w.Code != 403 {
		t.Errorf("without the scope: %d", w.Code)
	}
	if w := h.get(path, bearer(h.token(t, "ops", ours+"/events", "read"))); w.Code != 401 {
		t.Errorf("a token for another door: %d", w.Code)
	}
	for _, query := range []string{"time=", "time=x", "time=-1", "time=1.5", "time=1&time=2", "time=99999999999999999999"} {
		if w := h.get("/status/l1?"+query, auditor); w.Code != 400 {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
	for err, code := range map[error]int{status.ErrNoHistory: 501, status.ErrUnknown: 404, errors.New("the book is closed"): 503} {
		h := openLists(t, lists{past: err})
		if w := h.get(path, bearer(h.token(t, "ops", ours+"/admin", "read"))); w.Code != code {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
}
