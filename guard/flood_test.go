package guard_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

// alone is how many refusals of one kind have an event each.
const alone = 4

func from(peer, path, token string) *http.Request {
	r := request("GET", path, token)
	r.RemoteAddr = peer + ":1"
	return r
}

// TestARefusedTokenShownOftenIsFolded: one genuine token that is refused writes
// a handful of events, however often it is shown.
func TestARefusedTokenShownOftenIsFolded(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, nil)
	h := g.Wrap(hello)
	off := w.sign(t, map[string]any{"aud": crm})
	const shown = 1000
	last := ""
	for i := range shown {
		last = serve(h, from("192.0.2.1", fmt.Sprintf("/%d", i), off)).Header().Get(guard.DecisionHeader)
		if i == 0 && (len(w.book.all()) != 1 || w.book.last(t).Type != event.OffTarget || w.book.last(t).Fold != nil) {
			t.Fatalf("the first one was not recorded at once: %+v", w.book.all())
		}
		if i == shown-2 {
			w.pass(time.Second)
		}
	}
	if n := len(w.book.all()); n != alone {
		t.Fatalf("%d events before the minute is over", n)
	}
	// What differs in peer or reason is another matter, and told at once.
	serve(h, from("192.0.2.2", "/", off))
	serve(h, from("192.0.2.1", "/", w.sign(t, map[string]any{"tenant": "x"})))
	if n := len(w.book.all()); n != alone+2 {
		t.Errorf("%d events after a new peer and a new reason", n)
	}
	g.Flush(w.now())
	w.pass(time.Minute)
	g.Flush(w.now())
	all := w.book.all()
	e := all[len(all)-1]
	if len(all) != alone+3 || e.Type != event.OffTarget || e.Reason != narrowcast.AudienceMismatch || !e.Genuine || e.Check() != nil ||
		e.Fold == nil || e.Fold.Count != shown-alone || !e.Fold.First.Equal(at) || !e.Fold.Last.Equal(at.Add(time.Second)) {
		t.Fatalf("%d events, the last %+v %+v", len(all), e, e.Fold)
	}
	if e.Decision != last || e.Request.Path != fmt.Sprintf("/%d", shown-1) || e.Token.Fingerprint != narrowcast.FingerprintOf(off) {
		t.Errorf("the fold does not tell of the last one: %+v %+v", e, e.Request)
	}
	g.Flush(w.now().Add(time.Hour))
	if n := len(w.book.all()); n != alone+3 {
		t.Errorf("%d events after another flush", n)
	}
	if serve(h, from("192.0.2.1", "/", off)); len(w.book.all()) != alone+4 {
		t.Error("the next minute does not begin anew")
	}
	if s := g.State(); s.OffTarget != shown+2 || s.Unrecorded != 0 {
		t.Errorf("state: %+v", s)
	}
}

func TestANewReasonIsToldAtOnce(t *testing.T) {
	w := newTown(t)
	h := w.door(t, pay, func(c *guard.Config) { c.ScopeFor = adminOnly }).Wrap(hello)
	token := w.sign(t, map[string]any{"exp": at.Unix() + 10})
	for range 2 * alone {
		serve(h, request("GET", "/admin", token))
	}
	if e := w.book.last(t); len(w.book.all()) != alone || e.Reason != narrowcast.InsufficientScope {
		t.Fatalf("control: %d events, the last %s", len(w.book.all()), e.Reason)
	}
	w.pass(20 * time.Second) // at is a full minute, so it is still the same
	serve(h, request("GET", "/ok", token))
	if e := w.book.last(t); len(w.book.all()) != alone+1 || e.Reason != narrowcast.Expired {
		t.Errorf("%d events, the last %s", len(w.book.all()), e.Reason)
	}
}

func TestFoldsOfRefusalsAreBoundedAndComplete(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) { c.Folds, c.Verifier = 16, w.verifier(t, pay, 16) })
	h := g.Wrap(hello)
	expired := w.sign(t, map[string]any{"iat": at.Unix() - 200, "exp": at.Unix() - 100})
	const each = alone + 3
	for peer := range 50 {
		for range each {
			serve(h, from(fmt.Sprintf("192.0.2.%d", peer), "/", expired))
		}
	}
	before := len(w.book.all())
	if before != 50*alone+49 { // one shard holds one fold: each new peer pushed out the one before
		t.Errorf("%d events before the flush", before)
	}
	g.Flush(at.Add(time.Hour))
	total := 0
	for i, e := range w.book.all() {
		if e.Sequence != uint64(i+1) || e.Reason != narrowcast.Expired {
			t.Fatalf("event %d: %+v", i, e)
		}
		if total++; e.Fold != nil {
			total += e.Fold.Count - 1
		}
	}
	if total != 50*each {
		t.Errorf("%d refusals of %d were recorded", total, 50*each)
	}
}

func TestWhatObserveModeLetsPassIsFoldedToo(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, observing)
	for range 10 {
		serve(g.Wrap(hello), request("GET", "/", w.sign(t, map[string]any{"aud": crm})))
	}
	g.Flush(at.Add(time.Hour))
	all := w.book.all()
	if e := all[len(all)-1]; len(all) != alone+1 || e.Type != event.WouldReject || e.Fold == nil || e.Fold.Count != 10-alone {
		t.Errorf("%d events, the last %+v", len(all), e)
	}
}

// TestTokensInPathsAreCut: in no spelling does a token stand in an event.
func TestTokensInPathsAreCut(t *testing.T) {
	w := newTown(t)
	h := w.door(t, pay, nil).Wrap(hello)
	token := w.sign(t, nil)
	_, tail, _ := strings.Cut(token, ".")
	twice := strings.ReplaceAll(token, ".", "%252e")
	for name, path := range map[string]string{
		"plain": "/cb/" + token, "dots": "/cb/" + strings.ReplaceAll(token, ".", "%2e"), "capital dots": "/cb/" + strings.ReplaceAll(token, ".", "%2E"),
		"letters": "/cb/%65yJ" + token[3:], "twice": "/cb/" + twice, "glued": "/cb/x-" + token, "behind =": "/cb/t=" + token + "/more",
		"space after the brace": "/cb/eyAiYWxnIjoiRWQyNTUxOSJ9." + tail, // { "alg"…
		"line after the brace":  "/cb/ewoiYWxnIjoiRWQyNTUxOSJ9." + tail, // {⏎"alg"…
		"space before it":       "/cb/IHsiYWxnIjoiRWQyNTUxOSJ9." + tail, //  {"alg"…
		"empty header":          "/cb/e30." + tail,
	} {
		serve(h, request("GET", path, ""))
		if e := w.book.last(t); strings.Contains(e.Request.Path, tail[3:30]) || !strings.HasSuffix(e.Request.Path, "[token]") || !strings.HasPrefix(e.Request.Path, "/cb/") {
			t.Errorf("%s: %.80s", name, e.Request.Path)
		}
		w.pass(time.Second)
	}
	for _, path := range []string{"/a/v1.2.3/file.tar.gz", "/every.one/e.e.e/key.a.b/eyes.x.y", "/a%20b.c.d%25", "/eyJ/x.y"} {
		serve(h, request("GET", path, ""))
		if e := w.book.last(t); e.Request.Path != path {
			t.Errorf("control %s: %s", path, e.Request.Path)
		}
	}
}
