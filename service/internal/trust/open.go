package trust

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/kubernetes"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// assigned is the algorithm of RSA keys that do not say theirs, as some
// platforms publish them. A token is never the one to choose.
const assigned = narrowcast.RS256

// fill opens the sources of an issuer.
func (s *Sources) fill(e *entry) error {
	local := s.c.Local[e.of.Issuer]
	var err error
	if strings.HasPrefix(e.of.Issuer.String(), "spiffe://") {
		err = s.openDomain(e, local)
	} else {
		err = s.openKeys(e, local)
	}
	if err != nil {
		return err
	}
	if e.of.TokenReview {
		return s.openReview(e, local)
	}
	return nil
}

// openKeys opens the one place that the registry names.
func (s *Sources) openKeys(e *entry, local Local) error {
	of := e.of
	named := 0
	for _, is := range []bool{of.JWKSURL != "", of.Discovery, len(of.Keys) > 0} {
		if is {
			named++
		}
	}
	switch {
	case named != 1 || !of.Bundle.IsZero():
		return errors.New("name one place where its keys come from")
	case len(of.Keys) > 0:
		return s.openFixed(e)
	case of.JWKSURL != "":
		return s.openJWKS(e, local)
	}
	d, err := newDiscovered(of.Issuer.String(), s.c.Now, s.client(local), s.notice(e))
	if err != nil {
		return err
	}
	e.outside.Keys, e.stats = d, d.keeper.Stats
	e.closers = append(e.closers, d.keeper.Close)
	s.start(e, d.keeper.Run)
	return nil
}

func (s *Sources) openFixed(e *entry) error {
	set, err := jwks.Fixed(e.of.Keys...)
	if err != nil {
		return err
	}
	e.outside.Keys = set
	e.stats = func() fetch.Stats { return fetch.Stats{Usable: true} }
	return nil
}

func (s *Sources) openJWKS(e *entry, local Local) error {
	set, err := jwks.NewHTTP(jwks.HTTPConfig{
		URL: e.of.JWKSURL, Now: s.c.Now, Transport: s.transport(local), Options: jwks.Options{Algorithm: assigned},
	})
	if err != nil {
		return err
	}
	e.outside.Keys = set
	e.stats = func() fetch.Stats {
		st := set.Stats()
		return fetch.Stats{
			Usable: st.Usable, Age: st.Age, Loads: st.Loads, Failures: st.Failures,
			LastAttempt: st.LastAttempt, LastSuccess: st.LastSuccess, LastError: st.LastError,
		}
	}
	s.start(e, func(ctx context.Context) { _ = set.Run(ctx) })
	return nil
}

// openDomain opens the bundle of a trust domain, or its keys where the registry
// has nothing else of it; then no certificate speaks for its workloads.
func (s *Sources) openDomain(e *entry, local Local) error {
	domain, err := spiffe.ParseDomain(e.of.Issuer.String())
	if err != nil {
		return err
	}
	if e.of.JWKSURL != "" || len(e.of.Keys) > 0 || e.of.Discovery {
		if e.of.Discovery {
			return errors.New("a trust domain has no discovery")
		}
		return s.openKeys(e, local)
	}
	source, err := s.bundle(e, domain, local)
	if err != nil {
		return err
	}
	e.outside.Keys, e.stats = source, source.Stats
	e.outside.Peer = func(chain []*x509.Certificate, now time.Time) (string, error) {
		id, err := source.Verify(context.Background(), chain, now) // the source bounds the wait
		return id.String(), err
	}
	e.closers = append(e.closers, source.Close)
	s.start(e, source.Run)
	return nil
}

func (s *Sources) bundle(e *entry, domain spiffe.Domain, local Local) (*spiffe.Source, error) {
	b := e.of.Bundle
	// The registry says that an agent supplies the bundle, the settings say where it is.
	elsewhere := local.BundleFile != "" || b.URL != "" || len(b.Document) > 0
	switch {
	case local.BundleFile != "" && !b.IsZero(), local.WorkloadAPI != "" && elsewhere:
		return nil, errors.New("its bundle comes from one place: the registry, a file or the Workload API")
	case b.URL != "":
		c := spiffe.EndpointConfig{Domain: domain, URL: b.URL, Server: b.EndpointID, Bootstrap: b.Document, Now: s.c.Now, Notice: s.notice(e)}
		if b.EndpointID == "" {
			c.Transport = s.transport(local)
		}
		return spiffe.NewEndpoint(c)
	case len(b.Document) > 0:
		return spiffe.NewFixed(domain, b.Document)
	case local.BundleFile != "":
		return spiffe.NewFile(spiffe.FileConfig{Domain: domain, Path: local.BundleFile, Now: s.c.Now, Notice: s.notice(e)})
	case local.WorkloadAPI != "":
		agent, err := s.agent(e, local.WorkloadAPI)
		if err != nil {
			return nil, err
		}
		return agent.Source(domain)
	}
	return nil, errors.New("nothing says where its bundle comes from: name one in the registry, or a Workload API in the settings")
}

func (s *Sources) openReview(e *entry, local Local) error {
	reviewer, err := kubernetes.New(kubernetes.Config{
		URL: local.TokenReview, CAFile: local.ReviewCA, TokenFile: local.TokenFile, Audience: s.c.Audience,
	})
	if err != nil {
		return fmt.Errorf("its tokens are to be reviewed; the settings must say where: %w", err)
	}
	e.closers = append(e.closers, reviewer.Close)
	e.outside.Review = func(ctx context.Context, token string) error {
		who, err := reviewer.Review(ctx, token)
		if err != nil {
			return err
		}
		return sameAccount(who, token)
	}
	return nil
}

// sameAccount refuses an answer about somebody else: that of another cluster, or
// of one that gives other names to the holders of tokens.
func sameAccount(who kubernetes.Identity, token string) error {
	if claimed, err := narrowcast.Inspect(token); err != nil || claimed.Subject != who.Username {
		return fmt.Errorf("kubernetes: %w: it vouches for another account than the token names", kubernetes.ErrRefused)
	}
	return nil
}

func (s *Sources) client(local Local) *http.Client {
	return &http.Client{Transport: s.transport(local), CheckRedirect: fetch.Stay}
}
