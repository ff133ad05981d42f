// Package mint writes one letter: an access token for exactly one audience,
// with a lifetime, signed by a crypto.Signer that may live elsewhere.
package mint

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Press is one signing key of one issuer. It is immutable and may be used by
// many goroutines. The zero Press mints nothing.
type Press struct {
	issuer string
	alg    jose.Alg
	signer crypto.Signer
	kid    narrowcast.KeyID
}

// String names a press without its key.
func (p *Press) String() string {
	if p == nil {
		return "no press"
	}
	return "press of " + p.issuer + ", key " + string(p.kid)
}

// Format writes String for every verb: a software key inside must not print.
func (p *Press) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// Config is what a Press is made of. All fields are required.
type Config struct {
	Issuer    narrowcast.Issuer
	KeyID     narrowcast.KeyID
	Algorithm narrowcast.Algorithm
	Signer    crypto.Signer

	_ struct{}
}

// Format names a configuration without its signer, which may hold a key.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "press configuration of %s, key %s", c.Issuer, c.KeyID)
}

// New makes a Press, or returns every fault of the configuration.
func New(c Config) (*Press, error) {
	var errs []error
	if c.Issuer.IsZero() {
		errs = append(errs, errors.New("Issuer is required"))
	}
	if _, err := narrowcast.ParseKeyID(string(c.KeyID)); err != nil {
		errs = append(errs, err)
	}
	alg, err := narrowcast.ParseAlgorithm(string(c.Algorithm))
	if err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.Signer == nil:
		errs = append(errs, errors.New("Signer is required"))
	case err == nil && !jose.Fits(jose.Alg(alg), c.Signer.Public()):
		errs = append(errs, fmt.Errorf("the key of the signer does not fit %s, or is too weak", alg))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("mint: %w", errors.Join(errs...))
	}
	return &Press{issuer: c.Issuer.String(), alg: jose.Alg(alg), signer: c.Signer, kid: c.KeyID}, nil
}

// Letter is what a token shall say.
type Letter struct {
	Audience narrowcast.Audience // required: the one resource
	// Server stands in the place of Audience in a client assertion: the issuer
	// that it is shown to, exactly as that issuer writes itself. An Audience
	// cannot say it when it ends in a root slash.
	Server narrowcast.Issuer

	Subject  narrowcast.Subject  // required
	Client   narrowcast.ClientID // required for access tokens
	ID       narrowcast.TokenID  // required; NewTokenID makes one
	IssuedAt time.Time           // required
	Lifetime time.Duration       // required, whole seconds
	Scope    narrowcast.Scope

	Tenant      string
	Environment string
	Task        narrowcast.TaskID
	Lineage     narrowcast.TokenID // only for a token with a parent
	Parent      narrowcast.TokenID // the same: the one it is exchanged for
	Class       narrowcast.Class   // AccessToken or ClientAssertion

	// Actors are who acts for the subject, the current one first (RFC 8693 section
	// 4.1). At most narrowcast.MaxActors.
	Actors []narrowcast.Subject
	// MayAct is who alone may act for the subject (RFC 8693 section 4.4).
	MayAct narrowcast.Subject
	// Details is the value of authorization_details (RFC 9396 section 9.1): a JSON
	// array of objects, each with a type, as narrowcast.ParseDetails reads it.
	Details string
	// SingleUse makes the token good for one request.
	SingleUse bool
	// Status is the place of the token in a status list; the zero value is none.
	Status Status

	// Confirmation binds the token to a sender; the zero value binds it to nobody.
	Confirmation Confirmation

	_ struct{}
}

// Status is a place in a status list (draft-ietf-oauth-status-list section 6).
type Status struct {
	URI   string
	Index uint64
}

// Mint writes and signs a letter. The result is a secret.
func (p *Press) Mint(l Letter) (string, error) {
	if p == nil || p.signer == nil {
		return "", errors.New("mint: the press was never configured")
	}
	if err := l.check(p.issuer); err != nil {
		return "", fmt.Errorf("mint: %w", err)
	}
	header := `{"alg":"` + string(p.alg) + `","typ":"` + l.Class.String() + `","kid":` + quoted(string(p.kid)) + `}`
	input := jose.Join(header, l.payload(p.issuer))
	signature, err := jose.Sign(p.alg, p.signer, input)
	if err != nil {
		return "", fmt.Errorf("mint: signing: %w", err)
	}
	text := jose.Seal(input, signature)
	if len(text) > jose.MaxCompact {
		return "", fmt.Errorf("mint: the token has %d bytes, and no verifier reads more than %d", len(text), jose.MaxCompact)
	}
	return text, nil
}

func (l *Letter) check(issuer string) error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(!l.Audience.IsZero() || !l.Server.IsZero(), "Audience is required: a token names exactly one resource")
	require(l.Audience.IsZero() || l.Server.IsZero(), "Audience and Server exclude each other: a token names exactly one addressee")
	require(l.Subject != "", "Subject is required")
	require(l.ID != "", "ID is required")
	require(!l.IssuedAt.IsZero(), "IssuedAt is required")
	require(l.Lifetime >= time.Second && l.Lifetime <= narrowcast.CeilingMaxLifetime,
		"Lifetime must be between a second and "+narrowcast.CeilingMaxLifetime.String())
	texts := []string{string(l.Subject), string(l.Client), string(l.ID), l.Tenant, l.Environment, string(l.Task), string(l.Lineage),
		string(l.Parent), string(l.MayAct), l.Status.URI}
	for _, actor := range l.Actors {
		texts = append(texts, string(actor))
	}
	for _, text := range texts {
		require(utf8.ValidString(text), "every text must be valid UTF-8")
	}
	for _, thumbprint := range []string{l.Confirmation.Key, l.Confirmation.Certificate} {
		require(thumbprint == "" || isThumbprint(thumbprint), "a Confirmation is a SHA-256 in base64url without padding")
	}
	l.checkFurther(require)
	switch l.Class {
	case narrowcast.AccessToken:
		require(l.Client != "", "Client is required")
		require(l.Server.IsZero(), "Server is for client assertions")
	case narrowcast.ClientAssertion:
		require(string(l.Subject) == issuer, "the subject of a client assertion is its issuer")
		require(l.Confirmation.IsZero(), "Confirmation is for access tokens")
		require(l.plain(), "Parent, Actors, MayAct, Details, SingleUse and Status are for access tokens")
	default:
		require(false, "Class must be AccessToken or ClientAssertion")
	}
	return errors.Join(errs...)
}

// payload writes the claims by hand: the members are few and known, and their
// order is fixed.
func (l *Letter) payload(issuer string) string {
	var b strings.Builder
	b.Grow(512)
	text := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteString(`,"` + name + `":`)
		b.WriteString(quoted(value))
	}
	number := func(name string, n int64) {
		b.WriteString(`,"` + name + `":`)
		b.WriteString(strconv.FormatInt(n, 10))
	}
	b.WriteString(`{"iss":` + quoted(issuer))
	text("sub", string(l.Subject))
	text("aud", l.Audience.String()+l.Server.String()) // one of them is empty
	text("client_id", string(l.Client))
	text("scope", l.Scope.String())
	number("iat", l.IssuedAt.Unix())
	number("exp", l.IssuedAt.Unix()+int64(l.Lifetime/time.Second))
	text("jti", string(l.ID))
	text("lineage", string(l.Lineage))
	text("task", string(l.Task))
	text("tenant", l.Tenant)
	text("environment", l.Environment)
	if !l.Confirmation.IsZero() {
		b.WriteString(`,"cnf":` + l.Confirmation.claim())
	}
	l.writeFurther(&b)
	b.WriteByte('}')
	return b.String()
}

// TokenIDAt returns a token id of which the first ten characters tell the
// millisecond of at and sixteen are random (80 bits). Ids made at one time lie
// together in an index, which makes a book of many tokens cheaper to write.
func TokenIDAt(at time.Time) narrowcast.TokenID {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	var b [26]byte
	for ms, i := uint64(max(0, at.UnixMilli())), 9; i >= 0; ms, i = ms>>5, i-1 {
		b[i] = digits[ms&31]
	}
	copy(b[10:], strings.ToLower(rand.Text()))
	return narrowcast.TokenID(b[:])
}

// NewTokenID returns 130 random bits as text.
func NewTokenID() narrowcast.TokenID { return narrowcast.TokenID(strings.ToLower(rand.Text())) }
