package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/introspect"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/letterbox"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
	"github.com/narrowcast-io/narrowcast/service/internal/uses"
)

// death is how tokens of a house end before they expire.
type death struct {
	log     *revocation.Log
	desk    *revocation.Desk
	tasks   *task.Desk
	letters *letterbox.Box
	uses    *uses.Desk
	lists   *statusLists
}

// makeDeath puts together what ends tokens. It reads the book once, so that
// nothing is served before what was called back is known.
func (h *house) makeDeath(ctx context.Context) error {
	d := &h.death
	var err error
	if d.log, err = revocation.New(revocation.Config{
		Book: h.store, Now: h.now, Terms: h.terms,
		Failed: func(err error) { h.log.Error("revocations not read", "error", err.Error()) },
	}); err != nil {
		return err
	}
	if err := d.log.CatchUp(ctx); err != nil {
		return fmt.Errorf("reading what was revoked: %w", err)
	}
	d.lists = h.newStatusLists()
	if d.tasks, err = task.New(task.Config{
		Book: h.store, Tasks: h.store, Now: h.now, Writer: writerName("tasks"), Tenant: h.settings.Tenant,
		MaxLife: h.settings.Tasks.MaxLife, LeaseDefault: h.settings.Tasks.Lease, MaxPerClient: h.settings.Tasks.PerClient, Notify: d.log.Nudge,
	}); err != nil {
		return err
	}
	if d.desk, err = revocation.NewDesk(revocation.DeskConfig{
		Ledger: h.store, Log: d.log, Now: h.now, Writer: writerName("revocations"), Tenant: h.settings.Tenant, Tasks: killer{d.tasks},
		ClientsOf: func(owner string) []narrowcast.ClientID { return clientsOf(h.doors.Load().snapshot, owner) },
	}); err != nil {
		return err
	}
	if d.uses, err = uses.New(uses.Config{Ledger: h.store, Now: h.now, Writer: writerName("uses"), Tenant: h.settings.Tenant}); err != nil {
		return err
	}
	d.letters, err = letterbox.New(letterbox.Config{
		Issuer: h.settings.Issuer, Keys: h.ring, Algorithms: ownAlgorithms(), Tenant: h.settings.Tenant, Now: h.now, Liveness: d.log,
	})
	return err
}

// transactionTokens are what the settings say of them; nil when there are none.
func (h *house) transactionTokens() *issuer.DraftTransactionTokens {
	s := h.settings.TransactionTokens
	if s.TrustDomain.IsZero() {
		return nil
	}
	return &issuer.DraftTransactionTokens{TrustDomain: s.TrustDomain, Lifetime: s.TTL, Seal: h.seal}
}

// seal signs a statement that is no access token.
func (h *house) seal(typ string, payload []byte) (string, error) {
	press := h.ring.Current()
	if press == nil {
		return "", errors.New("there is no signing key")
	}
	return press.Seal(typ, payload)
}

// terms are what verifiers of a resource are told.
func (h *house) terms(door narrowcast.Audience) revocation.Terms {
	s := h.doors.Load().snapshot
	if s == nil {
		return revocation.Terms{StaleAfter: registry.DefaultStaleHigh, WhenStale: feed.Refuse}
	}
	after, when := s.Stale(door)
	t := revocation.Terms{StaleAfter: after, WhenStale: feed.Refuse}
	if when == policy.Accept {
		t.WhenStale = feed.Accept
	}
	return t
}

// serveDeath tells the wire about it.
func (h *house) serveDeath(c *httpapi.Config, who issuer.Authenticator) error {
	asked := func(ask func(*registry.Snapshot) bool) bool {
		s := h.doors.Load().snapshot
		return s != nil && ask(s)
	}
	desk, err := introspect.New(introspect.Config{
		Issuer: h.settings.Issuer, Authenticator: who, Letters: h.death.letters, Ledger: h.store, Now: h.now,
		Writer: writerName("introspection"), Tenant: h.settings.Tenant, Revoker: recaller{h.death.desk},
		Concerns: func(client narrowcast.ClientID, door narrowcast.Audience) bool {
			return asked(func(s *registry.Snapshot) bool { return s.MayIntrospect(client, door) })
		},
		Serves: func(client narrowcast.ClientID, door narrowcast.Audience) bool {
			return asked(func(s *registry.Snapshot) bool { return s.IsServer(client, door) })
		},
		Seal: h.seal,
	})
	if err != nil {
		return err
	}
	c.Feed, c.Revocations, c.Tasks, c.Uses, c.Introspector, c.Revoker = h.death.log, h.death.desk, h.death.tasks, h.death.uses, desk, desk
	c.MayFollow = func(client narrowcast.ClientID, door narrowcast.Audience) bool {
		return asked(func(s *registry.Snapshot) bool { return s.MayFollow(client, door) })
	}
	if h.proofs == nil && !c.Offers.CertificateBound {
		c.Tasks = nil // nobody could hold a task
	}
	return h.serveLists(c)
}

// recaller calls a token back for whom it concerns (RFC 7009). What is over or was
// called back before needs nothing (section 2.2).
type recaller struct{ desk *revocation.Desk }

// RevokeToken calls a token and its descendants back.
func (r recaller) RevokeToken(ctx context.Context, letter narrowcast.Claimed, by narrowcast.ClientID) error {
	_, err := r.desk.Revoke(ctx, revocation.Request{Kind: revocation.OfToken, ID: letter.TokenID, Reason: "by RFC 7009", By: by})
	if errors.Is(err, revocation.ErrOver) {
		return nil
	}
	return err
}

var _ issuer.Past = store.Store(nil)
