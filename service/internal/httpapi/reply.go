package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// reply is a response and what the log says about it.
type reply struct {
	http.ResponseWriter
	began    time.Time
	status   int
	code     string // of the refusal
	detail   string // for the operator
	decision string
	client   narrowcast.ClientID
}

// WriteHeader notes the status.
func (w *reply) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is the Write of the response.
func (w *reply) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// secret marks an answer that nobody may keep (RFC 6749 section 5.1).
func (w *reply) secret() {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

// json sends a value that nobody may keep.
func (w *reply) json(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.fail(http.StatusInternalServerError, "server_error", "The service failed. The fault is not in the request.")
		return
	}
	w.secret()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the other end is gone; the log has the status
}

// fault is the body of every error (RFC 6749 section 5.2). The decision finds
// the reason again: the wire does not tell it.
type fault struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Decision    string `json:"decision"`
}

// fail sends an error.
func (w *reply) fail(status int, code, sentence string) {
	if w.decision == "" {
		w.decision = strings.ToLower(rand.Text())
	}
	w.code = code
	w.json(status, fault{code, sentence, w.decision})
}

// finish ends a request: a panic becomes a plain 500, and one line is logged.
func (a *API) finish(route string, w *reply, r *http.Request) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		a.config.Log.Error("panic", "route", route, "kind", kindOf(p), "stack", stack())
		if w.status == 0 {
			w.fail(http.StatusInternalServerError, "server_error", "The service failed. The fault is not in the request.")
		}
	}
	took := a.config.Now().Sub(w.began)
	if a.config.Observe != nil {
		a.config.Observe(route, w.status, took)
	}
	attributes := append(make([]slog.Attr, 0, 9),
		slog.String("method", method(r)), slog.String("route", route), slog.Int("status", w.status),
		slog.Duration("took", took), slog.String("peer", r.RemoteAddr))
	for _, a := range [...]slog.Attr{slog.String("client", string(w.client)), slog.String("code", w.code),
		slog.String("decision", w.decision), slog.String("detail", w.detail)} {
		if a.Value.String() != "" {
			attributes = append(attributes, a)
		}
	}
	a.config.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", attributes...)
}

// method keeps what a stranger invented out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// kindOf names a panic without its value, which may hold anything.
func kindOf(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", p)
}

// stack is where it happened, without the line of the panic itself.
func stack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(line, "panic(") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
