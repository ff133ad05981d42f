package httpapi

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/status"
)

// StatusLists are the status lists of the house
// (draft-ietf-oauth-status-list). A *status.Publisher is one.
type StatusLists interface {
	// List returns status.ErrUnknown when there is no list of this name.
	List(name string) (status.Document, error)
	// At returns status.ErrNoHistory when the past is not offered.
	At(ctx context.Context, name string, at time.Time) (status.Document, error)
	Aggregation() ([]byte, error)
}

const statusPath = "/status"

// StatusBase is below what the status lists of an issuer lie; it is also where
// they are named.
func (a *API) StatusBase() string { return a.base + statusPath }

func (a *API) statusRoutes() []route {
	if a.config.Status == nil {
		return nil
	}
	read := []string{http.MethodGet, http.MethodHead}
	return []route{
		{a.path + statusPath, statusPath, read, a.statusLists},
		{a.path + statusPath + "/{id}", statusPath + "/{id}", read, a.statusList},
	}
}

// statusLists names all lists (section 9 of the draft). A verifier must learn of
// a new list before it sees a token of it, so that nobody keeps the answer long.
func (a *API) statusLists(w *reply, r *http.Request) {
	body, err := a.config.Status.Aggregation()
	if err != nil {
		w.unavailable(err)
		return
	}
	serveList(w, r, newDocument("application/json", body), "public, max-age=1")
}

// statusList serves one list, or with the parameter time the list of that second
// (sections 8.1 and 8.4 of the draft).
func (a *API) statusList(w *reply, r *http.Request) {
	if !acceptsList(r.Header.Values("Accept")) {
		w.fail(http.StatusNotAcceptable, "invalid_request", "This is served as "+status.MediaType+".")
		return
	}
	if r.URL.Query().Has("time") {
		// What was dead when is for auditors alone: it tells of persons and of work.
		a.behind(a.readers, "/status", a.statusOfThePast)(w, r)
		return
	}
	d, err := a.config.Status.List(r.PathValue("id"))
	if err != nil {
		w.noList(err)
		return
	}
	serveList(w, r, newDocument(status.MediaType, []byte(d.Text)), "public, max-age="+strconv.FormatInt(int64(d.Fresh/time.Second), 10))
}

func (a *API) statusOfThePast(w *reply, r *http.Request) {
	times := r.URL.Query()["time"]
	seconds, err := strconv.ParseUint(times[0], 10, 37)
	if err != nil || len(times) > 1 {
		w.fail(http.StatusBadRequest, "invalid_request", "The parameter time is one number: seconds since 1970.")
		return
	}
	d, err := a.config.Status.At(r.Context(), r.PathValue("id"), time.Unix(int64(seconds), 0).UTC())
	if err != nil {
		w.noList(err)
		return
	}
	serveList(w, r, newDocument(status.MediaType, []byte(d.Text)), "no-store")
}

// noList tells why there is no list.
func (w *reply) noList(err error) {
	switch {
	case errors.Is(err, status.ErrUnknown):
		w.fail(http.StatusNotFound, "not_found", "There is no such status list.")
	case errors.Is(err, status.ErrNoHistory):
		w.fail(http.StatusNotImplemented, "unsupported", "Status lists of the past are not offered.")
	default:
		w.unavailable(err)
	}
}

func (w *reply) unavailable(err error) {
	w.detail = err.Error()
	w.Header().Set("Retry-After", "1")
	w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "The service cannot answer now. Try again later.")
}

// serveList serves a document with a life of its own.
func serveList(w *reply, r *http.Request, d document, cache string) {
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("ETag", d.tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if matches(r.Header.Values("If-None-Match"), d.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", d.kind)
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(d.body) // the other end is gone; the log has the status
	}
}

// acceptsList reports whether a client takes what we have (RFC 9110 section
// 12.5.1). One that says nothing does.
func acceptsList(accept []string) bool {
	said := strings.TrimSpace(strings.Join(accept, ","))
	if said == "" {
		return true
	}
	for one := range strings.SplitSeq(said, ",") {
		kind, parameters, err := mime.ParseMediaType(one)
		if err != nil || kind != status.MediaType && kind != "application/*" && kind != "*/*" {
			continue
		}
		if q, err := strconv.ParseFloat(parameters["q"], 64); err != nil || q > 0 {
			return true
		}
	}
	return false
}
