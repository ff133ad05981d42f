package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Bounds on a batch of events.
const (
	maxBatch  = 1 << 20
	maxEvents = 1000
)

// The scopes of our own doors.
const (
	scopeReport = "report"
	scopeRead   = "read"
)

// events takes in what enforcement points saw: one event a line. A batch is kept
// as a whole or not at all, and an event that was kept before is kept once.
func (a *API) events(w *reply, r *http.Request) {
	token := a.enter(w, r, a.reporters, scopeReport)
	if token == nil {
		return
	}
	if !isLines(r.Header.Get("Content-Type")) {
		w.fail(http.StatusUnsupportedMediaType, "invalid_request", "Send application/x-ndjson.")
		return
	}
	entries, wrong := a.readEvents(http.MaxBytesReader(w.ResponseWriter, r.Body, maxBatch), token.ClientID())
	if wrong != nil {
		w.fail(wrong.status, wrong.code, wrong.sentence)
		return
	}
	kept, err := a.config.Book.AppendAll(r.Context(), entries)
	if err != nil {
		a.bookFailed(w, err)
		return
	}
	w.json(http.StatusOK, struct {
		Kept int `json:"kept"`
	}{kept})
}

// isLines reports whether a media type means JSON lines; an absent one does.
func isLines(header string) bool {
	if header == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(header)
	return err == nil && slices.Contains([]string{"application/x-ndjson", "application/ndjson", "application/jsonl"}, kind)
}

func (a *API) bookFailed(w *reply, err error) {
	w.detail = "the book: " + err.Error()
	w.Header().Set("Retry-After", "1")
	w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "The service cannot answer now. Try again later.")
}

// refused is why a batch is not taken. It names the line and repeats nothing.
type refused struct {
	status         int
	code, sentence string
}

func refuseLine(line, status int, what string) *refused {
	code := "invalid_request"
	if status == http.StatusForbidden {
		code = "forbidden"
	}
	return &refused{status, code, fmt.Sprintf("Line %d %s", line, what)}
}

func (a *API) readEvents(body io.Reader, client narrowcast.ClientID) ([]store.Entry, *refused) {
	var entries []store.Entry
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 4096), event.MaxBytes+2)
	n := 0
	for lines.Scan() {
		n++
		if lines.Err() != nil { // what is left is half a line
			return nil, unread(lines.Err(), n)
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(entries) == maxEvents {
			return nil, refuseLine(n, http.StatusRequestEntityTooLarge, fmt.Sprintf("is one more than the %d events of a batch.", maxEvents))
		}
		e, wrong := a.readEvent(n, line, client)
		if wrong != nil {
			return nil, wrong
		}
		entries = append(entries, store.Entry{Event: e})
	}
	return entries, unread(lines.Err(), n+1)
}

// unread says why the body could not be read to its end.
func unread(err error, line int) *refused {
	tooLarge := new(http.MaxBytesError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return refuseLine(line, http.StatusRequestEntityTooLarge, "is past the limit of 1 MiB.")
	case errors.Is(err, bufio.ErrTooLong):
		return refuseLine(line, http.StatusBadRequest, "is longer than an event may be.")
	}
	return refuseLine(line, http.StatusBadRequest, "ended early.")
}

func (a *API) readEvent(n int, line []byte, client narrowcast.ClientID) (event.Event, *refused) {
	wrong := func(status int, what string) (event.Event, *refused) {
		return event.Event{}, refuseLine(n, status, what)
	}
	e, err := event.Decode(line)
	if err != nil {
		return wrong(http.StatusBadRequest, "is not an event.")
	}
	if holdsToken(line) {
		return wrong(http.StatusBadRequest, "holds the text of a token.")
	}
	door, ok := doorOf(&e)
	switch {
	case !fromDoors(e.Type):
		return wrong(http.StatusForbidden, "is of a type that no enforcement point writes.")
	case e.Writer != string(client) && !strings.HasPrefix(e.Writer, string(client)+"/"):
		return wrong(http.StatusForbidden, "was written by somebody else.")
	case !ok:
		return wrong(http.StatusBadRequest, "names no door, or two.")
	case !a.config.MayReport(client, door):
		return wrong(http.StatusForbidden, "is about a door that this client does not report for.")
	case e.Tenant != "" && e.Tenant != a.config.Tenant:
		return wrong(http.StatusForbidden, "is about another tenant.")
	}
	e.Tenant = a.config.Tenant
	return e, nil
}

// fromDoors are the types that an enforcement point writes. All others are the
// issuer's own.
func fromDoors(t event.Type) bool {
	switch t {
	case event.Presented, event.Rejected, event.OffTarget, event.WouldReject, event.VerifierSeen:
		return true
	}
	return false
}

// doorOf is the door that an event speaks of.
func doorOf(e *event.Event) (narrowcast.Audience, bool) {
	text := e.Expected
	if e.Verifier != nil {
		if text != "" && text != e.Verifier.Audience {
			return narrowcast.Audience{}, false
		}
		text = e.Verifier.Audience
	}
	door, err := narrowcast.ParseAudience(text)
	return door, err == nil
}

// holdsToken keeps tokens out of the book, whoever let one slip into an event.
func holdsToken(line []byte) bool {
	start := []byte("eyJ") // every JOSE header begins like this
	for rest := line; ; {
		i := bytes.Index(rest, start)
		if i < 0 {
			return false
		}
		rest = rest[i:]
		end := bytes.IndexFunc(rest, outsideToken)
		if end < 0 {
			end = len(rest)
		}
		if _, err := narrowcast.Inspect(string(rest[:end])); err == nil {
			return true
		}
		rest = rest[end:]
	}
}

func outsideToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}
