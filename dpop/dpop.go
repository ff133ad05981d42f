// Package dpop checks and makes proofs of possession (RFC 9449): the small JWT
// by which a sender shows that it holds the key its token is bound to.
//
// Whoever is asked, a resource server or an issuer, makes one [Checker]. The
// address that a proof must name comes from configuration, never from a header
// of the request.
package dpop

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Defaults and ceilings of a Config.
const (
	DefaultWindow   = time.Minute
	MaxWindow       = 5 * time.Minute
	DefaultCapacity = 1 << 18
	MaxCapacity     = 1 << 24

	// MaxProof bounds a proof in bytes. One with an RSA key of 4096 bits has 1900.
	MaxProof = 8 << 10
)

// Config is what a Checker is made of. Fields marked required have no default.
type Config struct {
	// Algorithms that a proof may use, all asymmetric. Required.
	Algorithms []narrowcast.Algorithm
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// Window is how far iat may lie from now, on either side; default one
	// minute, at most five (RFC 9449 section 11.1).
	Window time.Duration
	// Capacity is how many proofs are remembered for as long as they could be
	// replayed; default 262 144. When it is reached proofs are refused: a
	// forgotten proof would be an accepted replay. One process remembers for
	// itself, so once means once per replica.
	Capacity int
	// Nonces, when set, must be in every proof (RFC 9449 sections 8 and 9).
	Nonces *Nonces

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	if len(c.Algorithms) == 0 {
		errs = append(errs, errors.New("Algorithms is required: list the ones that are allowed"))
	}
	for _, alg := range c.Algorithms {
		if _, err := narrowcast.ParseAlgorithm(string(alg)); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	if c.Window < 0 || c.Window > MaxWindow {
		errs = append(errs, fmt.Errorf("Window is %s; allowed are 0 (meaning %s) to %s", c.Window, DefaultWindow, MaxWindow))
	}
	if c.Capacity < 0 || c.Capacity > MaxCapacity {
		errs = append(errs, fmt.Errorf("Capacity is %d; allowed are 0 (meaning %d) to %d", c.Capacity, DefaultCapacity, MaxCapacity))
	}
	return errors.Join(errs...)
}

// Checker checks proofs and remembers them. It may be used by many goroutines.
// The zero Checker refuses every proof.
type Checker struct {
	algorithms []narrowcast.Algorithm
	now        func() time.Time
	window     time.Duration
	seen       *memory
	nonces     *Nonces
}

// New makes a Checker, or returns every fault of the configuration.
func New(c Config) (*Checker, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("dpop: %w", err)
	}
	if c.Window == 0 {
		c.Window = DefaultWindow
	}
	if c.Capacity == 0 {
		c.Capacity = DefaultCapacity
	}
	var algorithms []narrowcast.Algorithm
	for _, alg := range c.Algorithms {
		known, _ := narrowcast.ParseAlgorithm(string(alg)) // EdDSA is Ed25519
		if !slices.Contains(algorithms, known) {
			algorithms = append(algorithms, known)
		}
	}
	return &Checker{
		algorithms: algorithms, now: c.Now, window: c.Window, nonces: c.Nonces,
		// iat is compared in whole seconds, so a proof can pass for up to a second
		// more than two windows.
		seen: newMemory(c.Capacity, 2*c.Window+time.Second),
	}, nil
}

// Shown is a request as a proof must describe it.
type Shown struct {
	// Proofs are the values of the DPoP header fields; exactly one is allowed.
	Proofs []string
	// Method is the method of the request.
	Method string
	// URI is the address of the request as the outside knows it, from
	// configuration: scheme, host and path. A query and a fragment do not count.
	URI string
	// Token is the access token that came along, "" at a token endpoint.
	Token string

	_ struct{}
}

// Fault says why a proof was refused. Its text is for operators.
type Fault struct {
	// Kind is what went wrong.
	Kind Kind
	// Detail says more.
	Detail string
	// Claim is the claim that does not fit the request: htm, htu, iat, ath, jti or
	// nonce. It is empty for a proof that is missing, malformed or wrongly signed.
	Claim string
}

// Kind is a kind of Fault.
type Kind uint8

// The kinds.
const (
	// Invalid: the proof is missing, malformed, wrongly signed, too old or too
	// new, or about another request.
	Invalid Kind = iota
	// Replayed: the proof was shown before.
	Replayed
	// NonceNeeded: the proof has no nonce, or one that is not valid any more.
	NonceNeeded
	// Full: the memory of proofs is full.
	Full
)

// Error names the fault. It repeats nothing of the proof.
func (f *Fault) Error() string { return "proof of possession: " + f.Detail }

func invalid(format string, args ...any) *Fault {
	return &Fault{Kind: Invalid, Detail: fmt.Sprintf(format, args...)}
}

func about(claim, detail string) *Fault { return &Fault{Kind: Invalid, Detail: detail, Claim: claim} }
