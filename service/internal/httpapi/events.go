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

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Bounds on a batch of events.
const (
	maxBatch  = 1 << 20
	maxEvents = 1000
)

// events takes in what enforcement points saw: one event a line. A batch is kept
// as a whole or not at all, and an event that was kept before is kept once.
func (a *API) events(w *reply, r *http.Request) {
	if !isLines(r.Header.Get("Content-Type")) {
		w.fail(http.StatusUnsupportedMediaType, "invalid_request", "Send application/x-ndjson.")
		return
	}
	entries, wrong := a.readEvents(http.MaxBytesReader(w.ResponseWriter, r.Body, maxBatch), w.client)
	if wrong != nil {
		w.fail(wrong.status, wrong.code, wrong.sentence)
		return
	}
	if q := a.config.EventQuota; q != nil && !q.TakeMany(len(entries), a.config.Now()) {
		w.Header().Set("Retry-After", "1")
		w.fail(http.StatusTooManyRequests, "temporarily_unavailable", "More events than this tenant may report. Send them again later.")
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
