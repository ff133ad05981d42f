package narrowcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Verifier decides whether a token opens one resource. It is made by
// [NewVerifier], never changes and may be used by many goroutines. The zero
// Verifier refuses everything.
type Verifier struct {
	audience    Audience
	issuers     map[string]*TrustedIssuer
	ordered     []Issuer
	algorithms  []Algorithm
	now         func() time.Time
	tenant      string
	environment string
	binding     bool
	skew        time.Duration
	maxLifetime time.Duration
	liveness    Liveness
	cache       *cache
	digest      string
}

// NewVerifier makes a Verifier. When something is missing or contradictory it
// returns every fault in one joined error.
func NewVerifier(c Config) (*Verifier, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("verifier: %w", err)
	}
	v := &Verifier{
		audience:    c.Audience,
		issuers:     make(map[string]*TrustedIssuer, len(c.Issuers)),
		now:         c.Now,
		tenant:      c.Tenant,
		environment: c.Environment,
		binding:     c.RequireBinding,
		skew:        c.skew(),
		maxLifetime: c.maxLifetime(),
		liveness:    c.Liveness,
	}
	for _, alg := range c.Algorithms {
		known, _ := ParseAlgorithm(string(alg))
		v.algorithms = append(v.algorithms, known)
	}
	for _, ti := range c.Issuers {
		v.issuers[ti.Issuer.text] = &ti
		v.ordered = append(v.ordered, ti.Issuer)
	}
	if c.Cache > 0 {
		v.cache = newCache(c.Cache, c.cacheFor())
	}
	v.digest = v.Describe().digest()
	return v, nil
}

// Presentation is how a token was shown: what the call needs and who shows it.
type Presentation struct {
	// Need are the scope tokens that the call requires, all of them.
	Need Scope
	// Certificate is the SHA-256 of the client certificate of the connection
	// (RFC 8705 section 3), base64url without padding, or empty without one.
	Certificate string
	// Prove is set when the token came with a proof of possession (RFC 9449). It
	// checks the proof and returns the thumbprint of its key, or ProofInvalid or
	// Replayed. It is called at most once, and only for a genuine token that is
	// bound to a key.
	Prove func() (thumbprint string, failed Reason)

	_ struct{}
}

// Verify decides about the text of a token. It returns either a Token or an
// error that is always a *Rejection.
//
// The order is fixed: shape, algorithm, type, issuer, key, signature, times and
// lifetime, audience, tenant, environment, sender, revocation and task, scope.
// Once the signature is right all remaining checks run, so that the Rejection
// names every one that failed.
//
// ctx bounds the search for an unknown key and nothing else.
func (v *Verifier) Verify(ctx context.Context, text string, p Presentation) (*Token, error) {
	if v == nil || v.audience.IsZero() {
		return nil, reject(NotConfigured)
	}
	now := v.now()
	if v.cache != nil {
		if t := v.cache.get(text, now); t != nil {
			if rej := v.judge(t, p, now); rej != nil {
				return nil, rej
			}
			return t, nil
		}
	}
	t, rej := v.authenticate(ctx, text, now)
	if rej != nil {
		return nil, rej
	}
	if rej := v.judge(t, p, now); rej != nil {
		return nil, rej
	}
	if v.cache != nil {
		v.cache.put(text, t, now)
	}
	return t, nil
}

// authenticate finds out whether a token is genuine: law 3, the first half.
func (v *Verifier) authenticate(ctx context.Context, text string, now time.Time) (*Token, *Rejection) {
	t, rej := parse(text)
	if rej != nil {
		return nil, v.expecting(rej)
	}
	c := &t.c
	key, rej := v.findKey(ctx, c, now)
	if rej == nil {
		rej = v.checkSignature(c, key)
	}
	if rej != nil {
		return nil, v.expecting(c.withFacts(rej))
	}
	c.input, c.signature = nil, nil // with them goes the last reference to the token's text
	scope, err := ParseScope(c.scope)
	if err != nil && c.malformed == "" {
		c.malformed = "scope"
	}
	t.key, t.until = key.id, key.to
	t.issuer, t.aud, t.scope = Issuer{c.issuer}, v.audience, scope
	return t, nil
}

func (v *Verifier) expecting(rej *Rejection) *Rejection {
	rej.Expected = v.audience.text
	rej.Received = rej.Claimed.Audience
	return rej
}

func (v *Verifier) findKey(ctx context.Context, c *claims, now time.Time) (Key, *Rejection) {
	alg, known := jose.Known(c.alg)
	if !known || !slices.Contains(v.algorithms, Algorithm(alg)) {
		return Key{}, reject(AlgorithmNotAllowed)
	}
	issuer := v.issuers[c.issuer]
	if !v.typeFits(issuer, c.typ) {
		return Key{}, &Rejection{Reason: TypeMismatch, Detail: "typ " + quote(c.typ)}
	}
	if issuer == nil {
		return Key{}, reject(IssuerUnknown)
	}
	if c.kid == "" {
		return Key{}, &Rejection{Reason: KeyUnknown, Detail: "no kid"}
	}
	key, err := issuer.Keys.Key(ctx, KeyID(c.kid))
	switch {
	case errors.Is(err, ErrKeyUnknown):
		return Key{}, v.foreignKey(c, KeyUnknown)
	case err != nil:
		return Key{}, &Rejection{Reason: KeyUnavailable, Cause: err}
	case key.id != KeyID(c.kid):
		return Key{}, reject(KeyUnknown)
	case !key.covers(now):
		return Key{}, reject(KeyWindow)
	case key.algorithm != Algorithm(alg):
		return Key{}, reject(AlgorithmMismatch)
	}
	return key, nil
}

// typeFits checks typ against the class of the issuer, or against all classes
// in use when the issuer is not trusted and has none.
func (v *Verifier) typeFits(issuer *TrustedIssuer, typ string) bool {
	if issuer != nil {
		return issuer.Class.accepts(typ)
	}
	for _, ti := range v.issuers {
		if ti.Class.accepts(typ) {
			return true
		}
	}
	return false
}

func (v *Verifier) checkSignature(c *claims, key Key) *Rejection {
	if jose.Verify(jose.Alg(key.algorithm), key.public, c.input, c.signature) == nil {
		return nil
	}
	return v.foreignKey(c, SignatureInvalid)
}

// maxForeignKeys bounds the work spent on naming the issuer that really signed.
const maxForeignKeys = 4

// foreignKey tells a token signed by another trusted issuer's key from plain
// noise. It asks only for keys that are in memory already.
func (v *Verifier) foreignKey(c *claims, otherwise Reason) *Rejection {
	tried := 0
	for _, id := range v.ordered {
		peeker, can := v.issuers[id.text].Keys.(KeyPeeker)
		if !can || id.text == c.issuer {
			continue
		}
		key, held := peeker.Peek(KeyID(c.kid))
		if !held {
			continue
		}
		if tried++; tried > maxForeignKeys {
			break
		}
		alg, _ := jose.Known(c.alg)
		if jose.Verify(alg, key.public, c.input, c.signature) == nil {
			return &Rejection{Reason: IssuerKeyMismatch, Detail: "signed by a key of " + id.text}
		}
	}
	return reject(otherwise)
}

// accepts reports whether typ is a type of the class. Media types compare
// without case, and a bare subtype stands for application/… (RFC 7515 section
// 4.1.9).
func (c Class) accepts(typ string) bool {
	if len(typ) > len("application/client-authentication+jwt") {
		return false
	}
	switch c {
	case AccessToken:
		return mediaType(typ, "at+jwt")
	case ClientAssertion:
		return typ == "" || mediaType(typ, "JWT") || mediaType(typ, "client-authentication+jwt")
	case DangerouslyUntyped:
		return typ == "" || mediaType(typ, "JWT") || mediaType(typ, "at+jwt")
	}
	return false
}
