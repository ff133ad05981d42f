package httpapi

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
)

// Feed knows what was called back. *revocation.Log is one.
type Feed interface {
	// Liveness is asked at our own doors.
	narrowcast.Liveness
	// Follow yields server-sent events for one resource, whole messages in each
	// piece. An error comes before anything else, and means not now.
	Follow(ctx context.Context, resource narrowcast.Audience, after uint64) iter.Seq2[[]byte, error]
	// Known is what our own doors know, and Changed is closed when that is more.
	Known() event.Feed
	Changed() <-chan struct{}
}

// ownFeed is how our own doors tell what they know: they ask the house itself.
type ownFeed struct{ house Feed }

// Feed returns how far that goes.
func (f ownFeed) Feed() event.Feed { return f.house.Known() }

// Changed is closed when it is more.
func (f ownFeed) Changed() <-chan struct{} { return f.house.Changed() }

// Degraded is never the case: a house that does not know refuses.
func (f ownFeed) Degraded(*narrowcast.Token) bool { return false }

func (a *API) ownFeed() guard.Feed {
	if a.config.Feed == nil {
		return nil
	}
	return ownFeed{a.config.Feed}
}

const (
	feedPath    = "/feed"
	scopeFollow = "follow"

	// maxStreams bounds how many follow at one time.
	maxStreams = 20_000
)

// streams are those who follow, and the door that they come through.
type streams struct {
	door *door // nil when there is no feed
	open atomic.Int64

	mu   sync.Mutex
	over bool // Run has ended
	ends map[*context.CancelFunc]struct{}
}

// join notes how a stream is ended. What it returns forgets it.
func (s *streams) join(end context.CancelFunc) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		end()
	}
	if s.ends == nil {
		s.ends = map[*context.CancelFunc]struct{}{}
	}
	s.ends[&end] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ends, &end)
	}
}

// end ends all streams, those to come too.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for end := range s.ends {
		(*end)()
	}
}

// feedDoor makes the door of the feed.
func (a *API) feedDoor(writer string) (err error) {
	if a.config.Feed != nil {
		a.streams.door, err = a.door(writer, feedPath, scopeFollow)
	}
	return err
}

// liveness is who is asked at our own doors whether a token was called back.
func (a *API) liveness() narrowcast.Liveness {
	if a.config.Feed == nil {
		return nil
	}
	return a.config.Feed
}

func (a *API) feedRoutes() []route {
	var all []route
	if d := a.streams.door; d != nil {
		read := []string{http.MethodGet, http.MethodHead}
		all = append(all,
			route{a.path + feedPath, feedPath, []string{http.MethodGet}, a.behind(d, feedPath, a.follow)},
			route{d.guard.MetadataPath(), "/.well-known", read, plain(d.guard.Metadata())})
	}
	return append(all, a.revocationRoutes()...)
}

// runFeed runs the door of the feed. When ctx is done all streams end, so that
// the server can stop.
func (a *API) runFeed(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, a.streams.end)
	wait := alsoRun(ctx, a.streams.door)
	return func() { wait(); stop() }
}

// bounded gives a request its time. A stream has as much as its token.
func (a *API) bounded(ctx context.Context, route route) (context.Context, context.CancelFunc) {
	if route.name == feedPath {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.config.Timeout)
}

// follow sends what was called back to whoever guards the resource.
func (a *API) follow(w *reply, r *http.Request) {
	token, _ := guard.FromContext(r.Context())
	resource, ok := resourceOf(r.URL.RawQuery)
	switch {
	case !ok:
		w.fail(http.StatusBadRequest, "invalid_request", "Name one resource, and nothing else.")
		return
	case !a.config.MayFollow(token.ClientID(), resource):
		w.fail(http.StatusForbidden, "forbidden", "This client does not guard that resource.")
		return
	case a.streams.open.Add(1) > maxStreams:
		a.streams.open.Add(-1)
		w.Header().Set("Retry-After", "10")
		w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "Too many follow already. Try again later.")
		return
	}
	defer a.streams.open.Add(-1)
	a.stream(w, r, token, resource)
}

// resourceOf reads the query of a follower.
func resourceOf(query string) (narrowcast.Audience, bool) {
	values, err := url.ParseQuery(query)
	if err != nil || len(values) != 1 || len(values["resource"]) != 1 {
		return narrowcast.Audience{}, false
	}
	resource, err := narrowcast.ParseAudience(values.Get("resource"))
	return resource, err == nil
}

// lastOf is where a follower stopped. What cannot be read is the beginning: then
// everything is sent.
func lastOf(h http.Header) uint64 {
	values := h.Values("Last-Event-ID")
	if len(values) != 1 {
		return 0
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0
	}
	return n
}
