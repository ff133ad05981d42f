package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// statusLists are the status lists of a house. The first list is made when a
// resource wants places: most houses have none.
type statusLists struct {
	house    *house
	announce *announcer

	publisher *status.Publisher

	mu        sync.Mutex
	allocator *status.Allocator
}

func (h *house) newStatusLists() *statusLists {
	return &statusLists{house: h, announce: &announcer{
		book: h.store, log: h.death.log, now: h.now, writer: writerName("status"), tenant: h.settings.Tenant,
	}}
}

func (l *statusLists) base() string {
	return strings.TrimSuffix(l.house.settings.Issuer.String(), "/") + "/status"
}

// Next gives out a place, or none while no list can be made.
func (l *statusLists) Next(door narrowcast.Audience) (uri string, index uint64) {
	if allocator := l.prepare(); allocator != nil {
		return allocator.Next(door)
	}
	return "", 0
}

// prepare makes the first list, or returns nil while it cannot be made.
func (l *statusLists) prepare() *status.Allocator {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.allocator != nil {
		return l.allocator
	}
	made, err := status.NewAllocator(context.Background(), status.AllocatorConfig{
		Base: l.base(), Now: l.house.now, Places: l.house.settings.StatusLists.Places, Announce: l.announce.Announce,
		Keep: longestLife + narrowcast.MaxSkew, Timeout: 5 * time.Second,
	})
	if err != nil {
		l.house.log.Error("no status list could be made", "error", err.Error())
		return nil
	}
	l.allocator = made
	return made
}

// wanted prepares a list as soon as a resource wants places, so that verifiers
// know it before they see the first token of it.
func (l *statusLists) wanted(s *registry.Snapshot) {
	for _, r := range s.Resources() {
		if s.WantsStatus(r.Audience) {
			l.prepare()
			return
		}
	}
}

// lists are those that this process gives places of.
func (l *statusLists) lists() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.allocator == nil {
		return nil
	}
	return l.allocator.Lists()
}

// run announces the lists again and again, and exports them if it is told to,
// until ctx ends.
func (l *statusLists) run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	if l.house.settings.StatusLists.Export != "" {
		beside.Go(func() { l.export(ctx) })
	}
	l.announce.keep(ctx, l.lists, func(err error) { l.house.log.Error("a status list was not announced", "error", err.Error()) })
}

// export writes the lists into a directory, twice in the life of a list.
func (l *statusLists) export(ctx context.Context) {
	every := time.NewTicker(l.house.settings.StatusLists.TTL / 2)
	defer every.Stop()
	for {
		err := l.publisher.Export(l.house.settings.StatusLists.Export)
		if err != nil && !errors.Is(err, status.ErrBehind) { // which passes once the book is read
			l.house.log.Error("the status lists were not exported", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// serveLists tells the wire about the lists, those of other replicas too.
func (h *house) serveLists(c *httpapi.Config) error {
	source := houseStatus{h.death.log}
	publisher, err := status.NewPublisher(status.PublisherConfig{
		Base: h.death.lists.base(), Source: source, History: source, Own: h.death.lists.lists, Now: h.now,
		TTL: h.settings.StatusLists.TTL, Places: h.settings.StatusLists.Places,
		Sealer: func() (statuslist.Sealer, error) {
			if press := h.ring.Current(); press != nil {
				return press, nil
			}
			return nil, errors.New("there is no signing key")
		},
	})
	if err != nil {
		return err
	}
	h.death.lists.publisher, c.Status = publisher, publisher
	return nil
}
