package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// The scopes of our own doors.
const (
	scopeReport = "report"
	scopeRead   = "read"
)

// door is one of our own doors. We are a resource server like any other, with
// one audience to a door and a guard before it.
type door struct{ guard *guard.Guard }

const doorCache = 256

// doors makes our own doors.
func (a *API) doors() error {
	writer := a.config.Writer
	if writer == "" {
		writer = "doors/" + strings.ToLower(rand.Text())[:8]
	}
	var errEvents, errAdmin error
	a.reporters, errEvents = a.door(writer, "/events", scopeReport)
	a.readers, errAdmin = a.door(writer, "/admin", scopeRead)
	return errors.Join(errEvents, errAdmin, a.taskDoor(writer), a.feedDoor(writer), a.usesDoor(writer))
}

func (a *API) door(writer, path, need string) (*door, error) {
	audience, err := narrowcast.ParseAudience(a.base + path)
	if err != nil {
		return nil, err
	}
	scope, err := narrowcast.ParseScope(need)
	if err != nil {
		return nil, err
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   audience,
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: a.config.Issuer, Keys: a.config.Keys}},
		Algorithms: a.config.Algorithms,
		Tenant:     a.config.Tenant,
		Now:        a.config.Now,
		Cache:      doorCache,
		Liveness:   a.liveness(),

		RequireBinding: path == tasksPath,
	})
	if err != nil {
		return nil, err
	}
	sender := senderAt(path)
	if a.config.DoorProofs.Checker != nil && path != tasksPath {
		sender = guard.SenderPreferred
	}
	g, err := guard.New(guard.Config{
		Feed:   a.ownFeed(),
		Sender: sender, DPoP: a.config.DoorProofs, Certificates: a.config.DoorCertificates,
		Verifier: verifier, Now: a.config.Now, Name: writer + path, ScopesSupported: scopesAt(path, scope),
		Sink:     sink{book: a.config.Book, log: a.config.Log, tenant: a.config.Tenant, patience: a.config.Timeout},
		ScopeFor: func(r *http.Request) narrowcast.Scope { return scopeFor(path, scope, r) },
	})
	if err != nil {
		return nil, err
	}
	return &door{g}, nil
}

// Run reports the issuer's own doors and records what was accepted there, until
// ctx is done. Without it only refusals are recorded at once; what was accepted
// is recorded when somebody knocks in a later minute.
func (a *API) Run(ctx context.Context) {
	defer alsoRun(ctx, a.tasks)()
	defer alsoRun(ctx, a.users)()
	defer a.runFeed(ctx)()
	done := make(chan struct{})
	go func() { defer close(done); a.reporters.guard.Run(ctx) }()
	a.readers.guard.Run(ctx)
	<-done
}

// behind puts a handler behind one of our own doors. The guard is shown the name
// of the route and not the path, which may hold anything, since what it sees
// goes into the book.
func (a *API) behind(d *door, name string, next handler) handler {
	return func(w *reply, r *http.Request) {
		admitted := d.guard.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			token, ok := guard.FromContext(r.Context())
			if !ok {
				w.fail(http.StatusInternalServerError, "server_error", "The service failed. The fault is not in the request.")
				return
			}
			w.client = token.ClientID()
			next(w, r)
		}))
		shown := *r
		shown.URL = &url.URL{Path: name, RawQuery: r.URL.RawQuery}
		admitted.ServeHTTP(w, &shown)
		if decision := w.Header().Get(guard.DecisionHeader); decision != "" {
			w.decision, w.code = decision, errorOf(w.Header().Get("WWW-Authenticate"))
		}
		d.guard.Flush(a.config.Now())
	}
}

// errorOf is the error code of a challenge, for the log (RFC 6750 section 3).
func errorOf(challenge string) string {
	_, rest, _ := strings.Cut(challenge, `error="`)
	if code, _, found := strings.Cut(rest, `"`); found {
		return code
	}
	return "unauthorized"
}

// sink writes what was seen at our own doors into the book, before the answer
// leaves.
type sink struct {
	book     Book
	log      *slog.Logger
	tenant   string
	patience time.Duration
}

// Record keeps one event. A token inside a token's claim would be a token in the
// book, so such an event is kept without what the token says.
func (s sink) Record(e event.Event) {
	e.Tenant = s.tenant
	if line, err := event.Encode(e); err != nil || holdsToken(line) {
		e.Token, e.Received, e.Detail, e.Near = nil, nil, "", ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	if _, err := s.book.AppendAll(ctx, []store.Entry{{Event: e}}); err != nil {
		s.log.Error("an event of our own door is lost", "type", string(e.Type), "decision", e.Decision, "error", err.Error())
	}
}
