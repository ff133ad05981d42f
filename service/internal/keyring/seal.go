package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
)

// MasterBytes is the length of a master key.
const MasterBytes = 32

// A sealed key is its kind, the id of the master key, a nonce, and what is
// inside under AES-256-GCM: the PKCS #8 form of the private key, or the words by
// which its home finds it. The kind, the algorithm and the key's id are bound to
// it: a sealed key cannot stand in for another.
const (
	masterID   = 8
	nonceBytes = 12
	sealHead   = 1 + masterID + nonceBytes
)

// kind says what is in a box.
type kind byte

const (
	software  kind = 1
	reference kind = 2
)

// seal closes and opens private keys.
type seal struct {
	aead cipher.AEAD
	id   []byte // tells a wrong master key from a damaged box; says nothing about it
}

func newSeal(master []byte) (*seal, error) {
	if len(master) != MasterBytes {
		return nil, fmt.Errorf("MasterKey must have %d bytes, has %d", MasterBytes, len(master))
	}
	if bytes.Count(master, master[:1]) == MasterBytes {
		return nil, errors.New("MasterKey is one byte again and again")
	}
	key, err := hkdf.Key(sha256.New, master, nil, "narrowcast keyring 1 seal", 32)
	if err != nil {
		return nil, fmt.Errorf("MasterKey: %w", err)
	}
	defer clear(key)
	id, err := hkdf.Key(sha256.New, master, nil, "narrowcast keyring 1 id", masterID)
	if err != nil {
		return nil, fmt.Errorf("MasterKey: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("MasterKey: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("MasterKey: %w", err)
	}
	return &seal{aead: aead, id: id}, nil
}

func bound(k kind, id narrowcast.KeyID, alg narrowcast.Algorithm) []byte {
	what := "narrowcast sealed key 1\n"
	if k == reference {
		what = "narrowcast sealed reference 1\n"
	}
	return []byte(what + string(alg) + "\n" + string(id))
}

func (s *seal) close(k kind, id narrowcast.KeyID, alg narrowcast.Algorithm, inside []byte) []byte {
	sealed := make([]byte, sealHead, sealHead+len(inside)+s.aead.Overhead())
	sealed[0] = byte(k)
	copy(sealed[1:], s.id)
	nonce := sealed[1+masterID:]
	_, _ = rand.Read(nonce) // never returns an error
	return s.aead.Seal(sealed, nonce, inside, bound(k, id, alg))
}

func (s *seal) open(id narrowcast.KeyID, alg narrowcast.Algorithm, sealed []byte) (kind, []byte, error) {
	if len(sealed) <= sealHead {
		return 0, nil, ErrAltered
	}
	k := kind(sealed[0])
	switch {
	case k != software && k != reference:
		return 0, nil, fmt.Errorf("sealed in version %d, this program knows versions %d and %d", k, software, reference)
	case !bytes.Equal(sealed[1:1+masterID], s.id):
		return 0, nil, ErrSealed
	}
	inside, err := s.aead.Open(nil, sealed[1+masterID:sealHead], sealed[sealHead:], bound(k, id, alg))
	if err != nil {
		return 0, nil, ErrAltered
	}
	return k, inside, nil
}
