package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
	"github.com/narrowcast-io/narrowcast/service/internal/quota"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/signer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/trust"
)

// house is a whole issuer: store, keys, registry, desk and wire, put together
// from a settings file.
type house struct {
	settings settings.Issuer
	store    store.Store
	ring     *keyring.Ring
	desk     *issuer.Desk
	doors    atomic.Pointer[inForce]
	path     string // of the issuer: "" or "/…"
	handler  *quota.Gate
	log      *slog.Logger
	now      func() time.Time
	metrics  *metrics.Group

	api    *httpapi.API
	proofs *dpop.Checker // nil when proofs of possession are not offered
	trust  *trust.Sources
	signer *signer.Client // nil when keys are kept sealed in the store
	who    issuer.Authenticator
	death  death
}

// inForce is the registry revision that the desk decides by.
type inForce struct {
	revision uint64
	snapshot *registry.Snapshot
}

// refreshEvery is how often a running issuer looks for a new revision and for
// keys that another process made.
const refreshEvery = 500 * time.Millisecond

// openHouse makes an issuer from what init made. It listens to nothing yet and
// creates nothing.
func (a *app) openHouse(ctx context.Context, s settings.Issuer, log *slog.Logger, all *metrics.Metrics) (*house, error) {
	h := &house{settings: s, log: log, now: a.now, path: pathOf(s.Issuer.String())}
	h.doors.Store(&inForce{})
	book, err := a.openStore(ctx, s)
	if err != nil {
		return nil, usage(err)
	}
	h.store = book
	if h.metrics, err = all.Tenant(s.Tenant); err == nil {
		err = h.furnish(ctx, a)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) furnish(ctx context.Context, a *app) error {
	away, err := a.openSigner(ctx, h.settings, h.log)
	if err != nil {
		return usage(err)
	}
	h.signer = away
	ring, err := openRing(ctx, h.store, h.settings, away, a.now)
	if err != nil {
		return usage(err)
	}
	h.ring = ring
	if err := errors.Join(h.makeTrust(ctx), h.makeProofs()); err != nil {
		return usage(err)
	}
	if err := h.refresh(ctx); err != nil {
		return usage(err)
	}
	if err := h.makeDeath(ctx); err != nil {
		return err
	}
	if s := h.doors.Load().snapshot; s != nil {
		h.death.lists.wanted(s)
	}
	if err := h.makeDesk(); err != nil {
		return err
	}
	if err := h.makeWire(); err != nil {
		return err
	}
	return h.count()
}

// makeDesk puts the desk together. Its name in the book is new with each start,
// because its numbers begin at one.
func (h *house) makeDesk() error {
	who, err := authn.New(authn.Config{
		Issuer: h.settings.Issuer, TokenEndpoint: httpapi.TokenEndpoint(h.settings.Issuer), Now: h.now, Skew: h.settings.Skew,
		Outside: h.outside,
		Clients: func() authn.Clients {
			if s := h.doors.Load().snapshot; s != nil {
				return s
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	h.who = who
	h.desk, err = issuer.New(issuer.Config{
		Own: h.death.letters, Past: h.store, Tasks: h.store, Status: h.death.lists, Deaths: h.death.log, DraftTransactionTokens: h.transactionTokens(),
		Issuer: h.settings.Issuer, Authenticator: who, Ledger: h.store, Now: h.now, Tenant: h.settings.Tenant,
		Writer: writerName("issuer"), Proofs: h.portOfProofs(), Quota: quota.NewRate(h.settings.Quotas.MintsPerSecond),
		Press: func() issuer.Press {
			if press := h.ring.Current(); press != nil {
				return press
			}
			return nil
		},
		Rules: func() issuer.Rules {
			if s := h.doors.Load().snapshot; s != nil {
				return s.Rules()
			}
			return nil
		},
	})
	return err
}

// writerName is unique among all writers of the book.
func writerName(role string) string {
	return role + "/" + hostName() + "/" + string(mint.NewTokenID())[:8]
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

func (h *house) makeWire() error {
	c := httpapi.Config{
		Issuer: h.settings.Issuer, Desk: h.desk, Book: h.store, KeySet: h.ring.JWKS, Keys: h.ring,
		Algorithms: ownAlgorithms(), Now: h.now, Log: h.log, Tenant: h.settings.Tenant, Observe: h.metrics.Request,
		Writer: "house/" + hostName() + "/" + h.settings.Listen, // the same after a restart: it speaks for the same doors
		MayReport: func(client narrowcast.ClientID, door narrowcast.Audience) bool {
			s := h.doors.Load().snapshot
			return s != nil && s.MayReport(client, door)
		},
	}
	if n := h.settings.Quotas.EventsPerSecond; n > 0 {
		c.EventQuota = quota.NewRate(n)
	}
	if n := h.settings.Quotas.TasksPerSecond; n > 0 {
		c.TaskQuota = quota.NewRate(n)
	}
	h.senders(&c)
	if err := h.serveDeath(&c, h.who); err != nil {
		return err
	}
	api, err := httpapi.New(c)
	if err != nil {
		return usage(err)
	}
	h.api = api
	handler, err := httpapi.Handler(api)
	if err == nil {
		h.handler, err = h.gated(handler)
	}
	return err
}

// ownAlgorithms are those that our own keys may have.
func ownAlgorithms() []narrowcast.Algorithm {
	return []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519}
}

// count publishes what the house counts.
func (h *house) count() error {
	m := h.metrics
	return errors.Join(
		m.Counter("narrowcast_issued_total", "Tokens minted.", func() uint64 { return h.desk.Counts().Issued }),
		m.Counter("narrowcast_refused_total", "Token requests refused.", func() uint64 { return h.desk.Counts().Refused }),
		m.Counter("narrowcast_refused_unrecorded_total", "Refusals that were only counted, beyond what is recorded in a second.", func() uint64 { return h.desk.Counts().Unrecorded }),
		m.Counter("narrowcast_challenged_total", "Token requests that were told to use a nonce.", func() uint64 { return h.desk.Counts().Challenged }),
		m.Counter("narrowcast_failed_total", "Token requests that failed because the book or the press did.", func() uint64 { return h.desk.Counts().Failed }),
		m.Gauge("narrowcast_registry_revision", "The registry revision in force; 0 when there is none, and nothing is minted.", func() float64 { return float64(h.doors.Load().revision) }),
		m.Counter("narrowcast_turned_away_total", "Requests beyond the quotas of the tenant.", h.handler.Turned),
	)
}

// ready reports an issuer that cannot mint.
func (h *house) ready(ctx context.Context) error {
	if h.doors.Load().snapshot == nil {
		return errors.New("no registry revision is in force; run narrowcast apply")
	}
	if h.ring.Current() == nil {
		return errors.New("there is no key to sign with; look at narrowcast keys list, and at the signer if there is one")
	}
	if _, err := h.store.LatestNumber(ctx); err != nil {
		return fmt.Errorf("the store does not answer: %w", err)
	}
	return nil
}

// refresh takes up a new registry revision, if there is one. A revision that
// cannot be read never replaces one that can.
func (h *house) refresh(ctx context.Context) error {
	newest, err := h.store.LatestNumber(ctx)
	if err != nil || newest == h.doors.Load().revision {
		return err
	}
	s, revision, err := snapshot(ctx, h.store, h.settings.Issuer)
	if err != nil {
		return err
	}
	h.useIssuers(s)
	h.doors.Store(&inForce{revision: revision, snapshot: s})
	if h.death.lists != nil && s != nil {
		h.death.lists.wanted(s)
	}
	h.log.Info("registry in force", "revision", revision, "digest", s.Digest())
	return nil
}

// run keeps registry and keys up to date until ctx ends. Making a key may take
// long, and keeps no registry waiting.
func (h *house) run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { h.api.Run(ctx) })
	beside.Go(func() { h.death.log.Run(ctx) })
	beside.Go(func() { h.death.lists.run(ctx) })
	beside.Go(func() {
		h.death.tasks.Run(ctx, func(err error) { h.log.Error("tasks not swept", "error", err.Error()) })
	})
	beside.Go(func() {
		h.ring.Run(ctx, func(err error) { h.log.Error("keys not refreshed", "error", err.Error()) })
	})
	every := time.NewTicker(refreshEvery)
	defer every.Stop()
	changed := changes(h.store)
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-every.C:
		}
		if err := h.refresh(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("registry not refreshed", "error", err.Error())
		}
	}
}

func (h *house) close() error {
	if h.metrics != nil {
		h.metrics.Close()
	}
	if h.trust != nil {
		h.trust.Close()
	}
	var err error
	if h.signer != nil {
		err = h.signer.Close()
	}
	return errors.Join(err, h.store.Close())
}
