package keyring

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
)

// seal encrypts private keys with AES-256-GCM under the master key. The form is
// one version byte, the nonce and the ciphertext; the key id is bound to it, so
// that a sealed key cannot stand in for another.
type seal struct{ aead cipher.AEAD }

const sealVersion = 1

func newSeal(master []byte) (*seal, error) {
	block, err := aes.NewCipher(master)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &seal{aead}, err
}

func (s *seal) close(id narrowcast.KeyID, private crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("sealing key %s: %w", id, err)
	}
	out := make([]byte, 1+s.aead.NonceSize(), 1+s.aead.NonceSize()+len(der)+s.aead.Overhead())
	out[0] = sealVersion
	_, _ = rand.Read(out[1:]) // never fails
	return s.aead.Seal(out, out[1:], der, bound(id)), nil
}

func (s *seal) open(id narrowcast.KeyID, sealed []byte) (crypto.Signer, error) {
	head := 1 + s.aead.NonceSize()
	if len(sealed) < head || sealed[0] != sealVersion {
		return nil, fmt.Errorf("opening key %s: not a sealed key of this version", id)
	}
	der, err := s.aead.Open(nil, sealed[1:head], sealed[head:], bound(id))
	if err != nil {
		return nil, fmt.Errorf("opening key %s: %w", id, ErrSealed)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("opening key %s: what was sealed is not a private key", id)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("opening key %s: what was sealed cannot sign", id)
	}
	return signer, nil
}

func bound(id narrowcast.KeyID) []byte { return []byte("narrowcast signing key\n" + string(id)) }
