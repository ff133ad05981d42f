package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

// fed is a house that tells what was called back.
type fed struct {
	*house
	kept  *storetest.Memory
	known *revocation.Log
	desk  *revocation.Desk
	may   atomic.Bool // pay-guard guards pay
	api   *httpapi.API
}

func newFed(t *testing.T) *fed {
	t.Helper()
	f := &fed{}
	f.may.Store(true)
	clock := func() time.Time { return time.Unix(1_800_000_000, 0) }
	f.kept = storetest.NewMemory(clock)
	var err, errDesk error
	f.known, err = revocation.New(revocation.Config{Book: f.kept, Now: clock, Beat: 20 * time.Millisecond})
	f.desk, errDesk = revocation.NewDesk(revocation.DeskConfig{Ledger: f.kept, Log: f.known, Now: clock, Writer: "revocations/1"})
	if err := errors.Join(err, errDesk); err != nil {
		t.Fatal(err)
	}
	f.house = openWith(t, ours, func(*issuer.Config) {}, func(*httpapi.Config) {})
	c := f.config(ours)
	c.Feed, c.Revocations, c.Timeout = f.known, f.desk, 50*time.Millisecond
	c.MayReport = func(client narrowcast.ClientID, door narrowcast.Audience) bool {
		return f.may.Load() && client == "pay-guard" && door.String() == pay
	}
	if f.api, err = httpapi.New(c); err != nil {
		t.Fatal(err)
	}
	if f.Handler, err = httpapi.Handler(f.api); err != nil {
		t.Fatal(err)
	}
	return f
}

// serve is a real server, with time-outs that are too short for any stream.
func (f *fed) serve(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(f.Handler)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	go f.known.Run(t.Context())
	return s.URL
}

func (f *fed) follow(t *testing.T, url, token, last string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/feed?resource="+pay, nil)
	if err != nil {
		t.Fatal(err)
	}
	bearer(token)(r)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// issued puts the record of a token into the book.
func (f *fed) issued(t *testing.T, text string) narrowcast.Claimed {
	t.Helper()
	said, err := narrowcast.Inspect(text)
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{ID: said.TokenID, Type: event.Issued, Time: f.now, Writer: "issuer/1", Token: event.TokenOf(said)}
	if _, err := f.kept.Append(t.Context(), store.Entry{Event: e}); err != nil {
		t.Fatal(err)
	}
	return said
}

// A stream outlives every time-out of a request, tells of a revocation while it
// runs, and goes on from where a follower stopped.
func TestTheFeedIsAStream(t *testing.T) {
	f := newFed(t)
	said := f.issued(t, f.token(t, "checkout", pay, "charge"))
	if err := f.known.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	url, token := f.serve(t), f.token(t, "pay-guard", ours+"/feed", "follow")
	response := f.follow(t, url, token, "")
	if h := response.Header; response.StatusCode != 200 || h.Get("Content-Type") != feed.MediaType || h.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", response.StatusCode, h)
	}
	reader := feed.NewReader(response.Body)
	if m, err := reader.Next(); err != nil || m != (feed.Reset{}) {
		t.Fatalf("%+v, %v", m, err)
	}
	for range 30 { // 30 beats take longer than the time-outs
		if _, err := reader.Next(); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := f.desk.Revoke(t.Context(), revocation.Request{Kind: revocation.OfToken, ID: said.TokenID, By: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	for entry := false; ; {
		m, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := m.(feed.Entry); ok {
			entry = e.ID == said.TokenID
		} else if at := m.(feed.At); at.Position == answer.Number() {
			if !entry {
				t.Error("the place came before the entry")
			}
			break
		}
	}
	for last, want := range map[string]bool{"0": true, "1": false, "x": true, "99": true} {
		m, err := feed.NewReader(f.follow(t, url, token, last).Body).Next()
		if _, reset := m.(feed.Reset); err != nil || reset != want {
			t.Errorf("from %q: %+v, %v", last, m, err)
		}
	}
}

// A stream ends with the token that opened it, with the duty of its client, and
// with the service.
func TestAStreamEnds(t *testing.T) {
	for name, end := range map[string]func(*fed, narrowcast.Claimed, context.CancelFunc) error{
		"revoked": func(f *fed, said narrowcast.Claimed, _ context.CancelFunc) error {
			_, err := f.desk.Revoke(context.Background(), revocation.Request{Kind: revocation.OfToken, ID: said.TokenID, By: "ops"})
			return err
		},
		"no longer a guard": func(f *fed, _ narrowcast.Claimed, _ context.CancelFunc) error { f.may.Store(false); return nil },
		"the service stops": func(_ *fed, _ narrowcast.Claimed, stop context.CancelFunc) error { stop(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFed(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if err := f.known.CatchUp(ctx); err != nil {
				t.Fatal(err)
			}
			url, token := f.serve(t), f.token(t, "pay-guard", ours+"/feed", "follow")
			said := f.issued(t, token)
			go f.api.Run(ctx)
			reader := feed.NewReader(f.follow(t, url, token, "").Body)
			for range 3 {
				if _, err := reader.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if err := end(f, said, stop); err != nil {
				t.Fatal(err)
			}
			var err error
			for err == nil {
				_, err = reader.Next()
			}
		})
	}
}

func TestWhoMayFollow(t *testing.T) {
	f := newFed(t)
	good := f.token(t, "pay-guard", ours+"/feed", "follow")
	ask := func(method, query, token string) *httptest.ResponseRecorder {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // a stream ends at once
		r := httptest.NewRequest(method, "/feed"+query, nil).WithContext(ctx)
		bearer(token)(r)
		return f.do(r)
	}
	if w := ask(http.MethodGet, "?resource="+pay, good); w.Code != 401 || w.Body.Len() == 0 {
		t.Errorf("before the book was read: %d", w.Code) // our own doors know nothing either
	}
	if err := f.known.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, query, token string
		status               int
	}{
		"control":            {http.MethodGet, "?resource=" + pay, good, 200},
		"another resource":   {http.MethodGet, "?resource=" + crm, good, 403},
		"no resource":        {http.MethodGet, "", good, 400},
		"two resources":      {http.MethodGet, "?resource=" + pay + "&resource=" + crm, good, 400},
		"something else too": {http.MethodGet, "?resource=" + pay + "&x=1", good, 400},
		"another client":     {http.MethodGet, "?resource=" + pay, f.token(t, "checkout", ours+"/feed", "follow"), 403},
		"another door":       {http.MethodGet, "?resource=" + pay, f.token(t, "pay-guard", ours+"/events", "report"), 401},
		"another scope":      {http.MethodGet, "?resource=" + pay, f.token(t, "pay-guard", ours+"/feed", "report"), 403},
		"HEAD":               {http.MethodHead, "?resource=" + pay, good, 405},
		"POST":               {http.MethodPost, "?resource=" + pay, good, 405},
	} {
		if w := ask(c.method, c.query, c.token); w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := f.get("/.well-known/oauth-protected-resource/feed"); w.Code != 200 || !strings.Contains(w.Body.String(), `"follow"`) {
		t.Errorf("metadata: %d %s", w.Code, w.Body)
	}
}

func TestRevokingOverTheWire(t *testing.T) {
	f := newFed(t)
	if err := f.known.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := f.token(t, "checkout", pay, "charge")
	said := f.issued(t, text)
	admin, reader := f.token(t, "ops", ours+"/admin", "read revoke"), f.token(t, "ops", ours+"/admin", "read")
	post := func(token, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/admin/v1/revocations", strings.NewReader(body))
		bearer(token)(r)
		return f.do(r)
	}
	good := `{"kind":"token","id":"` + said.TokenID + `","reason":"found in a log"}`
	for body, status := range map[string]int{
		``: 400, `{}`: 400, `{"kind":"token"}`: 400, good + good: 400, `{"kind":"token","id":"x","by":"me"}`: 400,
		`{"kind":"token","id":"` + text + `"}`: 400, `{"kind":"x","id":"y"}`: 400, `{"kind":"token","id":"nobody"}`: 404,
		`{"kind":"token","id":"` + strings.Repeat("x", 9000) + `"}`:    400,
		`{"kind":"token","id":"` + said.TokenID + `","kind":"client"}`: 400, `{"Kind":"token","id":"` + said.TokenID + `"}`: 400,
	} {
		if w := post(admin, body); w.Code != status || strings.Contains(w.Body.String(), text) {
			t.Errorf("%.80s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := post(reader, good); w.Code != 403 {
		t.Errorf("who may only read revokes: %d", w.Code)
	}
	first, second := post(admin, good), post(admin, good)
	one, two := object(t, first.Body), object(t, second.Body)
	if first.Code != 201 || second.Code != 200 || one["tokens"] != 1.0 || two["already"] != true || one["number"] != two["number"] {
		t.Errorf("%d %v, %d %v", first.Code, one, second.Code, two)
	}
	w := f.get("/admin/v1/revocations/2", bearer(reader))
	if m := object(t, w.Body); w.Code != 200 || m["of"] != 0.0 || m["done"] != false || m["note"] == "" {
		t.Errorf("%d %v", w.Code, m)
	}
	for path, status := range map[string]int{"1": 404, "77": 404, "x": 400, "2?x=1": 400} {
		if w := f.get("/admin/v1/revocations/"+path, bearer(reader)); w.Code != status {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	// Our own doors refuse what was called back, at once.
	own := f.issued(t, reader)
	if w := post(admin, `{"kind":"sha256","id":"`+own.Fingerprint.String()+`"}`); w.Code != 201 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.get("/admin/v1/revocations/2", bearer(reader)); w.Code != 401 {
		t.Errorf("a revoked token opens our door: %d", w.Code)
	}
}
