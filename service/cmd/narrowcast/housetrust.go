package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/trust"
)

// makeTrust opens the way to foreign issuers. It asks nobody yet.
func (h *house) makeTrust(ctx context.Context) error {
	local := map[narrowcast.Issuer]trust.Local{}
	for _, t := range h.settings.Trust {
		socket := t.WorkloadAPI
		if socket != "" { // the settings may have begun at the working directory
			var err error
			if socket, err = filepath.Abs(socket); err != nil {
				return err
			}
		}
		local[t.Issuer] = trust.Local{
			WorkloadAPI: socket, CAFile: t.CAFile,
			TokenReview: t.TokenReview.URL, ReviewCA: t.TokenReview.CAFile, TokenFile: t.TokenReview.TokenFile,
		}
	}
	var err error
	h.trust, err = trust.New(context.WithoutCancel(ctx), trust.Config{
		Audience: h.settings.Issuer.String(), Local: local, Now: h.now, Log: h.log,
	})
	return err
}

// useIssuers takes up the foreign issuers of a revision. One that cannot be
// opened is told and keeps nobody else out.
func (h *house) useIssuers(s *registry.Snapshot) {
	var enabled []registry.Issuer
	for _, i := range s.Issuers() {
		if !i.Disabled {
			enabled = append(enabled, i)
		}
	}
	if err := h.trust.Use(enabled); err != nil {
		h.log.Error("foreign issuers", "error", err.Error())
	}
}

// outside is the port of authn.
func (h *house) outside(of registry.Issuer) (authn.Outside, error) {
	o, err := h.trust.Of(of.Issuer)
	if err != nil {
		return authn.Outside{}, err
	}
	way := authn.Outside{Keys: o.Keys, Peer: o.Peer}
	if o.Review != nil {
		way.Review = func(ctx context.Context, token string) error {
			err := o.Review(ctx, token)
			if errors.Is(err, trust.ErrUnavailable) {
				return fmt.Errorf("%w: %w", authn.ErrUnavailable, err)
			}
			return err
		}
	}
	return way, nil
}
