package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// houseStatus is what status lists are written from: the fold of the book.
type houseStatus struct{ log *revocation.Log }

var (
	_ status.Source  = houseStatus{}
	_ status.History = houseStatus{}
)

// Dead yields the places that are not valid.
func (h houseStatus) Dead() (time.Time, iter.Seq[status.Place]) {
	asOf, places := h.log.Dead()
	return asOf, func(yield func(status.Place) bool) {
		for p := range places {
			if !yield(placeOf(p)) {
				return
			}
		}
	}
}

// Lists yields the lists of the house.
func (h houseStatus) Lists() iter.Seq[string] { return h.log.Lists() }

// DeadAt yields the places of a list that were not valid at an instant.
func (h houseStatus) DeadAt(ctx context.Context, uri string, at time.Time) ([]status.Place, error) {
	places, err := h.log.DeadAt(ctx, uri, at)
	if errors.Is(err, revocation.ErrUnknown) {
		return nil, status.ErrUnknown
	}
	all := make([]status.Place, len(places))
	for i, p := range places {
		all[i] = placeOf(p)
	}
	return all, err
}

func placeOf(p revocation.Place) status.Place {
	value := statuslist.Invalid
	if p.Suspended {
		value = statuslist.Suspended
	}
	return status.Place{URI: p.URI, Index: p.Index, Value: value, Until: p.Until}
}

// announcer writes into the book which lists there are, for the other processes
// of the house.
type announcer struct {
	book     store.Book
	log      *revocation.Log
	now      func() time.Time
	writer   string
	tenant   string
	sequence atomic.Uint64
}

// Announce makes a list known.
func (a *announcer) Announce(ctx context.Context, uri string) error {
	_, err := a.book.Append(ctx, store.Entry{Event: event.Event{
		Version: event.Version, ID: strings.ToLower(rand.Text()), Type: event.Admin, Time: a.now().UTC(), Tenant: a.tenant,
		Writer: a.writer, Sequence: a.sequence.Add(1), Detail: "places of a status list are given away",
		Token: &event.Token{StatusList: uri},
	}})
	if err != nil {
		return fmt.Errorf("announcing a status list: %w", err)
	}
	a.log.Nudge()
	return nil
}

// keep announces the lists again and again, until ctx is done: a process that
// starts later reads no further back than a token may live.
func (a *announcer) keep(ctx context.Context, lists func() []string, failed func(error)) {
	every := revocation.AnnounceEvery(longestLife)
	again := time.NewTimer(every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		next := every
		for _, uri := range lists() {
			if err := a.Announce(ctx, uri); err != nil && ctx.Err() == nil {
				failed(err)
				next = min(next, time.Minute)
			}
		}
		again.Reset(next)
	}
}
