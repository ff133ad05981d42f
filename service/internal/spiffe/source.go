package spiffe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// holder brings the newest bundle of one domain.
type holder interface {
	Held() (*Bundle, bool)
	Get(ctx context.Context) (*Bundle, error)
	Renew(ctx context.Context) (*Bundle, error)
	Run(ctx context.Context)
	Stats() fetch.Stats
	Close()
}

// Source is where the keys and authorities of one trust domain come from. It is
// a narrowcast.KeySource for the JWT-SVIDs of that domain. It may be used by
// many goroutines; the zero Source refuses.
type Source struct {
	domain Domain
	from   holder
}

// Domain returns the trust domain.
func (s *Source) Domain() Domain { return s.domain }

// Key returns the key of JWT-SVIDs with this id. An unknown id makes it ask for
// the bundle anew, if the last time is long enough ago. The error wraps
// narrowcast.ErrKeyUnknown when the newest bundle that is known has no such key.
func (s *Source) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if s == nil || s.from == nil {
		return narrowcast.Key{}, fetch.ErrClosed
	}
	b, err := s.from.Get(ctx)
	if err != nil {
		return narrowcast.Key{}, fmt.Errorf("keys of %s: %w", s.domain, err)
	}
	if key, held := b.keys[id]; held {
		return key, nil
	}
	b, err = s.from.Renew(ctx)
	if b != nil {
		if key, held := b.keys[id]; held {
			return key, nil
		}
	}
	if err != nil {
		return narrowcast.Key{}, fmt.Errorf("keys of %s: %w", s.domain, err)
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// Peek returns a key that is held now. It causes no traffic.
func (s *Source) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	if s == nil || s.from == nil {
		return narrowcast.Key{}, false
	}
	b, ok := s.from.Held()
	if !ok {
		return narrowcast.Key{}, false
	}
	key, held := b.keys[id]
	return key, held
}

// Authorities returns the certificates that vouch for the workloads of a domain,
// which must be the one of the source.
func (s *Source) Authorities(ctx context.Context, of Domain) ([]*x509.Certificate, error) {
	switch {
	case s == nil || s.from == nil:
		return nil, fetch.ErrClosed
	case of != s.domain:
		return nil, fmt.Errorf("%w: the bundle is of %s, not of %s", ErrRefused, s.domain, of)
	}
	b, err := s.from.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("authorities of %s: %w", of, err)
	}
	return b.Authorities(), nil
}

// Verify returns the SPIFFE ID of a client that showed an X.509-SVID, the leaf
// first. The error wraps ErrUnavailable when there is no bundle to look at, else
// ErrRefused. When nobody in the bundle vouches for the certificate, the bundle
// is asked for anew, if the last time is long enough ago.
func (s *Source) Verify(ctx context.Context, chain []*x509.Certificate, now time.Time) (ID, error) {
	if s == nil || s.from == nil {
		return ID{}, fmt.Errorf("%w: %w", ErrUnavailable, fetch.ErrClosed)
	}
	b, err := s.from.Get(ctx)
	if err != nil {
		return ID{}, fmt.Errorf("x509-svid of %s: %w", s.domain, err)
	}
	id, err := peerID(chain, b, now, x509.ExtKeyUsageClientAuth)
	if errors.Is(err, errNoPath) {
		if newer, _ := s.from.Renew(ctx); newer != nil && newer != b {
			id, err = peerID(chain, newer, now, x509.ExtKeyUsageClientAuth)
		}
	}
	if err != nil {
		return ID{}, fmt.Errorf("x509-svid of %s: %w: %w", s.domain, ErrRefused, err)
	}
	return id, nil
}

// Run keeps the bundle fresh until ctx ends or the source is closed. It is
// optional, save for the Workload API, whose changes it listens to.
func (s *Source) Run(ctx context.Context) {
	if s != nil && s.from != nil {
		s.from.Run(ctx)
	}
}

// Stats returns how old the bundle is and how the last attempt ended.
func (s *Source) Stats() fetch.Stats {
	if s == nil || s.from == nil {
		return fetch.Stats{LastError: fetch.ErrClosed}
	}
	return s.from.Stats()
}

// Close ends what the source does by itself; it refuses from then on.
func (s *Source) Close() {
	if s != nil && s.from != nil {
		s.from.Close()
	}
}
