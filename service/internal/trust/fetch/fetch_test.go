package fetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

func TestObject(t *testing.T) {
	m, err := fetch.Object([]byte(` {"a":"x","n":7,"l":["p","q"],"o":{"b":true},"z":null,"os":[{"c":1}]} `))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := m.Text("a")
	number, _ := m.Natural("n")
	list, _ := m.Texts("l")
	inner, _ := m.Object("o")
	yes, _ := inner.True("b")
	all, _ := m.Objects("os")
	if text != "x" || number != 7 || len(list) != 2 || !yes || len(all) != 1 || m.Has("z") || m.Has("A") || !m.Has("a") {
		t.Errorf("%v", m)
	}
	for _, name := range []string{"n", "l", "o"} {
		if _, err := m.Text(name); err == nil {
			t.Errorf("%s passes for a string", name)
		}
	}
	for text, want := range map[string]error{
		``: fetch.ErrSyntax, `[]`: fetch.ErrSyntax, `null`: fetch.ErrSyntax, `{}x`: fetch.ErrSyntax, `{"a":1,}`: fetch.ErrSyntax,
		"{\"a\":\"\xff\"}": fetch.ErrSyntax, `{"a":1,"a":2}`: fetch.ErrDuplicate, `{"a":[{"b":1,"\u0062":2}]}`: fetch.ErrDuplicate,
		`{"a":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`: fetch.ErrTooDeep,
	} {
		if _, err := fetch.Object([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"\ud800"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := fetch.Object(text)
		if err != nil {
			return
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil || len(all) != len(m) {
			t.Fatalf("%q has %d members to us and %d to encoding/json, %v", text, len(m), len(all), err)
		}
	})
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"https://issuer.example.test/keys?v=1", "http://127.0.0.1:1/", "http://localhost/", "http://[::1]:1"} {
		if err := fetch.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "http://issuer.example.test", "https://", "https://a:b@issuer.example.test", "https://x#f", "ftp://x", "://", "http://127.0.0.1.example.test"} {
		if fetch.CheckURL(bad) == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	a, b := parse(t, "https://issuer.example.test/a"), parse(t, "https://issuer.example.test:443/b")
	if !fetch.SameOrigin(a, b) || fetch.SameOrigin(a, parse(t, "https://issuer.example.test:8443")) || fetch.SameOrigin(a, parse(t, "http://issuer.example.test")) {
		t.Error("origins are compared wrongly")
	}
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestGetStaysInBounds(t *testing.T) {
	var hops atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ring":
			hops.Add(1)
			http.Redirect(w, r, "/ring", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = w.Write([]byte("12345678"))
		}
	}))
	defer server.Close()
	client := &http.Client{CheckRedirect: fetch.Stay}
	for _, path := range []string{"/", "/moved"} {
		if text, err := fetch.Get(t.Context(), client, server.URL+path, 8); err != nil || len(text) != 8 {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	if _, err := fetch.Get(t.Context(), client, server.URL, 7); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("too much: %v", err)
	}
	if _, err := fetch.Get(t.Context(), client, server.URL+"/ring", 8); err == nil || hops.Load() != 4 {
		t.Errorf("%d hops, %v", hops.Load(), err)
	}
}

// outside is something that is loaded.
type outside struct {
	value atomic.Int64
	fails atomic.Bool
	loads atomic.Int64
	takes time.Duration
}

func (o *outside) load(ctx context.Context) (int64, time.Duration, error) {
	o.loads.Add(1)
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	if o.fails.Load() {
		return 0, 0, errors.New("told to fail")
	}
	return o.value.Load(), time.Minute, nil
}

func keeper(o *outside) *fetch.Keeper[int64] {
	return fetch.NewKeeper(fetch.KeeperConfig[int64]{
		Load: o.load, Now: time.Now, Between: 10 * time.Second, Cold: time.Second, KeepFor: time.Hour, Timeout: 5 * time.Second,
	})
}

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outside{takes: time.Second}
		k := keeper(o)
		for range 20 { // one load, whoever asks
			go func() { _, _ = k.Get(context.Background()) }()
		}
		if v, err := k.Get(t.Context()); err != nil || v != 0 || o.loads.Load() != 1 {
			t.Fatalf("%d, %v after %d loads", v, err, o.loads.Load())
		}
		o.value.Store(1)
		if v, err := k.Renew(t.Context()); v != 0 || err != nil || o.loads.Load() != 1 {
			t.Errorf("renewed too early: %d, %v", v, err)
		}
		time.Sleep(10 * time.Second)
		if v, err := k.Renew(t.Context()); v != 1 || err != nil {
			t.Errorf("not renewed: %d, %v", v, err)
		}
		o.value.Store(2)
		time.Sleep(2 * time.Minute) // due: answered from what is held, and loaded beside
		if v, _ := k.Get(t.Context()); v != 1 {
			t.Errorf("waited for a load that was due: %d", v)
		}
		time.Sleep(2 * time.Second)
		if v, _ := k.Held(); v != 2 {
			t.Errorf("not loaded beside: %d", v)
		}
		o.fails.Store(true)
		time.Sleep(time.Hour - 3*time.Second)
		if v, err := k.Get(t.Context()); v != 2 || err != nil {
			t.Errorf("dropped too early: %d, %v", v, err)
		}
		time.Sleep(3 * time.Second)
		if _, err := k.Get(t.Context()); !errors.Is(err, fetch.ErrUnavailable) {
			t.Errorf("kept for too long: %v", err)
		}
		k.Close()
		if _, err := k.Get(t.Context()); !errors.Is(err, fetch.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestKeeperIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outside{takes: time.Hour}
		k := keeper(o)
		began := time.Now()
		if _, err := k.Get(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		time.Sleep(time.Second)
		if _, err := k.Get(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller waits beyond its own time: %v", err)
		}
		k.Close() // ends the load that hangs; the bubble would not end otherwise
	})
}

func TestKeeperRunsAndIsNudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outside{takes: time.Millisecond}
		k := keeper(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.Run(ctx)
		}()
		time.Sleep(10*time.Minute + 30*time.Second)
		if n := o.loads.Load(); n < 10 || n > 12 {
			t.Errorf("%d loads in ten minutes, due each minute", n)
		}
		o.value.Store(7)
		before := o.loads.Load()
		k.Nudge()
		k.Nudge() // while the first is under way: one more follows
		k.Nudge()
		time.Sleep(time.Second)
		if v, _ := k.Held(); v != 7 || o.loads.Load() != before+2 {
			t.Errorf("%d after %d loads", v, o.loads.Load()-before)
		}
		cancel()
		<-done
		k.Close()
	})
}
