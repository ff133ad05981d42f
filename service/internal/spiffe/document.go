package spiffe

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// Bounds of a bundle document.
const (
	MaxBundle = 1 << 20 // bytes
	maxKeys   = 200
)

// How often a bundle is asked for: what a document may say about it lies
// between the two bounds.
const (
	DefaultRefresh = 5 * time.Minute
	LeastRefresh   = 10 * time.Second
	MostRefresh    = 24 * time.Hour
)

// Bundle is what vouches for the workloads of one trust domain. It never changes.
type Bundle struct {
	domain      Domain
	authorities []*x509.Certificate
	keys        map[narrowcast.KeyID]narrowcast.Key
	sequence    uint64
	numbered    bool // the document has a sequence
	refresh     time.Duration
}

// Domain returns the trust domain that the bundle is of.
func (b *Bundle) Domain() Domain { return b.domain }

// Authorities returns the certificates that vouch for X.509-SVIDs.
func (b *Bundle) Authorities() []*x509.Certificate { return slices.Clone(b.authorities) }

// Keys returns how many keys vouch for JWT-SVIDs.
func (b *Bundle) Keys() int { return len(b.keys) }

// Refresh returns when to ask for the bundle again, within the bounds.
func (b *Bundle) Refresh() time.Duration { return b.refresh }

// ParseBundle reads a SPIFFE bundle document, a JWK Set (SPIFFE Trust Domain and
// Bundle section 4). The domain comes from configuration, since the document
// does not say whose it is. A set without keys is not an error: it revokes all.
func ParseBundle(domain Domain, document []byte) (*Bundle, error) {
	b, err := parseBundle(domain, document)
	if err != nil {
		return nil, fmt.Errorf("bundle of %s: %w: %w", domain, ErrRefused, err)
	}
	return b, nil
}

func parseBundle(domain Domain, document []byte) (*Bundle, error) {
	if len(document) > MaxBundle {
		return nil, fetch.ErrTooLarge
	}
	if err := checkDomain(string(domain)); err != nil {
		return nil, err
	}
	top, err := fetch.Object(document)
	if err != nil {
		return nil, err
	}
	// go-spiffe writes null for an empty set.
	if _, found := top["keys"]; !found {
		return nil, errors.New(`there is no member "keys"`)
	}
	b := &Bundle{domain: domain}
	if err := b.readTop(top); err != nil {
		return nil, err
	}
	return b, b.readKeys(top)
}

func (b *Bundle) readTop(top fetch.Members) (err error) {
	if b.sequence, err = top.Natural("spiffe_sequence"); err != nil {
		return err
	}
	b.numbered = top.Has("spiffe_sequence")
	hint, err := top.Natural("spiffe_refresh_hint")
	if err != nil {
		return err
	}
	b.refresh = DefaultRefresh
	if hint > 0 {
		seconds := time.Duration(min(hint, uint64(MostRefresh/time.Second)))
		b.refresh = max(seconds*time.Second, LeastRefresh)
	}
	return nil
}

// readKeys sorts the entries by their use. One without a use, or with another,
// is left out (section 4.2.2).
func (b *Bundle) readKeys(top fetch.Members) error {
	entries, err := top.Objects("keys")
	if err != nil {
		return err
	}
	if len(entries) > maxKeys {
		return fmt.Errorf("more than %d keys", maxKeys)
	}
	var tokens []fetch.Members
	for i, entry := range entries {
		use, err := entry.Text("use")
		switch {
		case err != nil:
		case use == "x509-svid":
			err = b.addAuthority(entry)
		case use == "jwt-svid":
			tokens = append(tokens, entry)
		}
		if err != nil {
			return fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	return b.addTokenKeys(tokens)
}

// addAuthority reads the one certificate of an entry (section 4.2.3). The
// certificate counts, not the key beside it.
func (b *Bundle) addAuthority(entry fetch.Members) error {
	chain, err := entry.Texts("x5c")
	if err != nil {
		return err
	}
	if len(chain) != 1 {
		return fmt.Errorf("an x509-svid entry has one certificate, this one has %d", len(chain))
	}
	der, err := base64.StdEncoding.Strict().DecodeString(chain[0])
	if err != nil {
		return errors.New("x5c is not base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return errors.New("x5c is not a certificate")
	}
	return b.add(cert)
}

func (b *Bundle) add(cert *x509.Certificate) error {
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA:
		return errors.New("the certificate is not that of an authority")
	case cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("the authority may not sign certificates")
	}
	b.authorities = append(b.authorities, cert)
	return nil
}

// addTokenKeys reads the keys of JWT-SVIDs. RSA keys that do not say their
// algorithm serve RS256, which is what servers sign with; a token never chooses.
func (b *Bundle) addTokenKeys(entries []fetch.Members) error {
	for _, entry := range entries {
		delete(entry, "use") // jwks knows the uses of RFC 7517 alone
	}
	if entries == nil {
		entries = []fetch.Members{}
	}
	set, err := json.Marshal(map[string]any{"keys": entries})
	if err != nil {
		return err
	}
	keys, err := jwks.Parse(set, jwks.Options{Algorithm: narrowcast.RS256})
	if err != nil {
		return err
	}
	b.keys = make(map[narrowcast.KeyID]narrowcast.Key, len(keys))
	for _, key := range keys {
		// JWT-SVID section 2.1 knows no EdDSA.
		if _, edwards := key.Public().(ed25519.PublicKey); !edwards {
			b.keys[key.ID()] = key
		}
	}
	return nil
}
