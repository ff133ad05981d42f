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

// A sealed key is a version, the id of the master key, a nonce, and the PKCS #8
// form of the private key under AES-256-GCM. The version, the algorithm and the
// key's id are bound to it: a sealed key cannot stand in for another.
const (
	sealVersion = 1
	masterID    = 8
	nonceBytes  = 12
	sealHead    = 1 + masterID + nonceBytes
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

func bound(id narrowcast.KeyID, alg narrowcast.Algorithm) []byte {
	return []byte("narrowcast sealed key 1\n" + string(alg) + "\n" + string(id))
}

func (s *seal) close(id narrowcast.KeyID, alg narrowcast.Algorithm, private []byte) []byte {
	sealed := make([]byte, sealHead, sealHead+len(private)+s.aead.Overhead())
	sealed[0] = sealVersion
	copy(sealed[1:], s.id)
	nonce := sealed[1+masterID:]
	_, _ = rand.Read(nonce) // never returns an error
	return s.aead.Seal(sealed, nonce, private, bound(id, alg))
}

func (s *seal) open(id narrowcast.KeyID, alg narrowcast.Algorithm, sealed []byte) ([]byte, error) {
	switch {
	case len(sealed) <= sealHead:
		return nil, ErrAltered
	case sealed[0] != sealVersion:
		return nil, fmt.Errorf("sealed in version %d, this program knows version %d", sealed[0], sealVersion)
	case !bytes.Equal(sealed[1:1+masterID], s.id):
		return nil, ErrSealed
	}
	private, err := s.aead.Open(nil, sealed[1+masterID:sealHead], sealed[sealHead:], bound(id, alg))
	if err != nil {
		return nil, ErrAltered
	}
	return private, nil
}
