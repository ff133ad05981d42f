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
	issuers     map[string]*trusted
	ordered     []Issuer
	algorithms  []Algorithm
	now         func() time.Time
	tenant      string
	environment string
	binding     bool
	skew        time.Duration
	maxLifetime time.Duration
	liveness    Liveness
	uses        Uses
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
		issuers:     make(map[string]*trusted, len(c.Issuers)),
		now:         c.Now,
		tenant:      c.Tenant,
		environment: c.Environment,
		binding:     c.RequireBinding,
		skew:        c.skew(),
		maxLifetime: c.maxLifetime(),
		liveness:    c.Liveness,
		uses:        c.Uses,
	}
	for _, alg := range c.Algorithms {
		known, _ := ParseAlgorithm(string(alg))
		v.algorithms = append(v.algorithms, known)
	}
	for _, ti := range c.Issuers {
		v.issuers[ti.Issuer.text] = newTrusted(ti, v.maxLifetime)
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
	// Request is what was asked. Without it, a token that is for one exact request
	// is refused.
	Request *Request
	// Last is asked about a token for one use when nothing else is wrong, just before
	// it is used up. What it finds wrong refuses the token and leaves it unused.
	Last func() Reason

	_ struct{}
}

// Verify decides about the text of a token. It returns either a Token or an
// error that is always a *Rejection.
//
// The order is fixed: shape, algorithm, type, issuer, key, signature, times and
// lifetime, audience, tenant, environment, sender, revocation and task, the
// request that the token is for, scope, and whether a token for one use was used.
// Once the signature is right all remaining checks run, so that the Rejection
// names every one that failed; the content of a request is read, and a token for
// one use is used up, only when nothing failed before.
//
// ctx bounds the search for an unknown key and the question to Config.Uses.
func (v *Verifier) Verify(ctx context.Context, text string, p Presentation) (*Token, error) {
	if v == nil || v.audience.IsZero() {
		return nil, reject(NotConfigured)
	}
	now := v.now()
	if v.cache != nil {
		if t := v.cache.get(text, now); t != nil {
			if rej := v.judge(ctx, t, p, now); rej != nil {
				return nil, rej
			}
			return t, nil
		}
	}
	t, rej := v.authenticate(ctx, text, now)
	if rej != nil {
		return nil, rej
	}
	if rej := v.judge(ctx, t, p, now); rej != nil {
		return nil, rej
	}
	if v.cache != nil && !t.SingleUse() {
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
	by, key, rej := v.findKey(ctx, c, now)
	if rej == nil {
		rej = v.checkSignature(by, c, key)
	}
	if rej != nil {
		return nil, v.expecting(c.withFacts(rej))
	}
	c.input, c.signature = nil, nil // with them goes the last reference to the token's text
	t.by, t.key, t.until = by, key.id, key.to
	if by.Class == JWTSVID {
		c.issuer = by.Issuer.text
	}
	if by.foreign {
		t.interpret(v.audience)
	}
	if c.malformed == "" && !by.Dialect.OwnWords {
		c.malformed = c.oddWord
	}
	scope, err := ParseScope(c.scope)
	if (err != nil || c.scopeList) && c.malformed == "" {
		c.malformed = "scope"
	}
	t.issuer, t.aud, t.scope = by.Issuer, v.audience, scope
	return t, nil
}

func (v *Verifier) expecting(rej *Rejection) *Rejection {
	rej.Expected = v.audience.text
	rej.Received = rej.Claimed.Audience
	return rej
}

// findKey finds out whose token it is meant to be, and the key that must have
// signed it.
func (v *Verifier) findKey(ctx context.Context, c *claims, now time.Time) (*trusted, Key, *Rejection) {
	by := v.speaker(c)
	svid := by != nil && by.Class == JWTSVID
	if svid && c.otherHeader != "" {
		return nil, Key{}, &Rejection{Reason: Malformed, Detail: "header " + quote(c.otherHeader)}
	}
	alg, known := jose.Known(c.alg)
	if !known || !slices.Contains(v.algorithms, Algorithm(alg)) || svid && alg == jose.Ed25519 {
		return nil, Key{}, reject(AlgorithmNotAllowed)
	}
	if !v.typeFits(by, c.typ) {
		return nil, Key{}, &Rejection{Reason: TypeMismatch, Detail: "typ " + quote(c.typ)}
	}
	if by == nil {
		return nil, Key{}, v.unknown(c)
	}
	key, rej := v.keyOf(ctx, by, c)
	switch {
	case rej != nil:
		return nil, Key{}, rej
	case !key.covers(now):
		return nil, Key{}, reject(KeyWindow)
	case key.algorithm != Algorithm(alg):
		return nil, Key{}, reject(AlgorithmMismatch)
	}
	return by, key, nil
}

func (v *Verifier) keyOf(ctx context.Context, by *trusted, c *claims) (Key, *Rejection) {
	if c.kid == "" {
		return Key{}, &Rejection{Reason: KeyUnknown, Detail: "no kid"}
	}
	key, err := by.Keys.Key(ctx, KeyID(c.kid))
	switch {
	case errors.Is(err, ErrKeyUnknown):
		return Key{}, v.foreignKey(by, c, KeyUnknown)
	case err != nil:
		return Key{}, &Rejection{Reason: KeyUnavailable, Cause: err}
	case key.id != KeyID(c.kid):
		return Key{}, reject(KeyUnknown)
	}
	return key, nil
}

// typeFits checks typ against the class of the issuer, or against all classes
// in use when the issuer is not trusted and has none.
func (v *Verifier) typeFits(issuer *trusted, typ string) bool {
	if issuer != nil {
		return issuer.accepts(typ)
	}
	for _, ti := range v.issuers {
		if ti.accepts(typ) {
			return true
		}
	}
	return false
}

func (v *Verifier) checkSignature(by *trusted, c *claims, key Key) *Rejection {
	if jose.Verify(jose.Alg(key.algorithm), key.public, c.input, c.signature) == nil {
		return nil
	}
	return v.foreignKey(by, c, SignatureInvalid)
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
	case JWTSVID:
		return typ == "" || typ == "JWT" || typ == "JOSE" // JWT-SVID section 2.3
	}
	return false
}
