package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/once"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// doorDeath is what a door knows of tokens that ended before they expire. The
// zero value knows nothing: only expiry ends a token.
type doorDeath struct {
	follower *feed.Follower
	lists    *statuslist.Follower
	uses     narrowcast.Uses
}

// mostUsed bounds what a door remembers of tokens for one use.
const mostUsed = 1 << 18

// openDeath opens what the settings name.
func (d *door) openDeath(a *app) error {
	s := d.settings
	if s.SingleUse.Replicas > 0 && !s.SingleUse.Shared {
		memory, err := once.NewMemory(once.MemoryConfig{Now: a.now, Most: mostUsed})
		if err != nil {
			return err
		}
		d.death.uses = memory
	}
	if s.StatusLists.URL != "" {
		if err := d.openLists(a); err != nil {
			return fmt.Errorf("status_lists: %w", err)
		}
	}
	if s.Feed.File == "" && !s.SingleUse.Shared {
		return nil
	}
	file := s.Feed.CredentialFile
	if file == "" {
		file = s.Events.CredentialFile
	}
	who, err := credential.Read(file)
	if err != nil {
		return fmt.Errorf("the credential of the guard: %w", err)
	}
	if err := d.concerns(who.Issuer); err != nil {
		return err
	}
	if s.Feed.File != "" {
		if err := d.follow(a, who); err != nil {
			return fmt.Errorf("feed: %w", err)
		}
	}
	if s.SingleUse.Shared {
		return d.shareUses(a, who)
	}
	return nil
}

// concerns demands that an issuer that shall be asked is one whose tokens are taken:
// what it says of others would open the door to all that it knows nothing of.
func (d *door) concerns(asked narrowcast.Issuer) error {
	trusted := false
	for _, issuer := range d.settings.Issuers {
		if issuer.ID == asked {
			trusted = true
		} else if d.settings.Feed.File != "" {
			d.log.Warn("only expiry ends the tokens of this issuer: the feed is that of another one", "issuer", issuer.ID.String(), "feed", asked.String())
		}
	}
	if !trusted {
		return fmt.Errorf("the credential of the guard is of %s, which is none of its issuers: it would know nothing of the tokens that it takes", asked)
	}
	return nil
}

// follow opens the feed of the issuer that made the credential.
func (d *door) follow(a *app, who credential.Credential) error {
	s := d.settings.Feed
	audience, err := registry.FeedDoor(who.Issuer)
	if err != nil {
		return err
	}
	source, err := tokenSource(who, a.now)
	if err != nil {
		return err
	}
	address := s.URL
	if address == "" {
		address = audience.String()
	}
	d.death.follower, err = feed.New(feed.Config{
		Issuer: who.Issuer, Audience: d.settings.Audience, URL: address, Now: a.now, File: s.File,
		StaleAfter: s.StaleAfter, WhenStale: feed.WhenStale(s.WhenStale),
		Client: &http.Client{Transport: &toIssuer{source, audience, registry.ScopeFollow, lively()}},
		Notice: func(err error) { d.log.Warn("the feed of revocations", "error", err.Error()) },
	})
	return err
}

// shareUses asks the issuer which tokens for one use were used.
func (d *door) shareUses(a *app, who credential.Credential) error {
	audience, err := registry.UsesDoor(who.Issuer)
	if err != nil {
		return err
	}
	source, err := tokenSource(who, a.now)
	if err != nil {
		return err
	}
	d.death.uses, err = once.NewRemote(once.RemoteConfig{
		URL: audience.String(), Issuer: who.Issuer, Client: &http.Client{Transport: &toIssuer{source, audience, registry.ScopeUse, lively()}},
	})
	return err
}

// openLists reads the lists of the issuers that are trusted.
func (d *door) openLists(a *app) error {
	s := d.settings.StatusLists
	if len(d.settings.Issuers) != 1 {
		return fmt.Errorf("they belong to one issuer, and %d are trusted", len(d.settings.Issuers))
	}
	keys, err := d.keysOf(d.settings.Issuers[0], a.now)
	if err != nil {
		return err
	}
	c := statuslist.FollowerConfig{Base: s.URL, Keys: keys, Algorithms: d.settings.Algorithms, Now: a.now, Client: &http.Client{Transport: lively()}}
	if s.WhenStale == settings.StaleAccept {
		c.WhenOld = statuslist.UntilExpiry
	}
	d.death.lists, err = statuslist.NewFollower(c)
	return err
}

// liveness is asked on every use of a token; nil when nothing is known.
func (d doorDeath) liveness() narrowcast.Liveness {
	switch {
	case d.follower != nil:
		return d.follower
	case d.lists != nil:
		return d.lists
	}
	return nil
}

// feed is what the guard reports of; nil when it follows none.
func (d doorDeath) feed() guard.Feed {
	if d.follower == nil {
		return nil
	}
	return d.follower
}

// run follows until ctx ends. What it returns waits for the end.
func (d doorDeath) run(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	if d.follower != nil {
		all.Go(func() { d.follower.Run(ctx) })
	}
	if d.lists != nil {
		all.Go(func() { d.lists.Run(ctx) })
	}
	return all.Wait
}

// feedHere is what a door knows of revocations.
type feedHere struct {
	Position   uint64            `json:"position"`
	AsOf       time.Time         `json:"as_of,omitzero"`
	AgeSeconds float64           `json:"age_seconds"`
	StaleAfter float64           `json:"stale_after_seconds"`
	WhenStale  feed.WhenStale    `json:"when_stale"`
	Stale      bool              `json:"stale"`
	Connected  bool              `json:"connected"`
	Entries    map[feed.Kind]int `json:"entries"`
	Degraded   uint64            `json:"accepted_while_stale"`
	LastError  string            `json:"last_error,omitempty"`
	FileError  string            `json:"file_error,omitempty"`
}

func (d doorDeath) state() *feedHere {
	if d.follower == nil {
		return nil
	}
	s := d.follower.State()
	return &feedHere{
		s.Position, s.AsOf, s.Age.Seconds(), s.StaleAfter.Seconds(), s.WhenStale, s.Stale, s.Connected, s.Entries, s.Accepted, s.LastError, s.FileError,
	}
}

func (d doorDeath) count(m *metrics.Metrics) error {
	if d.follower == nil {
		return nil
	}
	return errors.Join(
		m.Gauge("narrowcast_guard_feed_age_seconds", "Age of what is known of revocations.", func() float64 { return d.follower.State().Age.Seconds() }),
		m.Gauge("narrowcast_guard_feed_stale", "1 while that is older than it may be.", func() float64 {
			if d.follower.State().Stale {
				return 1
			}
			return 0
		}),
		m.Counter("narrowcast_guard_accepted_while_stale_total", "Tokens accepted all the same.", func() uint64 { return d.follower.State().Accepted }),
	)
}
