package httpapi

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxRecords bounds one answer. Whoever wants more asks again with after=, the
// number that the answer calls next.
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
	Next      uint64         `json:"next,omitempty"`      // ask for them with after=next
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
	id := r.PathValue("id")
	if _, err := narrowcast.ParseTokenID(id); err != nil {
		w.fail(http.StatusBadRequest, "invalid_request", "The id cannot be read. It is a jti or a decision id, never a token.")
		return
	}
	q := query(id)
	after, ok := afterOf(r.URL.RawQuery)
	if !ok {
		w.fail(http.StatusBadRequest, "invalid_request", "The only parameter is after, the number of a record.")
		return
	}
	q.After, q.Limit = after, maxRecords+1
	answer := recordsAnswer{Records: []recordAnswer{}}
	for record, err := range a.config.Book.Find(r.Context(), q) {
		if err != nil {
			a.bookFailed(w, err)
			return
		}
		if n := len(answer.Records); n == maxRecords {
			answer.Truncated, answer.Next = true, answer.Records[n-1].Number
			break
		}
		answer.Records = append(answer.Records, recordAnswer{
			Number: record.Number, Received: record.Received, Hash: hex.EncodeToString(record.Hash[:]), Event: record.Event,
		})
	}
	if len(answer.Records) == 0 && after == 0 {
		w.fail(http.StatusNotFound, "not_found", "The book has no record of this id.")
		return
	}
	w.json(http.StatusOK, answer)
}

// afterOf reads the query of a question to the book. Numbers of records count
// from 1, so 0 stands for the beginning.
func afterOf(query string) (uint64, bool) {
	if query == "" {
		return 0, true
	}
	text, found := strings.CutPrefix(query, "after=")
	n, err := strconv.ParseUint(text, 10, 63)
	return n, found && err == nil
}
