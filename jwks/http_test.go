package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
)

func TestRotationIsFollowedOnAnUnknownKeyID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKey(t, "old"), newKey(t, "fresh")
		w := &wire{status: 200, body: document(t, old)}
		h := source(t, w, nil)
		want(t, h, "old")
		w.serve(200, document(t, fresh))
		wantUnknown(t, h, "fresh") // too soon to ask again
		time.Sleep(13 * time.Second)
		want(t, h, "fresh")
		wantUnknown(t, h, "old") // the issuer withdrew it
		if w.count() != 2 {
			t.Errorf("fetched %d times, want 2", w.count())
		}
	})
}

func TestAStormOfUnknownKeyIDsIsOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1"))}
		h := source(t, w, nil)
		want(t, h, "k1")
		time.Sleep(time.Minute)
		before := w.count()
		w.delay = time.Second
		var wg sync.WaitGroup
		for range 10_000 {
			wg.Go(func() { wantUnknown(t, h, "made-up") })
		}
		wg.Wait()
		if n := w.count() - before; n != 1 {
			t.Errorf("10000 calls caused %d fetches, want 1", n)
		}
	})
}

func TestAKnownKeyDoesNotWaitForASlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1"))}
		h := source(t, w, nil)
		want(t, h, "k1")
		time.Sleep(jwks.DefaultMaxAge)
		w.delay = time.Hour
		start := time.Now()
		for range 100 {
			want(t, h, "k1")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("a known key waited %s", waited)
		}
		wantUnavailable(t, h, "other")
		if waited := time.Since(start); waited != jwks.DefaultTimeout {
			t.Errorf("an unknown key waited %s, want the limit of one fetch", waited)
		}
		if w.count() != 2 {
			t.Errorf("fetched %d times, want 2", w.count())
		}
	})
}

func TestACallerThatGivesUpDoesNotEndTheFetchOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1")), delay: 2 * time.Second}
		h := source(t, w, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := h.Key(ctx, "k1"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { want(t, h, "k1") })
		wg.Wait()
		if w.count() != 1 {
			t.Errorf("fetched %d times, want 1", w.count())
		}
	})
}

func TestTheLastGoodSetOutlivesTheIssuerForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1"))}
		h := source(t, w, func(c *jwks.HTTPConfig) { c.KeepFor = time.Hour })
		want(t, h, "k1")
		w.serve(0, "")
		for range 11 {
			time.Sleep(5 * time.Minute)
			want(t, h, "k1")
		}
		synctest.Wait()
		s := h.Stats()
		if !s.Usable || s.Keys != 1 || s.Age != 55*time.Minute || s.Failures == 0 || !errors.Is(s.LastError, errDown) {
			t.Errorf("stats while the issuer is down = %+v", s)
		}
		time.Sleep(5 * time.Minute)
		wantUnavailable(t, h, "k1")
		if _, held := h.Peek("k1"); held || h.Stats().Usable {
			t.Error("a set past its time is still held")
		}
		w.serve(200, document(t, newKey(t, "k1")))
		time.Sleep(2 * time.Second)
		want(t, h, "k1") // back without a restart
	})
}

func TestABadDocumentNeverReplacesAGoodOne(t *testing.T) {
	k1 := newKey(t, "k1")
	twice := strings.Replace(document(t, k1), `"keys":[`, `"keys":[`+strings.TrimSuffix(strings.TrimPrefix(document(t, k1), `{"keys":[`), `]}`)+`,`, 1)
	bad := map[string]struct {
		status int
		body   string
	}{
		"garbage":            {200, "<html>maintenance</html>"},
		"cut short":          {200, document(t, k1)[:60]},
		"oversize":           {200, document(t, k1) + strings.Repeat(" ", jwks.MaxBytes)},
		"two keys, one kid":  {200, twice},
		"private key":        {200, strings.Replace(document(t, k1), `"kty"`, `"d":"AA","kty"`, 1)},
		"symmetric key":      {200, `{"keys":[{"kty":"oct","kid":"k1","k":"AA"}]}`},
		"repeated member":    {200, `{"keys":[],"keys":[]}`},
		"no kid":             {200, strings.Replace(document(t, k1), `"kid":"k1"`, `"x-kid":"k1"`, 1)},
		"server error":       {500, document(t, k1)},
		"no content":         {204, ""},
		"trailing text":      {200, document(t, k1) + "{}"},
		"connection refused": {0, ""},
	}
	for name, answer := range bad {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{status: 200, body: document(t, k1)}
				h := source(t, w, nil)
				want(t, h, "k1")
				w.serve(answer.status, answer.body)
				time.Sleep(time.Minute)
				wantUnavailable(t, h, "k2")
				want(t, h, "k1")
				if s := h.Stats(); s.LastError == nil || s.Failures != 1 || s.Loads != 2 {
					t.Errorf("stats = %+v", s)
				}
				w.serve(200, document(t, k1, newKey(t, "k2"))) // the control
				time.Sleep(time.Minute)
				want(t, h, "k2")
			})
		})
	}
}

func TestAWithdrawnSetIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1"))}
		h := source(t, w, nil)
		want(t, h, "k1")
		w.serve(200, `{"keys":[]}`)
		time.Sleep(jwks.DefaultMaxAge)
		want(t, h, "k1") // the call that begins the fetch
		synctest.Wait()
		wantUnknown(t, h, "k1")
	})
}

func TestCacheControlCountsWithinBounds(t *testing.T) {
	for directive, after := range map[string]time.Duration{
		"":                        15 * time.Minute,
		"public, max-age=300":     5 * time.Minute,
		"max-age=1":               time.Minute,
		"no-store":                time.Minute,
		"max-age=99999999":        15 * time.Minute,
		"max-age=many":            15 * time.Minute,
		`Max-Age="120", no-store`: time.Minute,
	} {
		t.Run(directive, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{status: 200, body: document(t, newKey(t, "k1")), header: http.Header{"Cache-Control": {directive}}}
				h := source(t, w, nil)
				want(t, h, "k1")
				time.Sleep(after * 9 / 10)
				want(t, h, "k1")
				synctest.Wait()
				if w.count() != 1 {
					t.Error("fetched again too early")
				}
				time.Sleep(after/10 + 1)
				want(t, h, "k1")
				synctest.Wait()
				if w.count() != 2 {
					t.Errorf("fetched %d times, want 2", w.count())
				}
			})
		})
	}
}

func TestRunKeepsAQuietSourceFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: 200, body: document(t, newKey(t, "k1"))}
		h := source(t, w, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		synctest.Wait()
		if _, held := h.Peek("k1"); !held {
			t.Fatal("Run did not fetch at its start")
		}
		w.serve(200, document(t, newKey(t, "k2")))
		time.Sleep(jwks.DefaultMaxAge)
		if _, held := h.Peek("k2"); !held {
			t.Error("Run did not fetch a set that was due")
		}
		w.serve(0, "")
		before := w.count()
		time.Sleep(time.Hour)
		if n := w.count() - before; n < 150 || n > 360 {
			t.Errorf("%d tries in an hour of failure", n)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	for to, followed := range map[string]bool{
		"https://issuer.example.test/moved": true,
		"https://other.example.test/jwks":   false,
		"http://issuer.example.test/jwks":   false,
	} {
		t.Run(to, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := document(t, newKey(t, "k1"))
				hosts := []string{}
				transport := roundTrip(func(req *http.Request) (*http.Response, error) {
					hosts = append(hosts, req.URL.Host)
					if req.URL.String() == address {
						return (&wire{status: 302, header: http.Header{"Location": {to}}}).RoundTrip(req)
					}
					return (&wire{status: 200, body: body}).RoundTrip(req)
				})
				h, err := jwks.NewHTTP(jwks.HTTPConfig{URL: address, Now: time.Now, Transport: transport})
				if err != nil {
					t.Fatal(err)
				}
				if _, err = h.Key(t.Context(), "k1"); (err == nil) != followed {
					t.Errorf("error = %v", err)
				}
				if !followed && len(hosts) != 1 {
					t.Errorf("asked %v", hosts)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNewHTTPReportsEveryFault(t *testing.T) {
	for _, bad := range []string{"", "issuer.example.test", "ftp://issuer.example.test", "http://issuer.example.test/jwks",
		"https://user:pw@issuer.example.test/", "https://", "https://issuer.example.test/#x", "file:///etc/keys", "://"} {
		if _, err := jwks.NewHTTP(jwks.HTTPConfig{URL: bad, Now: time.Now}); err == nil {
			t.Errorf("URL %q was taken", bad)
		}
	}
	for _, good := range []string{address, "http://127.0.0.1:8080/jwks", "http://[::1]/jwks", "http://localhost/jwks"} {
		if _, err := jwks.NewHTTP(jwks.HTTPConfig{URL: good, Now: time.Now}); err != nil {
			t.Errorf("URL %q: %v", good, err)
		}
	}
	_, err := jwks.NewHTTP(jwks.HTTPConfig{Between: -1, MaxAge: time.Second, KeepFor: 1, Timeout: time.Hour, Options: jwks.Options{Algorithm: "none"}})
	for _, name := range []string{"URL", "Now", "Between", "MaxAge", "KeepFor", "Timeout", "none"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}

func TestZeroSourcesRefuse(t *testing.T) {
	for _, s := range []narrowcast.KeySource{&jwks.HTTP{}, (*jwks.HTTP)(nil), &jwks.File{}, (*jwks.File)(nil)} {
		if _, err := s.Key(t.Context(), "k1"); !errors.Is(err, jwks.ErrNotMade) {
			t.Errorf("%T: error = %v", s, err)
		}
		if _, held := s.(narrowcast.KeyPeeker).Peek("k1"); held {
			t.Errorf("%T holds a key", s)
		}
	}
	wantUnknown(t, &jwks.Set{}, "k1")
	wantUnknown(t, (*jwks.Set)(nil), "k1")
	if s := new(jwks.HTTP).Stats(); s.Usable || s.LastError == nil {
		t.Errorf("stats of nothing = %+v", s)
	}
}
