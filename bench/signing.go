package main

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// signing is a client with a key of its own.
type signing struct {
	id    string
	press *mint.Press
	set   string // the public half as a key set
}

func newSigning(id string, alg narrowcast.Algorithm, private crypto.Signer) (*signing, error) {
	kid, err := jose.Thumbprint(private.Public())
	if err != nil {
		return nil, err
	}
	self, err := narrowcast.ParseIssuer(id)
	if err != nil {
		return nil, err
	}
	press, err := mint.New(mint.Config{Issuer: self, KeyID: narrowcast.KeyID(kid), Algorithm: alg, Signer: private})
	if err != nil {
		return nil, err
	}
	set, err := keySet(kid, alg, private.Public())
	return &signing{id, press, set}, err
}

func keySet(kid string, alg narrowcast.Algorithm, public crypto.PublicKey) (string, error) {
	set, err := jose.MarshalSet([]jose.JWK{{KeyID: kid, Alg: jose.Alg(alg), Public: public}})
	return strings.TrimSpace(string(set)), err
}

// readClient reads a credential file that init has made.
func readClient(path string) (*signing, error) {
	id, _, private, err := readCredential(path)
	if err != nil {
		return nil, err
	}
	return newSigning(id, narrowcast.ES256, private)
}

// readCredential reads whom a credential file is for, and the key in it.
func readCredential(path string) (id, issuer string, private crypto.Signer, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", "", nil, err
	}
	var file struct {
		Issuer string `json:"issuer"`
		Client string `json:"client_id"`
		Key    string `json:"private_key"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return "", "", nil, err
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		return "", "", nil, errors.New("no key in " + filepath.Base(path))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", "", nil, err
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return "", "", nil, errors.New("not a signing key")
	}
	return file.Client, file.Issuer, private, nil
}
