package main

import (
	"context"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

// keySource is where the keys of one issuer come from.
type keySource struct {
	issuer    narrowcast.Issuer
	reads     string // the class of its tokens, and the terms in which they differ
	stats     func() jwks.Stats
	uncounted bool                        // stats do not say how many keys there are
	run       func(context.Context) error // nil when there is nothing to keep fresh
}

// readsOf says how the tokens of an issuer are read, as event.VerifierOf does.
func readsOf(trusted settings.TrustedIssuer) string {
	ti := trusted.With(nil)
	return strings.Join(append([]string{ti.Class.String()}, ti.Terms()...), "; ")
}

// keysOf opens the keys of an issuer once: verifier and status lists share them.
func (d *door) keysOf(trusted settings.TrustedIssuer, now func() time.Time) (narrowcast.KeySource, error) {
	if source := d.opened[trusted.ID]; source != nil {
		return source, nil
	}
	source, err := d.openKeys(trusted, now)
	if err == nil {
		if d.opened == nil {
			d.opened = map[narrowcast.Issuer]narrowcast.KeySource{}
		}
		d.opened[trusted.ID] = source
	}
	return source, err
}

func (d *door) openKeys(trusted settings.TrustedIssuer, now func() time.Time) (narrowcast.KeySource, error) {
	if trusted.Class == narrowcast.JWTSVID {
		return d.bundleOf(trusted, now)
	}
	var only jwks.Options
	if len(d.settings.Algorithms) == 1 {
		only.Algorithm = d.settings.Algorithms[0] // for keys that do not name theirs
	}
	if trusted.JWKSFile != "" {
		f, err := jwks.NewFile(jwks.FileConfig{Path: trusted.JWKSFile, Now: now, Options: only})
		if err != nil {
			return nil, err
		}
		d.keys = append(d.keys, keySource{issuer: trusted.ID, reads: readsOf(trusted), stats: f.Stats})
		return f, nil
	}
	h, err := jwks.NewHTTP(jwks.HTTPConfig{URL: trusted.JWKSURL, Now: now, Options: only})
	if err != nil {
		return nil, err
	}
	d.keys = append(d.keys, keySource{issuer: trusted.ID, reads: readsOf(trusted), stats: h.Stats, run: h.Run})
	return h, nil
}

// bundleOf opens the bundle of a trust domain, where keys have uses that other
// issuers do not know (SPIFFE Trust Domain and Bundle section 4.2.2).
func (d *door) bundleOf(trusted settings.TrustedIssuer, now func() time.Time) (narrowcast.KeySource, error) {
	domain, err := spiffe.ParseDomain(trusted.ID.String())
	if err != nil {
		return nil, err
	}
	var source *spiffe.Source
	if trusted.JWKSFile != "" {
		source, err = spiffe.NewFile(spiffe.FileConfig{Domain: domain, Path: trusted.JWKSFile, Now: now})
	} else {
		source, err = spiffe.NewEndpoint(spiffe.EndpointConfig{Domain: domain, URL: trusted.JWKSURL, Now: now})
	}
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, func() error { source.Close(); return nil })
	d.keys = append(d.keys, keySource{
		issuer: trusted.ID, reads: readsOf(trusted), uncounted: true,
		stats: func() jwks.Stats {
			s := source.Stats()
			return jwks.Stats{Usable: s.Usable, Age: s.Age, Loads: s.Loads, Failures: s.Failures,
				LastAttempt: s.LastAttempt, LastSuccess: s.LastSuccess, LastError: s.LastError}
		},
		run: func(ctx context.Context) error { source.Run(ctx); return nil },
	})
	return source, nil
}
