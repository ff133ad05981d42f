package httpapi

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxRecords bounds one answer.
const maxRecords = 1000

type recordAnswer struct {
	Number   uint64      `json:"number"`
	Received time.Time   `json:"received"`
	Hash     string      `json:"hash"`
	Event    event.Event `json:"event"`
}

type recordsAnswer struct {
	Records   []recordAnswer `json:"records"`
	Truncated bool           `json:"truncated,omitempty"` // there are more
}

// ledger answers what the book knows of a token id.
func (a *API) ledger(w *reply, r *http.Request) {
	a.find(w, r, func(id string) store.Query { return store.Query{TokenID: id} })
}

// decision answers what the book knows of a decision id.
func (a *API) decision(w *reply, r *http.Request) {
	a.find(w, r, func(id string) store.Query { return store.Query{Decision: id} })
}

func (a *API) find(w *reply, r *http.Request, query func(id string) store.Query) {
	if a.enter(w, r, a.readers, scopeRead) == nil {
		return
	}
	id := r.PathValue("id")
	if _, err := narrowcast.ParseTokenID(id); err != nil {
		w.fail(http.StatusBadRequest, "invalid_request", "The id cannot be read. It is a jti or a decision id, never a token.")
		return
	}
	q := query(id)
	q.Limit = maxRecords + 1
	answer := recordsAnswer{Records: []recordAnswer{}}
	for record, err := range a.config.Book.Find(r.Context(), q) {
		if err != nil {
			a.bookFailed(w, err)
			return
		}
		if answer.Truncated = len(answer.Records) == maxRecords; answer.Truncated {
			break
		}
		answer.Records = append(answer.Records, recordAnswer{
			Number: record.Number, Received: record.Received, Hash: hex.EncodeToString(record.Hash[:]), Event: record.Event,
		})
	}
	if len(answer.Records) == 0 {
		w.fail(http.StatusNotFound, "not_found", "The book has no record of this id.")
		return
	}
	w.json(http.StatusOK, answer)
}
