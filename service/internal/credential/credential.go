// Package credential keeps what a client proves itself with in one file: who it
// is, whose client it is, and its private key.
package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/narrowcast-io/narrowcast"
)

// Credential is the private half of a client that uses private_key_jwt. It does
// not print its key.
type Credential struct {
	Issuer narrowcast.Issuer
	Client narrowcast.ClientID
	Key    narrowcast.Key // the public half, whose id is its thumbprint
	signer crypto.Signer
}

// New makes a credential with a fresh ES256 key.
func New(issuer narrowcast.Issuer, client narrowcast.ClientID) (Credential, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Credential{}, fmt.Errorf("credential: making a key: %w", err)
	}
	return from(issuer, client, private)
}

func from(issuer narrowcast.Issuer, client narrowcast.ClientID, private *ecdsa.PrivateKey) (Credential, error) {
	config := narrowcast.KeyConfig{ID: "unnamed", Algorithm: narrowcast.ES256, Public: &private.PublicKey}
	unnamed, err := narrowcast.NewKey(config)
	if err != nil {
		return Credential{}, fmt.Errorf("credential: %w", err)
	}
	thumbprint, err := unnamed.Thumbprint()
	if err != nil {
		return Credential{}, fmt.Errorf("credential: %w", err)
	}
	config.ID = narrowcast.KeyID(thumbprint)
	key, err := narrowcast.NewKey(config)
	if err != nil {
		return Credential{}, fmt.Errorf("credential: %w", err)
	}
	return Credential{Issuer: issuer, Client: client, Key: key, signer: private}, nil
}

// Signer returns the private key.
func (c Credential) Signer() crypto.Signer { return c.signer }

// String names the credential without its key.
func (c Credential) String() string {
	return fmt.Sprintf("credential of %s at %s", c.Client, c.Issuer)
}

// GoString is String, so that %#v does not show the key either.
func (c Credential) GoString() string { return c.String() }

// file is the form on disk.
type file struct {
	Issuer     narrowcast.Issuer `json:"issuer"`
	Client     string            `json:"client_id"`
	Algorithm  string            `json:"algorithm"`
	PrivateKey string            `json:"private_key"` // PKCS #8, PEM
}

// Write makes a file that only its owner can read. It refuses to overwrite.
func (c Credential) Write(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(c.signer)
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	text, err := json.MarshalIndent(file{
		Issuer: c.Issuer, Client: string(c.Client), Algorithm: string(c.Key.Algorithm()),
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}

// maxFile bounds a credential file.
const maxFile = 64 << 10

// Read reads a file that Write made. Errors never repeat its content.
func Read(path string) (Credential, error) {
	f, err := os.Open(path)
	if err != nil {
		return Credential{}, fmt.Errorf("credential: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Credential{}, fmt.Errorf("credential %s: %w", path, err)
	}
	c, err := parse(raw)
	if err != nil {
		return Credential{}, fmt.Errorf("credential %s: %w", path, err)
	}
	return c, nil
}

func parse(raw []byte) (Credential, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var in file
	if err := d.Decode(&in); err != nil {
		return Credential{}, errors.New("is not a credential file: it must be one JSON object with issuer, client_id, algorithm and private_key")
	}
	client, err := narrowcast.ParseClientID(in.Client)
	if err != nil {
		return Credential{}, fmt.Errorf("client_id: %w", err)
	}
	if in.Issuer.IsZero() {
		return Credential{}, errors.New("issuer is missing")
	}
	block, rest := pem.Decode([]byte(in.PrivateKey))
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return Credential{}, errors.New("private_key is not one PKCS #8 key in PEM form")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Credential{}, errors.New("private_key cannot be read")
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || in.Algorithm != string(narrowcast.ES256) {
		return Credential{}, errors.New("only ES256 keys are supported in a credential file")
	}
	return from(in.Issuer, client, private)
}
