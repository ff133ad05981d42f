package feed_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

// bearer adds a token as the transport of package client does.
type bearer struct{}

func (bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer t")
	return http.DefaultTransport.RoundTrip(r)
}

// TestOverARealConnection: through net/http, with a token, and never where a redirect
// points.
func TestOverARealConnection(t *testing.T) {
	redirected := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /elsewhere", func(http.ResponseWriter, *http.Request) { redirected <- struct{}{} })
	first := make(chan struct{}, 1)
	first <- struct{}{}
	mux.HandleFunc("GET /feed", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-first:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		default:
		}
		if r.Header.Get("Authorization") != "Bearer t" || r.URL.Query().Get("resource") != pay {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", feed.MediaType)
		_, _ = w.Write(write(t, []feed.Message{feed.Reset{Position: 1}, revoked(1, "one", soon(noon)), at(1, time.Now())}))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	f, err := feed.New(feed.Config{
		Issuer: narrowcast.MustIssuer(issuer), Audience: narrowcast.MustAudience(pay), URL: server.URL + "/feed",
		Client: &http.Client{Transport: bearer{}, Timeout: time.Nanosecond}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	changed := f.Changed()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	<-changed
	expect(t, f, tokenWith(t, "one"), narrowcast.Revoked)
	if s := f.State(); s.Failures != 1 || len(redirected) != 0 {
		t.Errorf("%+v, %d redirects were followed", s, len(redirected))
	}
	cancel()
	<-done
}
