package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// JWK is one public signing key of a set (RFC 7517 section 4).
type JWK struct {
	KeyID     string
	Alg       Alg   // empty when the set does not say
	NotBefore int64 // member nbf, seconds; 0 when absent
	NotAfter  int64 // member exp, seconds; 0 when absent
	Public    crypto.PublicKey
}

// Bounds on a key set.
const (
	MaxSet     = 1 << 20 // bytes
	MaxSetKeys = 200
)

// Errors of ParseSet that concern the whole set.
var (
	ErrPrivateKey   = errors.New("the set holds private or symmetric key material")
	ErrDuplicateKey = errors.New("two keys of the set share a key id")
)

// ParseSet reads a JWK Set (RFC 7517 section 5). Keys of a kind that is not
// ours, or meant for something other than signatures, are left out as the RFC
// asks; weak and malformed keys, secret material and repeated key ids make the
// whole set unusable, because a set like that was not made with care.
func ParseSet(text string) ([]JWK, error) {
	if len(text) > MaxSet {
		return nil, ErrTooLarge
	}
	var keys []JWK
	found := false
	err := strictjson.Object(text, func(name string, v strictjson.Value) error {
		if name != "keys" {
			return nil
		}
		found = true
		return v.Elements(func(e strictjson.Value) error {
			k, ours, err := parseKey(e)
			if err != nil || !ours {
				return err
			}
			if len(keys) == MaxSetKeys {
				return fmt.Errorf("more than %d keys", MaxSetKeys)
			}
			keys = append(keys, k)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading a JWK Set: %w", err)
	}
	if !found {
		return nil, errors.New("reading a JWK Set: there is no member \"keys\"")
	}
	ids := make(map[string]bool, len(keys))
	for _, k := range keys {
		if ids[k.KeyID] {
			return nil, fmt.Errorf("reading a JWK Set: %w: %q", ErrDuplicateKey, k.KeyID)
		}
		ids[k.KeyID] = true
	}
	return keys, nil
}

// ParseKey reads one public key (RFC 7517 section 4), such as the jwk header of a
// proof of possession. ours is false for a kind of key that is not supported.
func ParseKey(v strictjson.Value) (k JWK, ours bool, err error) { return parseKey(v) }

// MarshalKey writes a public key with the members that its thumbprint covers.
func MarshalKey(key crypto.PublicKey) ([]byte, error) {
	e, err := encode(key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(e)
}

// members are the fields of a JWK as they stand in the text.
type members struct {
	kty, crv, use, alg, kid string
	x, y, n, e              string
	nbf, exp                int64
	verify, private         bool
}

func parseKey(v strictjson.Value) (k JWK, ours bool, err error) {
	m := members{verify: true}
	if err := v.Object(m.visit); err != nil {
		return JWK{}, false, err
	}
	if m.private || m.kty == "oct" {
		return JWK{}, false, ErrPrivateKey
	}
	if m.use != "" && m.use != "sig" || !m.verify {
		return JWK{}, false, nil
	}
	k = JWK{KeyID: m.kid, NotBefore: m.nbf, NotAfter: m.exp}
	if m.alg != "" {
		if k.Alg, ours = Known(m.alg); !ours {
			return JWK{}, false, nil
		}
	}
	k.Public, ours, err = m.public()
	if err != nil {
		return JWK{}, false, fmt.Errorf("key %q: %w", m.kid, err)
	}
	if !ours {
		return JWK{}, false, nil
	}
	if k.Alg == "" {
		k.Alg = only(k.Public)
	}
	if k.Alg != "" && !Fits(k.Alg, k.Public) {
		return JWK{}, false, fmt.Errorf("key %q: %w", m.kid, ErrAlgorithm)
	}
	return k, true, nil
}

// only names the algorithm of a key that can be used with just one. RSA keys
// can serve two, so somebody has to say which.
func only(key crypto.PublicKey) Alg {
	for _, a := range []Alg{ES256, ES384, Ed25519} {
		if Fits(a, key) {
			return a
		}
	}
	return ""
}

func (m *members) visit(name string, v strictjson.Value) error {
	text := map[string]*string{
		"kty": &m.kty, "crv": &m.crv, "use": &m.use, "alg": &m.alg, "kid": &m.kid,
		"x": &m.x, "y": &m.y, "n": &m.n, "e": &m.e,
	}
	date := map[string]*int64{"nbf": &m.nbf, "exp": &m.exp}
	ok := true
	switch name {
	case "d", "p", "q", "dp", "dq", "qi", "k", "priv":
		m.private = true
	case "key_ops":
		m.verify = false
		return v.Elements(func(e strictjson.Value) error {
			op, _ := e.Text()
			m.verify = m.verify || op == "verify"
			return nil
		})
	default:
		if into := text[name]; into != nil {
			*into, ok = v.Text()
		} else if into := date[name]; into != nil {
			*into, ok = v.Date()
		}
	}
	if !ok {
		return fmt.Errorf("member %q of a key has the wrong type", name)
	}
	return nil
}

var errKey = errors.New("the key is malformed or too weak")

func (m *members) public() (key crypto.PublicKey, ours bool, err error) {
	switch {
	case m.kty == "EC" && (m.crv == "P-256" || m.crv == "P-384"):
		key, err = m.ec()
	case m.kty == "OKP" && m.crv == "Ed25519":
		x, err := field(m.x)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, false, errKey
		}
		key = ed25519.PublicKey(x)
	case m.kty == "RSA":
		key, err = m.rsa()
	default:
		return nil, false, nil
	}
	return key, err == nil, err
}

func (m *members) ec() (crypto.PublicKey, error) {
	curve, size := elliptic.P256(), 32
	if m.crv == "P-384" {
		curve, size = elliptic.P384(), 48
	}
	x, errX := field(m.x)
	y, errY := field(m.y)
	// RFC 7518 section 6.2.1.2: coordinates have the full length of the curve.
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, errKey
	}
	point := append(append([]byte{4}, x...), y...)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, errKey
	}
	return key, nil
}

func (m *members) rsa() (crypto.PublicKey, error) {
	n, errN := field(m.n)
	e, errE := field(m.e)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 || len(n) > maxRSA+1 {
		return nil, errKey
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}
	if exponent < 65537 || exponent%2 == 0 || exponent >= 1<<31 || !Fits(RS256, key) {
		return nil, errKey
	}
	return key, nil
}

func field(text string) ([]byte, error) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' || text[i] == '\r' {
			return nil, errKey
		}
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// encoded are the members that RFC 7638 section 3.2 hashes, in its order: the
// field order below is the lexicographic order of the names.
type encoded struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

func encode(key crypto.PublicKey) (encoded, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return encoded{}, err
		}
		half := (len(point) - 1) / 2
		return encoded{Kty: "EC", Crv: k.Curve.Params().Name, X: b64(point[1 : 1+half]), Y: b64(point[1+half:])}, nil
	case *rsa.PublicKey:
		return encoded{Kty: "RSA", N: b64(k.N.Bytes()), E: b64(big.NewInt(int64(k.E)).Bytes())}, nil
	case ed25519.PublicKey:
		return encoded{Kty: "OKP", Crv: "Ed25519", X: b64(k)}, nil
	}
	return encoded{}, fmt.Errorf("a key of type %T has no JWK form here", key)
}

// Thumbprint is the SHA-256 thumbprint of a public key (RFC 7638), base64url.
func Thumbprint(key crypto.PublicKey) (string, error) {
	e, err := encode(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(e.canonical())
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// canonical writes the required members in lexicographic order without white
// space (RFC 7638 section 3.2). No value needs to be escaped.
func (e *encoded) canonical() []byte {
	text := make([]byte, 0, 512)
	for _, m := range [...]struct{ name, value string }{
		{"crv", e.Crv}, {"e", e.E}, {"kty", e.Kty}, {"n", e.N}, {"x", e.X}, {"y", e.Y},
	} {
		if m.value == "" {
			continue
		}
		separator := byte(',')
		if len(text) == 0 {
			separator = '{'
		}
		text = append(text, separator, '"')
		text = append(text, m.name...)
		text = append(text, `":"`...)
		text = append(text, m.value...)
		text = append(text, '"')
	}
	return append(text, '}')
}

// MarshalSet writes a JWK Set. Every key is written with use and alg.
func MarshalSet(keys []JWK) ([]byte, error) {
	type published struct {
		encoded
		Use string `json:"use"`
		Alg Alg    `json:"alg"`
		Kid string `json:"kid"`
		Nbf int64  `json:"nbf,omitempty"`
		Exp int64  `json:"exp,omitempty"`
	}
	set := struct {
		Keys []published `json:"keys"`
	}{Keys: []published{}}
	for _, k := range keys {
		e, err := encode(k.Public)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, published{encoded: e, Use: "sig", Alg: k.Alg, Kid: k.KeyID, Nbf: k.NotBefore, Exp: k.NotAfter})
	}
	return json.Marshal(set)
}
