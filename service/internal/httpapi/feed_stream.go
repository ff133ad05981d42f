package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// writeWithin is how long a follower may take for one piece of a stream. A slower
// one is cut off and goes on from where it was.
const writeWithin = 10 * time.Second

// lastWords is how long a follower is told on after his token was called back. What
// ended it may end others that he guards against, such as all of one key, and until
// he has another token he would let them in.
const lastWords = time.Second

// stream sends until the token ends that opened it, the follower goes away or is
// no longer allowed to follow, or we stop.
func (a *API) stream(w *reply, r *http.Request, token *narrowcast.Token, resource narrowcast.Audience) {
	ctx, cancel := context.WithTimeout(r.Context(), token.Expires().Sub(a.config.Now()))
	defer cancel()
	defer a.streams.join(cancel)()
	control := http.NewResponseController(w)
	begun := false
	for text, err := range a.config.Feed.Follow(ctx, resource, lastOf(r.Header)) {
		if err != nil {
			w.detail = err.Error()
			w.Header().Set("Retry-After", "1")
			w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "What was revoked is not known now. Try again later.")
			return
		}
		if !begun {
			begun = true
			openStream(w)
		}
		if !a.config.MayFollow(token.ClientID(), resource) {
			w.detail = "the client does not guard the resource any more"
			return
		}
		if err := a.push(w, control, text); err != nil {
			w.detail = "the follower: " + err.Error()
			return
		}
		if reason := a.config.Feed.Check(token); reason != 0 && reason != narrowcast.Stale && w.detail == "" { // Stale is told by what is sent
			w.detail = "the token is " + reason.String()
			defer time.AfterFunc(lastWords, cancel).Stop()
		}
	}
}

// openStream begins the answer.
func openStream(w *reply) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // proxies hold nothing back
	w.secret()
	w.WriteHeader(http.StatusOK)
}

// push sends one piece within its time.
func (a *API) push(w *reply, control *http.ResponseController, text []byte) error {
	err := control.SetWriteDeadline(a.config.Now().Add(writeWithin))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return control.Flush()
}
