package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// tasksAs asks the issuer about tasks as a client, with the key that holds them.
func (a *app) tasksAs(f taskFlags, create bool) (*client.Tasks, error) {
	who, err := credential.Read(f.credential)
	if err != nil {
		return nil, usage(err)
	}
	if f.key == "" {
		return a.tasksOf(who) // a key of the moment: it holds nothing
	}
	key, err := holderKey(f.key, create)
	if err != nil {
		return nil, usage(err)
	}
	prover, err := dpop.NewProver(narrowcast.ES256, key)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", f.key, err))
	}
	source, err := tokenSource(who, a.now, func(c *client.Config) { c.DPoP = prover })
	if err != nil {
		return nil, err
	}
	door, err := registry.TasksDoor(who.Issuer)
	if err != nil {
		return nil, usage(err)
	}
	return client.NewTasks(client.TasksConfig{URL: door.String(), Source: source, Transport: lively()})
}

// holderKey reads the key that holds a task, or makes it.
func holderKey(path string, create bool) (*ecdsa.PrivateKey, error) {
	raw, err := readBounded(path, 4096)
	if errors.Is(err, fs.ErrNotExist) && create {
		return newHolderKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of the task: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no key that narrowcast task open made", path)
	}
	return key, nil
}

func newHolderKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keeping the key of the task: %w", err)
	}
	return key, errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Close())
}
