package statuslist

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// MaxToken bounds the text of a Status List Token in bytes. A list of MaxBytes
// that cannot be compressed does not fit; honest lists are far smaller.
const MaxToken = 4 << 20

// maxHeader bounds the first part of a token.
const maxHeader = 4 << 10

// Config is what a Status List Token is checked against. All fields but Skew are
// required.
type Config struct {
	// Keys are those of the issuer of the referenced tokens.
	Keys narrowcast.KeySource
	// Algorithms are the ones that are allowed.
	Algorithms []narrowcast.Algorithm
	// URI is the list that a referenced token names. The list must say the same of
	// itself, so that nobody can show one list for another.
	URI string
	// Now is the clock.
	Now func() time.Time
	// Skew is how far the issuer's clock may differ; default and most as for
	// access tokens.
	Skew time.Duration

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, name string) {
		if !ok {
			errs = append(errs, errors.New(name+" is required"))
		}
	}
	require(c.Keys != nil, "Keys")
	require(len(c.Algorithms) > 0, "Algorithms")
	require(c.URI != "", "URI")
	require(c.Now != nil, "Now")
	if c.Skew < 0 || c.Skew > narrowcast.MaxSkew {
		errs = append(errs, fmt.Errorf("Skew is %s; allowed are 0 (meaning %s) to %s", c.Skew, narrowcast.DefaultSkew, narrowcast.MaxSkew))
	}
	return errors.Join(errs...)
}

// Token is a Status List Token that was checked.
type Token struct {
	URI         string
	IssuedAt    time.Time
	Expires     time.Time     // zero when the issuer does not say
	TTL         time.Duration // 0 when the issuer does not say
	Aggregation string        // where all lists of the issuer are named, or ""
	KeyID       narrowcast.KeyID

	list *List
}

// Status returns what the list says of the token at index. The error wraps
// ErrIndex when the list has no such place.
func (t *Token) Status(index uint64) (Value, error) { return t.list.Get(index) }

// Len returns the number of places.
func (t *Token) Len() int { return t.list.Len() }

// Read checks a Status List Token by section 8.3 of the draft: its type, its
// signature, that it is the list URI, and its times. The error says what is
// wrong; it never holds the text.
func Read(ctx context.Context, text string, c Config) (*Token, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("status list: reading: %w", err)
	}
	t, err := read(ctx, text, &c)
	if err != nil {
		return nil, fmt.Errorf("status list: reading: %w", err)
	}
	return t, nil
}

func read(ctx context.Context, text string, c *Config) (*Token, error) {
	p, err := split(text)
	if err != nil {
		return nil, err
	}
	head, err := readHeader(p.header)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.Algorithms, narrowcast.Algorithm(head.alg)) {
		return nil, errors.New("the algorithm is not on the list of this reader")
	}
	key, err := c.Keys.Key(ctx, head.kid)
	if err != nil {
		return nil, fmt.Errorf("finding its key: %w", err)
	}
	now := c.Now()
	if err := usable(key, head, now); err != nil {
		return nil, err
	}
	if err := jose.Verify(head.alg, key.Public(), p.input, p.signature); err != nil {
		return nil, err
	}
	t, err := readPayload(p.payload)
	if err != nil {
		return nil, err
	}
	t.KeyID = head.kid
	return t, t.current(c, now)
}

// usable: the key is for this algorithm and inside its window (RFC 8725 section 3.1).
func usable(key narrowcast.Key, head header, now time.Time) error {
	from, to := key.Window()
	switch {
	case key.ID() != head.kid || key.Algorithm() != narrowcast.Algorithm(head.alg):
		return errors.New("its key is for another algorithm")
	case !from.IsZero() && now.Before(from), !to.IsZero() && now.After(to):
		return errors.New("its key is not valid at this time")
	}
	return nil
}

// current: the list is the one that was asked for, and counts now.
func (t *Token) current(c *Config, now time.Time) error {
	skew := c.Skew
	if skew == 0 {
		skew = narrowcast.DefaultSkew
	}
	switch {
	case t.URI != c.URI:
		return errors.New("it is another list than the one asked for")
	case now.Add(skew).Before(t.IssuedAt):
		return errors.New("it was issued in the future")
	case !t.Expires.IsZero() && !now.Before(t.Expires.Add(skew)):
		return errors.New("it is past its expiry")
	}
	return nil
}

// parts is a compact JWS (RFC 7515 section 7.1) that may be longer than an
// access token.
type parts struct {
	header, payload  string
	input, signature []byte
}

func split(text string) (p parts, err error) {
	wrong := errors.New("not three parts of base64url without padding")
	if len(text) > MaxToken {
		return p, fmt.Errorf("longer than %d bytes", MaxToken)
	}
	first, last := strings.IndexByte(text, '.'), strings.LastIndexByte(text, '.')
	if first <= 0 || first > maxHeader || last <= first+1 || last == len(text)-1 || strings.ContainsAny(text, "\r\n") {
		return p, wrong
	}
	decode := base64.RawURLEncoding.Strict().DecodeString
	header, errHeader := decode(text[:first])
	payload, errPayload := decode(text[first+1 : last])
	signature, errSignature := decode(text[last+1:])
	if errors.Join(errHeader, errPayload, errSignature) != nil {
		return p, wrong
	}
	return parts{header: string(header), payload: string(payload), input: []byte(text[:last]), signature: signature}, nil
}
