package registry

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

const maxKeys = 8

// readSet reads a JWK Set (RFC 7517 section 5), from YAML as from JSON, which
// is part of it. It is stricter than a verifier of foreign sets: whoever writes
// a key here wants it to be used, so a key that cannot be is a fault. Given is
// the place in the client's entry that names the set.
func (l *loader) readSet(v, given sy.Value) (keys []narrowcast.Key) {
	v.Object(sy.Field{Name: "keys", Required: true, Read: func(v sy.Value) {
		v.List(1, maxKeys, func(v sy.Value) {
			if key, ok := readKey(v); ok && l.ownKey(given, key) {
				keys = append(keys, key)
			}
		})
	}})
	return keys
}

// ownKey refuses a key that somebody else has already: whoever holds it could
// be either.
func (l *loader) ownKey(given sy.Value, key narrowcast.Key) bool {
	thumbprint, err := key.Thumbprint()
	if err != nil {
		given.Fault("%v", err)
		return false
	}
	if first, again := l.keyOwners[thumbprint]; again {
		given.Fault("a key of this set is given at %s already; every client has keys of its own", first.Position())
		return false
	}
	l.keyOwners[thumbprint] = given
	return true
}

// members are the fields of a JWK that matter here.
type members struct {
	kty, crv, alg, kid, x, y, n, e string
	from, to                       time.Time
}

// holdsSecret reports a JWK with members that nobody may see.
func holdsSecret(v sy.Value) bool {
	return slices.ContainsFunc([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}, v.Has)
}

func readKey(v sy.Value) (narrowcast.Key, bool) {
	if holdsSecret(v) {
		v.Fault("holds private or symmetric key material; give the public half only, and replace the key")
		return narrowcast.Key{}, false
	}
	var m members
	if !v.Object(m.fields()...) || m.kid == "" || m.kty == "" {
		return narrowcast.Key{}, false
	}
	public, alg, err := m.public()
	if err != nil {
		v.Fault("%v", err)
		return narrowcast.Key{}, false
	}
	if m.alg == "" {
		m.alg = alg
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{
		ID: narrowcast.KeyID(m.kid), Algorithm: narrowcast.Algorithm(m.alg), Public: public, NotBefore: m.from, NotAfter: m.to,
	})
	if err != nil {
		v.Fault("%v", err)
		return narrowcast.Key{}, false
	}
	return key, true
}

func (m *members) fields() []sy.Field {
	text := func(name string, into *string) sy.Field {
		return sy.Field{Name: name, Read: set(into, sy.Value.Text)}
	}
	date := func(name string, into *time.Time) sy.Field {
		return sy.Field{Name: name, Read: func(v sy.Value) {
			if n, ok := v.Int(1, math.MaxInt32*8); ok {
				*into = time.Unix(int64(n), 0).UTC()
			}
		}}
	}
	fields := []sy.Field{
		{Name: "kty", Required: true, Read: set(&m.kty, func(v sy.Value) (string, bool) { return sy.OneOf(v, "EC", "OKP", "RSA") })},
		{Name: "kid", Required: true, Read: set(&m.kid, sy.Value.Text)},
		{Name: "use", Read: func(v sy.Value) { sy.OneOf(v, "sig") }},
		{Name: "key_ops", Read: func(v sy.Value) { v.List(1, 1, func(v sy.Value) { sy.OneOf(v, "verify") }) }},
		text("alg", &m.alg), text("crv", &m.crv), text("x", &m.x), text("y", &m.y), text("n", &m.n), text("e", &m.e),
		date("nbf", &m.from), date("exp", &m.to),
	}
	for _, ignored := range []string{"iat", "ext", "x5c", "x5t", "x5t#S256"} {
		fields = append(fields, sy.Field{Name: ignored})
	}
	return fields
}

// public makes the key, and names its algorithm when there is only one.
func (m *members) public() (crypto.PublicKey, string, error) {
	switch {
	case m.kty == "EC" && m.crv == "P-256":
		key, err := m.ec(elliptic.P256(), 32)
		return key, "ES256", err
	case m.kty == "EC" && m.crv == "P-384":
		key, err := m.ec(elliptic.P384(), 48)
		return key, "ES384", err
	case m.kty == "OKP" && m.crv == "Ed25519":
		x, err := field(m.x)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, "", errMalformed()
		}
		return ed25519.PublicKey(x), "Ed25519", nil
	case m.kty == "RSA" && m.alg == "":
		return nil, "", errors.New("alg is required: an RSA key could serve more than one algorithm")
	case m.kty == "RSA":
		key, err := m.rsa()
		return key, "", err
	}
	return nil, "", errors.New("crv must be P-256, P-384 or Ed25519")
}

func (m *members) ec(curve elliptic.Curve, size int) (crypto.PublicKey, error) {
	x, errX := field(m.x)
	y, errY := field(m.y)
	// RFC 7518 section 6.2.1.2: coordinates have the full length of the curve.
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, errMalformed()
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, errMalformed()
	}
	return key, nil
}

// rsa leaves the judgement of strength to narrowcast.NewKey; the exponent must
// be the common one.
func (m *members) rsa() (crypto.PublicKey, error) {
	n, errN := field(m.n)
	e, errE := field(m.e)
	if errN != nil || errE != nil || len(n) > 1024 || new(big.Int).SetBytes(e).Cmp(big.NewInt(65537)) != 0 {
		return nil, errMalformed()
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, nil
}

func field(text string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(text) }

func errMalformed() error { return errors.New("the key is malformed or too weak") }
