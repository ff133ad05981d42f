package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
)

// Revocations calls tokens back. *revocation.Desk is one.
type Revocations interface {
	Revoke(ctx context.Context, r revocation.Request) (revocation.Answer, error)
	Confirmations(ctx context.Context, number uint64) (revocation.Confirmation, error)
}

const (
	revocationsPath = "/admin/v1/revocations"
	maxRevocation   = 8 << 10 // bytes of a request
)

func (a *API) revocationRoutes() []route {
	if a.config.Revocations == nil {
		return nil
	}
	read, post := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	return []route{
		{a.path + revocationsPath, revocationsPath, post, a.behind(a.readers, revocationsPath, a.callBack)},
		{a.path + revocationsPath + "/{number}", revocationsPath, read, a.behind(a.readers, revocationsPath, a.confirmations)},
	}
}

type revocationRequest struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

type revocationAnswer struct {
	Number    uint64    `json:"number"`  // ask for its confirmations
	Records   []uint64  `json:"records"` // all that were written, the last one is Number
	Tokens    int       `json:"tokens"`
	More      bool      `json:"at_least,omitempty"` // there were more than were counted
	Resources []string  `json:"resources"`
	Until     time.Time `json:"until,omitzero"`
	Already   bool      `json:"already,omitempty"`
}

// callBack calls tokens back. The request holds names and never a token.
func (a *API) callBack(w *reply, r *http.Request) {
	asked, err := readRevocation(http.MaxBytesReader(w.ResponseWriter, r.Body, maxRevocation))
	if err != nil {
		w.fail(http.StatusBadRequest, "invalid_request", "Send a JSON object with kind, id and, if you like, reason.")
		return
	}
	if holdsToken([]byte(asked.ID + " " + asked.Reason)) {
		w.fail(http.StatusBadRequest, "invalid_request", "The request holds the text of a token. Name it by its jti or its SHA-256.")
		return
	}
	answer, err := a.config.Revocations.Revoke(r.Context(), revocation.Request{Kind: asked.Kind, ID: asked.ID, Reason: asked.Reason, By: w.client})
	if err != nil {
		a.revocationFailed(w, err)
		return
	}
	status := http.StatusCreated
	if answer.Already {
		status = http.StatusOK
	}
	w.json(status, revocationAnswer{
		answer.Number(), append([]uint64{}, answer.Numbers...), answer.Tokens, answer.More,
		append([]string{}, answer.Audiences...), answer.Until, answer.Already,
	})
}

// readRevocation takes one object and nothing behind it, each member once: two
// readers must not understand it in two ways.
func readRevocation(body io.Reader) (revocationRequest, error) {
	var asked revocationRequest
	text, err := io.ReadAll(body)
	if err != nil {
		return asked, err
	}
	if !exactMembers(text, "kind", "id", "reason") {
		return asked, errors.New("not one object with the members kind, id and reason")
	}
	if err := json.Unmarshal(text, &asked); err != nil {
		return asked, err
	}
	if asked.Kind == "" || asked.ID == "" {
		return asked, errors.New("kind and id are required")
	}
	return asked, nil
}

// confirmations answers who goes by a revocation.
func (a *API) confirmations(w *reply, r *http.Request) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 63)
	if err != nil || r.URL.RawQuery != "" {
		w.fail(http.StatusBadRequest, "invalid_request", "Name a revocation by the number of its record.")
		return
	}
	answer, err := a.config.Revocations.Confirmations(r.Context(), number)
	if err != nil {
		a.revocationFailed(w, err)
		return
	}
	w.json(http.StatusOK, answer)
}

func (a *API) revocationFailed(w *reply, err error) {
	switch {
	case errors.Is(err, revocation.ErrUnknown):
		w.detail = err.Error()
		w.fail(http.StatusNotFound, "not_found", "The book does not know what shall be called back.")
	case errors.Is(err, revocation.ErrOver):
		w.detail = err.Error()
		w.fail(http.StatusConflict, "expired", "It has expired everywhere; there is nothing to call back.")
	case errors.Is(err, revocation.ErrRequest):
		w.fail(http.StatusBadRequest, "invalid_request", "The kind is not known, or the id cannot be one of that kind.")
	default:
		a.bookFailed(w, err)
	}
}
