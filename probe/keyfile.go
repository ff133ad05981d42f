package probe

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
)

// Headers of the PEM blocks.
const (
	pemType      = "PRIVATE KEY"
	pemID        = "Key-Id"
	pemAlgorithm = "Algorithm"
	pemRole      = "Role"
	roleDoor     = "trusted-by-the-door"
	roleStranger = "stranger"
)

// DangerouslyMarshalPrivate writes the keys as PEM blocks (PKCS #8), to be kept
// between two visits in a file that nobody else can read.
func (k *Keys) DangerouslyMarshalPrivate() ([]byte, error) {
	var b bytes.Buffer
	for _, key := range append(k.first[:len(k.first):len(k.first)], k.stranger) {
		der, err := x509.MarshalPKCS8PrivateKey(key.Signer)
		if err != nil {
			return nil, fmt.Errorf("writing probe keys: %s: %w", key.ID, err)
		}
		role := roleDoor
		if key.ID == k.stranger.ID {
			role = roleStranger
		}
		block := &pem.Block{Type: pemType, Bytes: der, Headers: map[string]string{
			pemID: string(key.ID), pemAlgorithm: string(key.Algorithm), pemRole: role,
		}}
		if err := pem.Encode(&b, block); err != nil {
			return nil, fmt.Errorf("writing probe keys: %s: %w", key.ID, err)
		}
	}
	return b.Bytes(), nil
}

// maxKeyFile bounds what ParseKeys reads.
const maxKeyFile = 64 << 10

// ParseKeys reads what DangerouslyMarshalPrivate wrote. There must be exactly
// one key for each algorithm, and one of a stranger. Errors never hold key
// material.
func ParseKeys(text []byte) (*Keys, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("reading probe keys: longer than %d bytes", maxKeyFile)
	}
	k := &Keys{}
	for n := 1; ; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if err := k.take(block); err != nil {
			return nil, fmt.Errorf("reading probe keys: block %d: %w", n, err)
		}
		text = rest
	}
	if len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("reading probe keys: something follows that is not a PEM block")
	}
	return k, k.complete()
}

func (k *Keys) take(block *pem.Block) error {
	if block.Type != pemType {
		return fmt.Errorf("must be of type %q", pemType)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return errors.New("does not hold a private key in PKCS #8 form")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return errors.New("holds a key that cannot sign")
	}
	key := forge.Key{ID: narrowcast.KeyID(block.Headers[pemID]), Algorithm: narrowcast.Algorithm(block.Headers[pemAlgorithm]), Signer: signer}
	if _, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: key.ID, Algorithm: key.Algorithm, Public: signer.Public()}); err != nil {
		return err
	}
	switch block.Headers[pemRole] {
	case roleDoor:
		k.first = append(k.first, key)
	case roleStranger:
		k.stranger = key
	default:
		return errors.New("has no known role")
	}
	return nil
}

func (k *Keys) complete() error {
	count := map[narrowcast.Algorithm]int{}
	for _, key := range k.first {
		count[key.Algorithm]++
	}
	for _, alg := range algorithms() {
		if count[alg] != 1 {
			return fmt.Errorf("reading probe keys: %d keys for %s; there must be one", count[alg], alg)
		}
	}
	if k.stranger.Algorithm != narrowcast.ES256 {
		return errors.New("reading probe keys: there must be an ES256 key of a stranger")
	}
	return nil
}
