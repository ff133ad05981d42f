package authn

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// Outside is what a foreign issuer's credentials are checked by.
type Outside struct {
	// Keys verify its tokens. Required.
	Keys narrowcast.KeySource
	// Peer verifies an X.509-SVID, the leaf first, and returns its SPIFFE ID; nil
	// for an issuer that vouches for no certificates.
	Peer func(chain []*x509.Certificate, now time.Time) (spiffeID string, err error)
	// Review asks the issuer whether a genuine token still stands; nil when nobody
	// is to be asked. Only a nil error lets the token pass.
	Review func(ctx context.Context, token string) error
}

// Opener finds what a foreign issuer is checked by. It is asked on every use and
// must answer from memory when it can.
type Opener func(registry.Issuer) (Outside, error)

// foreigner is one foreign issuer of the registry, with the clients that its
// tokens may speak for.
type foreigner struct {
	issuer    registry.Issuer
	verifier  *narrowcast.Verifier
	open      func() (Outside, error)
	maxAge    time.Duration
	claimants []claimant                  // by rules over claims
	index     *federation.Index           // of the rules of claimants
	workloads map[string]*registry.Client // by SPIFFE ID
}

type claimant struct {
	client *registry.Client
	rule   federation.Rule
}

// outsideKeys opens the keys of an issuer when they are needed, so that one that
// cannot be reached now is a fault of its own tokens alone.
type outsideKeys struct{ open func() (Outside, error) }

// Key finds a key of the issuer.
func (k outsideKeys) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	o, err := k.open()
	switch {
	case err != nil:
		return narrowcast.Key{}, err
	case o.Keys == nil:
		return narrowcast.Key{}, errors.New("the issuer has no keys for tokens")
	}
	return o.Keys.Key(ctx, id)
}

// enrolForeigners makes a verifier for each foreign issuer. The audience is ours
// in each of them: a token that a platform made for somebody else, or for
// everybody, says nothing here.
func (r *roster) enrolForeigners(a *Authenticator, source Clients) error {
	var errs []error
	for _, issuer := range source.Issuers() {
		if issuer.Disabled || a.config.Outside == nil || issuer.Issuer == a.config.Issuer { // a letter of our own authenticates nobody
			continue
		}
		f := &foreigner{
			issuer: issuer, maxAge: issuer.MaxAge, workloads: map[string]*registry.Client{},
			open: func() (Outside, error) { return a.config.Outside(issuer) },
		}
		if f.maxAge == 0 {
			f.maxAge = federation.DefaultMaxAge(issuer.Profile)
		}
		class := narrowcast.DangerouslyUntyped // what the platforms call JWT
		if issuer.Profile == federation.SPIFFE {
			class = narrowcast.JWTSVID
		}
		var err error
		f.verifier, err = narrowcast.NewVerifier(narrowcast.Config{
			Audience: a.audience, Now: a.config.Now, Skew: a.config.Skew, MaxLifetime: narrowcast.CeilingMaxLifetime,
			Issuers: []narrowcast.TrustedIssuer{{
				Issuer: issuer.Issuer, Keys: outsideKeys{f.open}, Class: class,
				Dialect: narrowcast.Dialect{OwnWords: true}, // the environment of a job is none of ours
			}},
			Algorithms: []narrowcast.Algorithm{narrowcast.RS256, narrowcast.ES256, narrowcast.ES384, narrowcast.PS256, narrowcast.Ed25519},
		})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.foreign[issuer.Issuer.String()] = f
	}
	return errors.Join(errs...)
}

// enrolWorkloads tells the foreign issuers which clients they may speak for.
func (r *roster) enrolWorkloads(client *registry.Client) {
	for _, c := range client.Authenticate {
		switch c.Kind {
		case registry.Federated:
			if f := r.foreign[c.Rule.Issuer.String()]; f != nil {
				f.claimants = append(f.claimants, claimant{client, c.Rule})
			}
		case registry.SPIFFE:
			if f := r.domainOf(c.SPIFFE); f != nil {
				f.workloads[c.SPIFFE] = client
			}
		}
	}
}

// indexRules makes the rules quick to find, once all are known.
func (f *foreigner) indexRules() {
	rules := make([]federation.Rule, len(f.claimants))
	for i, c := range f.claimants {
		rules[i] = c.rule
	}
	f.index = federation.NewIndex(f.issuer.Profile, rules)
}

// domainOf returns the trust domain of a SPIFFE ID, nil when it is none of ours.
func (r *roster) domainOf(text string) *foreigner {
	id, err := federation.ParseSPIFFEID(text)
	if err != nil {
		return nil
	}
	if f := r.foreign[id.Issuer().String()]; f != nil && f.issuer.Profile == federation.SPIFFE {
		return f
	}
	return nil
}

// foreignerOf returns the issuer that a token says it comes from. That decides
// only whose verifier reads it.
func (r *roster) foreignerOf(text string) *foreigner {
	if len(r.foreign) == 0 {
		return nil
	}
	claimed, err := narrowcast.Inspect(text)
	if err != nil {
		return nil
	}
	if f := r.foreign[claimed.Issuer]; f != nil {
		return f
	}
	return r.domainOf(claimed.Subject)
}
