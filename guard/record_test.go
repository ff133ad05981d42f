package guard_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

func TestObserveSetsAsideTheAudienceAndNothingElse(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, observing)
	for name, test := range map[string]struct {
		token string
		want  int
		kind  event.Type
	}{
		"another audience":    {w.sign(t, map[string]any{"aud": crm}), 200, event.WouldReject},
		"no audience":         {w.sign(t, map[string]any{"aud": nil}), 200, event.WouldReject},
		"another and expired": {w.sign(t, map[string]any{"aud": crm, "iat": at.Unix() - 900, "exp": at.Unix() - 600}), 401, event.OffTarget},
		"expired":             {w.sign(t, map[string]any{"iat": at.Unix() - 900, "exp": at.Unix() - 600}), 401, event.Rejected},
		"another tenant":      {w.sign(t, map[string]any{"aud": crm, "tenant": "t2"}), 401, event.OffTarget},
		"bad signature":       {tampered(w.sign(t, map[string]any{"aud": crm})), 401, event.Rejected},
		"no token":            {"", 401, event.Rejected},
	} {
		got := serve(g.Wrap(hello), request("GET", "/", test.token))
		e := w.book.last(t)
		if got.Code != test.want || e.Type != test.kind || e.Mode != event.Observe {
			t.Errorf("%s: %d, event %s in mode %s", name, got.Code, e.Type, e.Mode)
		}
		if test.want == 200 && (got.Body.String() != "hello, whoever you are" || len(got.Header()) > 1) {
			t.Errorf("%s: served with a trace: %v %s", name, got.Header(), got.Body)
		}
	}
	if got := serve(g.Wrap(hello), request("GET", "/", w.sign(t, nil))); got.Body.String() != "hello, checkout" {
		t.Errorf("the right token: %d %s", got.Code, got.Body)
	}
	if s := g.State(); s.Mode != event.Observe || s.ObserveOwner != "team-payments" || s.WouldReject != 2 {
		t.Errorf("state: %+v", s)
	}
	w.pass(25 * time.Hour)
	late := w.sign(t, map[string]any{"aud": crm, "iat": at.Unix() + 25*3600, "exp": at.Unix() + 25*3600 + 60})
	if got := serve(g.Wrap(hello), request("GET", "/", late)); got.Code != 401 || w.book.last(t).Type != event.OffTarget || g.State().Mode != event.Enforce {
		t.Errorf("after the end: %d %s %s", got.Code, w.book.last(t).Type, g.State().Mode)
	}
}

func TestObserveHidesTheTokenOfAGuardFurtherOut(t *testing.T) {
	w := newTown(t)
	outer := w.door(t, crm, func(c *guard.Config) { c.DangerouslyPassAuthorization = true })
	inner := w.door(t, pay, observing)
	got := serve(outer.Wrap(inner.Wrap(hello)), request("GET", "/", w.sign(t, map[string]any{"aud": crm})))
	if got.Code != 200 || got.Body.String() != "hello, whoever you are" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestAcceptedPresentationsAreFolded(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	h := g.Wrap(hello)
	token, other := w.sign(t, nil), w.sign(t, map[string]any{"jti": "t-2"})
	for port := range 5 {
		r := request("GET", "/", token)
		r.RemoteAddr = fmt.Sprintf("198.51.100.7:%d", 4000+port)
		serve(h, r)
	}
	r := request("GET", "/", token)
	r.RemoteAddr = "[2001:db8::1]:4000"
	serve(h, r)
	serve(h, request("GET", "/", other))
	g.Flush(w.now())
	if n := len(w.book.all()); n != 0 {
		t.Fatalf("%d events before the minute is over", n)
	}
	w.pass(time.Minute)
	g.Flush(w.now())
	counts := map[string]int{}
	for _, e := range w.book.all() {
		if e.Type != event.Presented || !e.Genuine || e.Check() != nil || e.Reason != 0 {
			t.Errorf("event: %+v", e)
		}
		counts[e.Token.ID+" "+e.Request.Peer] = e.Fold.Count
	}
	if len(counts) != 3 || counts["t-1 198.51.100.7"] != 5 || counts["t-1 2001:db8::1"] != 1 || counts["t-2 192.0.2.1"] != 1 {
		t.Errorf("folds: %v", counts)
	}
	g.Flush(w.now().Add(time.Hour))
	if n := len(w.book.all()); n != 3 || g.State().Accepted != 7 || g.State().Folds != 0 {
		t.Errorf("%d events, %+v", n, g.State())
	}
}

func TestFoldsAreBounded(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) { c.Folds = 64 })
	h := g.Wrap(hello)
	token := w.sign(t, nil)
	for i := range 1000 {
		r := request("GET", "/", token)
		r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)
		serve(h, r)
		if n := g.State().Folds; n > 64 {
			t.Fatalf("%d folds are held", n)
		}
	}
	g.Flush(at.Add(time.Hour))
	total := 0
	for i, e := range w.book.all() {
		total += e.Fold.Count
		if e.Sequence != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Sequence)
		}
	}
	if total != 1000 {
		t.Errorf("%d presentations of 1000 were recorded", total)
	}
	if first := w.book.all()[0].Request.Peer; first != "10.0.0.0" {
		t.Errorf("the first one to go was %s", first)
	}
}

func TestForgedNoiseIsCountedAndNotKept(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	h := g.Wrap(http.NotFoundHandler())
	bad := tampered(w.sign(t, nil))
	expired := w.sign(t, map[string]any{"iat": at.Unix() - 600, "exp": at.Unix() - 300, "aud": crm})
	flood := func(n int) {
		for range n {
			serve(h, request("GET", "/", bad))
		}
	}
	flood(1000)
	before := heap()
	flood(9000)
	if grown := heap() - before; grown > 2<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if n := len(w.book.all()); n != guard.DefaultNoisePerSecond {
		t.Errorf("%d events for 10 000 forged tokens", n)
	}
	for _, e := range w.book.all() {
		if e.Type != event.Rejected || e.Genuine {
			t.Fatalf("noise became %s", e.Type)
		}
	}
	serve(h, request("GET", "/", expired))
	if e := w.book.last(t); e.Type != event.OffTarget || e.Reason != narrowcast.Expired {
		t.Errorf("a genuine token in the noise: %+v", e)
	}
	if s := g.State(); s.Unrecorded != 10_000-guard.DefaultNoisePerSecond || s.Rejected != 10_001 || s.OffTarget != 1 {
		t.Errorf("state: %+v", s)
	}
	if seen := g.Seen(w.now()); seen.Verifier.Dropped != g.State().Unrecorded {
		t.Errorf("seen: %+v", seen.Verifier)
	}
	w.pass(time.Second)
	before2 := len(w.book.all())
	flood(5)
	if n := len(w.book.all()) - before2; n != 5 {
		t.Errorf("%d of 5 were recorded in the next second", n)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestSeen(t *testing.T) {
	w := newTown(t)
	v := w.verifier(t, pay, 0)
	g := w.door(t, pay, func(c *guard.Config) { observing(c); c.Verifier, c.Software = v, "test 1" })
	e := g.Seen(at)
	if e.Type != event.VerifierSeen || e.Verifier.Digest != v.Digest() || e.Verifier.Audience != pay || e.Verifier.Mode != event.Observe ||
		e.Verifier.Issuers[issuer] != "at+jwt" || e.Verifier.Software != "test 1" || len(e.Verifier.Algorithms) != 1 ||
		!strings.Contains(e.Detail, "team-payments") || e.Check() != nil {
		t.Errorf("seen: %+v %+v", e, e.Verifier)
	}
	if last := w.book.last(t); last.ID != e.ID {
		t.Error("the event was not recorded")
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t)
		begin := time.Now()
		w.clock = begin
		now := func() time.Time { return at.Add(time.Since(begin)) }
		g := w.door(t, pay, func(c *guard.Config) { c.Now, c.SeenEvery = now, 10*time.Minute })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { g.Run(ctx); close(ended) }()
		synctest.Wait()
		if e := w.book.last(t); e.Type != event.VerifierSeen {
			t.Errorf("at the start: %s", e.Type)
		}
		w.clock = at
		serve(g.Wrap(hello), request("GET", "/", w.sign(t, nil)))
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if e := w.book.last(t); e.Type != event.Presented {
			t.Errorf("after the minute: %s", e.Type)
		}
		serve(g.Wrap(hello), request("GET", "/", w.sign(t, nil)))
		time.Sleep(10 * time.Second)
		stop()
		<-ended
		if all := w.book.all(); len(all) != 4 || all[2].Type != event.Presented || all[3].Type != event.VerifierLeft || all[3].Verifier.Audience != pay {
			t.Errorf("at the end: %d events", len(all))
		}
	})
}

func TestNoEventHoldsATokenOrIsTooLong(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	good, off := w.sign(t, nil), w.sign(t, map[string]any{"aud": crm})
	long := strings.Repeat("<", 1500)
	wild := w.sign(t, map[string]any{"jti": long, "sub": long, "client_id": long, "scope": long, "aud": []string{long, long}, "lineage": good, "parent": good})
	for _, token := range []string{good, off, tampered(off), wild} {
		for _, target := range []string{"/", "/" + token, "/x?access_token=" + token, "/?q=" + token} {
			serve(h, request("GET", target, token))
		}
		twice := request("GET", "/", token)
		twice.Header.Add("Authorization", "Bearer "+token)
		serve(h, twice)
	}
	g.Flush(at.Add(time.Hour))
	text := w.book.text(t)
	for _, token := range []string{good, off, tampered(off), wild} {
		signature := token[strings.LastIndexByte(token, '.')+1:]
		if strings.Contains(text, token) || strings.Contains(text, signature) {
			t.Error("an event holds a token")
		}
	}
	if !strings.Contains(text, narrowcast.FingerprintOf(wild).String()) {
		t.Error("control: the wild token was not read")
	}
	if !strings.Contains(text, "[token]") {
		t.Error("control: no event had a token to cut")
	}
}
