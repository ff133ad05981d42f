package guard_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

func TestOneTokenTwoDoors(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	if got := serve(w.door(t, pay, nil).Wrap(hello), request("GET", "/", token)); got.Code != 200 || got.Body.String() != "hello, checkout" {
		t.Errorf("at its own door: %d %s", got.Code, got.Body)
	}
	got := serve(w.door(t, crm, nil).Wrap(hello), request("GET", "/customers/7?full=1", token))
	if got.Code != 401 {
		t.Fatalf("at another door: %d", got.Code)
	}
	e := w.book.last(t)
	if e.Type != event.OffTarget || e.Reason != narrowcast.AudienceMismatch || !e.Genuine || e.Expected != crm ||
		len(e.Received) != 1 || e.Received[0] != pay || e.Token.ID != "t-1" || e.Mode != event.Enforce {
		t.Errorf("event: %+v", e)
	}
	if e.Decision != got.Header().Get(guard.DecisionHeader) || e.Decision == "" || e.ID != e.Decision {
		t.Errorf("decision %q, header %q", e.Decision, got.Header().Get(guard.DecisionHeader))
	}
	if *e.Request != (event.Request{Method: "GET", Path: "/customers/7", Peer: "192.0.2.1"}) {
		t.Errorf("request: %+v", e.Request)
	}
	if e.Token.Fingerprint != narrowcast.FingerprintOf(token) || e.Writer != "guard-1" || e.Sequence != 1 || e.Check() != nil {
		t.Errorf("event: %+v", e)
	}
}

func TestTheCallerCannotChooseTheAudience(t *testing.T) {
	w := newTown(t)
	h := w.door(t, crm, nil).Wrap(hello)
	for name, value := range map[string]string{
		"X-Forwarded-Host": "pay.example.test", "Forwarded": `host=pay.example.test;proto=https`, "X-Original-Host": "pay.example.test",
		"X-Forwarded-Uri": pay, "X-Original-Url": pay, "Audience": pay, "X-Audience": pay, "Resource": pay, "Origin": pay, "Referer": pay,
	} {
		r := request("GET", pay+"/", w.sign(t, nil))
		r.Host = "pay.example.test"
		r.Header.Set(name, value)
		if got := serve(h, r); got.Code != 401 || w.book.last(t).Expected != crm {
			t.Errorf("%s: %d, expected %s", name, got.Code, w.book.last(t).Expected)
		}
		r = request("GET", pay+"/", w.sign(t, map[string]any{"aud": crm}))
		r.Host = "pay.example.test"
		r.Header.Set(name, value)
		if got := serve(h, r); got.Code != 200 {
			t.Errorf("%s: the right token got %d", name, got.Code)
		}
	}
}

func TestWhereATokenMayBe(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	tests := map[string]struct {
		target string
		change func(*http.Request)
		want   int
		reason narrowcast.Reason
	}{
		"header":             {"/", header("Bearer " + token), 200, 0},
		"lower case":         {"/", header("bearer " + token), 200, 0},
		"two spaces":         {"/", header("BEARER  " + token), 200, 0},
		"innocent query":     {"/?a=access_token&my_access_token=1", header("Bearer " + token), 200, 0},
		"nothing":            {"/", header(), 401, narrowcast.TokenMissing},
		"Bearer alone":       {"/", header("Bearer"), 401, narrowcast.TokenMissing},
		"no scheme":          {"/", header(token), 401, narrowcast.TokenMissing},
		"Basic":              {"/", header("Basic dTpw"), 401, narrowcast.TokenMissing},
		"DPoP":               {"/", header("DPoP " + token), 401, narrowcast.TokenMissing},
		"two headers":        {"/", header("Bearer "+token, "Bearer "+token), 400, narrowcast.RequestMalformed},
		"header and another": {"/", header("Bearer "+token, "Basic dTpw"), 400, narrowcast.RequestMalformed},
		"two in one":         {"/", header("Bearer " + token + ", Bearer " + token), 401, narrowcast.Malformed},
		"huge":               {"/", header("Bearer " + strings.Repeat("a", 40<<10)), 401, narrowcast.TooLarge},
		"query":              {"/?access_token=" + token, header(), 400, narrowcast.RequestMalformed},
		"query and header":   {"/?a=b&access_token=x", header("Bearer " + token), 400, narrowcast.RequestMalformed},
		"encoded query":      {"/?%61ccess_token=" + token, header("Bearer " + token), 400, narrowcast.RequestMalformed},
		"query behind ;":     {"/?a;access_token=" + token, header("Bearer " + token), 400, narrowcast.RequestMalformed},
		"upper case query":   {"/?ACCESS_TOKEN=" + token, header(), 400, narrowcast.RequestMalformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request("GET", test.target, "")
			test.change(r)
			got := serve(w.door(t, pay, nil).Wrap(hello), r)
			if got.Code != test.want {
				t.Errorf("status %d, want %d", got.Code, test.want)
			}
			if test.reason != 0 && w.book.last(t).Reason != test.reason {
				t.Errorf("reason %s, want %s", w.book.last(t).Reason, test.reason)
			}
		})
	}
	if strings.Contains(w.book.text(t), token) {
		t.Error("an event holds the token")
	}
}

func TestFormBodies(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	h := w.door(t, pay, nil).Wrap(echo)
	post := func(contentType, body, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return serve(h, r)
	}
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for _, header := range []string{"", token} {
		if got := post(form, "amount=1&access_token="+token, header); got.Code != 400 {
			t.Errorf("token in the form: %d", got.Code)
		}
	}
	for _, body := range []string{"amount=1", "a=" + strings.Repeat("x", 200<<10) + "&b=2", ""} {
		if got := post(form, body, token); got.Code != 200 || got.Body.String() != body {
			t.Errorf("form of %d bytes: %d, %d bytes arrived", len(body), got.Code, got.Body.Len())
		}
	}
	if got := post("application/json", "access_token=1", token); got.Code != 200 {
		t.Errorf("another content type: %d", got.Code)
	}
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body of a stranger was read")
	return 0, io.EOF
}

// TestTheBodyIsReadLast: who brings no good token cannot make the guard wait for
// a body, and who brings one makes it read little.
func TestTheBodyIsReadLast(t *testing.T) {
	w := newTown(t)
	post := func(body io.Reader, values ...string) *http.Request {
		r := httptest.NewRequest("POST", "/", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Authorization"] = values
		return r
	}
	good, off := "Bearer "+w.sign(t, nil), "Bearer "+w.sign(t, map[string]any{"aud": crm})
	h := w.door(t, pay, nil).Wrap(hello)
	for name, c := range map[string]struct {
		values []string
		want   int
	}{"tampered": {[]string{tampered(good)}, 401}, "off target": {[]string{off}, 401}, "Basic": {[]string{"Basic dTpw"}, 401}, "two": {[]string{good, good}, 400}} {
		if got := serve(h, post(untouched{t}, c.values...)); got.Code != c.want {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	const form = "a=1&access_token=x"
	for name, values := range map[string][]string{"no header": nil, "good": {good}} {
		if got := serve(h, post(strings.NewReader(form), values...)); got.Code != 400 || w.book.last(t).Detail != "a token in the form body" {
			t.Errorf("%s: %d %s", name, got.Code, w.book.last(t).Detail)
		}
	}
	if got := serve(w.door(t, pay, observing).Wrap(hello), post(strings.NewReader(form), off)); got.Code != 400 {
		t.Errorf("observed: %d", got.Code)
	}
	if got := serve(h, post(strings.NewReader("a="+strings.Repeat("x", 8<<10)+"&access_token=x"), good)); got.Code != 200 {
		t.Errorf("far inside: %d; it is neither noticed nor used", got.Code)
	}
}

func TestTheHandlerDoesNotGetTheTokensText(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	seen := ""
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ := guard.FromContext(r.Context())
		seen = fmt.Sprintf("%v %+v %#v %v", got, got, got, r.Header)
	})
	r := request("GET", "/", token)
	serve(w.door(t, pay, nil).Wrap(h), r)
	if seen == "" || strings.Contains(seen, token) || strings.Contains(seen, "Authorization") {
		t.Errorf("the handler saw %s", seen)
	}
	if r.Header.Get("Authorization") == "" {
		t.Error("the request of the caller of Wrap was altered")
	}
	serve(w.door(t, pay, func(c *guard.Config) { c.DangerouslyPassAuthorization = true }).Wrap(h), r)
	if !strings.Contains(seen, token) {
		t.Error("DangerouslyPassAuthorization has no effect")
	}
}

func TestAPanicOfTheHandlerDoesNotShowTheToken(t *testing.T) {
	w := newTown(t)
	token := w.sign(t, nil)
	defer func() {
		if said := fmt.Sprintf("%+v", recover()); said == "<nil>" || strings.Contains(said, token) {
			t.Errorf("panic: %s", said)
		}
	}()
	serve(w.door(t, pay, nil).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		panic(fmt.Sprintf("%+v %v", r, r.Header))
	})), request("GET", "/", token))
}

func TestScopes(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) {
		c.ScopeFor = func(r *http.Request) narrowcast.Scope {
			if r.Header.Get("Authorization") != "" {
				t.Error("the scope rule sees the token")
			}
			if r.Method == "POST" {
				return narrowcast.MustScope("refund charge")
			}
			return narrowcast.Scope{}
		}
	})
	token := w.sign(t, nil)
	if got := serve(g.Wrap(hello), request("GET", "/", token)); got.Code != 200 {
		t.Errorf("GET: %d", got.Code)
	}
	got := serve(g.Wrap(hello), request("POST", "/", token))
	if got.Code != 403 || !strings.Contains(got.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`) ||
		!strings.Contains(got.Header().Get("WWW-Authenticate"), `scope="charge refund"`) {
		t.Errorf("POST: %d %s", got.Code, got.Header())
	}
	if e := w.book.last(t); e.Type != event.Rejected || e.Reason != narrowcast.InsufficientScope {
		t.Errorf("event: %+v", e)
	}
	if got := serve(g.Wrap(hello), request("POST", "/", w.sign(t, map[string]any{"scope": "charge refund"}))); got.Code != 200 {
		t.Errorf("POST with the right scope: %d", got.Code)
	}
	for _, path := range []string{"/a/../b", "/a/%2e%2e/b", "/a/..;x/b", "/a%2fb", "/a%5Cb", "/./a"} {
		if got := serve(g.Wrap(hello), request("GET", path, token)); got.Code != 400 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := serve(g.Wrap(hello), request("GET", "/a..b/.c/x%20y/%C3%A9", token)); got.Code != 200 {
		t.Errorf("plain path: %d", got.Code)
	}
}

func TestTheZeroGuardRefuses(t *testing.T) {
	w := newTown(t)
	var g guard.Guard
	forward, err := g.ForwardAuth(guard.ForwardConfig{Original: guard.FromRequestLine})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []http.Handler{g.Wrap(hello), forward} {
		if got := serve(h, request("GET", "/", w.sign(t, nil))); got.Code != 401 {
			t.Errorf("status %d", got.Code)
		}
	}
	if got := serve(g.Metadata(), request("GET", "/", "")); got.Code != 404 {
		t.Errorf("metadata: %d", got.Code)
	}
	g.Flush(at)
	g.Run(t.Context())
	if g.Seen(at).ID != "" || g.State() != (guard.State{}) {
		t.Error("the zero Guard reports itself")
	}
}

func TestNewNamesAllFaults(t *testing.T) {
	_, err := guard.New(guard.Config{Folds: -1, MetadataURL: "urn:x", AuthorizationServers: []narrowcast.Issuer{{}},
		DangerouslyObserveAudience: guard.Observe{Owner: "x"}})
	for _, want := range []string{"Verifier", "Sink", "Now", "Name", "Folds", "MetadataURL", "AuthorizationServers[0]", "Until"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	w := newTown(t)
	c := guard.Config{Verifier: w.verifier(t, pay, 0), Sink: guard.DangerouslyRecordNothing{}, Now: w.now, Name: "g"}
	if _, err := guard.New(c); err != nil {
		t.Error(err)
	}
	c.DangerouslyObserveAudience = guard.Observe{Owner: "x", Until: at.Add(2 * guard.MaxObserve)}
	if _, err := guard.New(c); err == nil {
		t.Error("observing for half a year was accepted")
	}
	c.DangerouslyObserveAudience.Until = at.Add(-1)
	if _, err := guard.New(c); err != nil {
		t.Errorf("an end in the past stops a restart: %v", err)
	}
	c.DangerouslyObserveAudience.Until, c.Verifier = at, new(narrowcast.Verifier)
	if _, err := guard.New(c); err == nil {
		t.Error("the zero Verifier was accepted")
	}
}

// brokenBody fails after its text.
type brokenBody struct{ io.Reader }

var errBroken = errors.New("broken")

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errBroken
	}
	return n, err
}

func TestAFormThatBreaksOffBreaksOffForTheHandlerToo(t *testing.T) {
	w := newTown(t)
	r := httptest.NewRequest("POST", "/", brokenBody{strings.NewReader("amount=1")})
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+w.sign(t, nil))
	serve(w.door(t, pay, nil).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); string(body) != "amount=1" || !errors.Is(err, errBroken) {
			t.Errorf("%q, %v", body, err)
		}
	})), r)
}
