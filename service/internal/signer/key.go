package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/narrowcast-io/narrowcast"
)

// Key is a key of the program. It is a crypto.Signer for its one algorithm and
// may be used by many goroutines.
type Key struct {
	client *Client
	name   string
	alg    narrowcast.Algorithm
	public crypto.PublicKey
}

const (
	maxName = 256
	maxKeys = 10_000 // that List reads
)

// Generate makes a key in the program, and lets it sign once, so that a key
// that cannot is noticed before anybody relies on it. It returns the key's name,
// by which Open finds it.
func (c *Client) Generate(ctx context.Context, alg narrowcast.Algorithm) ([]byte, crypto.Signer, error) {
	k, err := c.generate(ctx, alg)
	if err != nil {
		return nil, nil, fmt.Errorf("making a %s key in the signer: %w", alg, err)
	}
	return []byte(k.name), k, nil
}

func (c *Client) generate(ctx context.Context, alg narrowcast.Algorithm) (*Key, error) {
	a, err := c.askOnce(ctx, question{Op: "generate", Algorithm: string(alg), Label: c.config.Label})
	if err != nil {
		return nil, err
	}
	if a.Key == nil || a.Key.Algorithm != string(alg) {
		return nil, fmt.Errorf("%w: the answer describes no key for %s", ErrModule, alg)
	}
	k, err := c.keyOf(*a.Key)
	if err != nil {
		return nil, err
	}
	return k, k.try()
}

// try signs something that is no token.
func (k *Key) try() error {
	const trial = "narrowcast: the first signature of a key, which says nothing"
	signed, opts := []byte(trial), crypto.SignerOpts(crypto.Hash(0))
	switch k.alg {
	case narrowcast.ES256, narrowcast.RS256, narrowcast.PS256:
		sum := sha256.Sum256(signed)
		signed, opts = sum[:], crypto.SHA256
	case narrowcast.ES384:
		sum := sha512.Sum384(signed)
		signed, opts = sum[:], crypto.SHA384
	}
	if k.alg == narrowcast.PS256 {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	_, err := k.Sign(nil, signed, opts)
	return err
}

// Open finds a key by the name that Generate returned. It returns ErrUnknownKey,
// ErrAway.
func (c *Client) Open(ctx context.Context, name []byte) (crypto.Signer, error) {
	k, err := c.find(ctx, string(name))
	if err != nil {
		return nil, fmt.Errorf("finding a key in the signer: %w", err)
	}
	return k, nil
}

func (c *Client) find(ctx context.Context, name string) (*Key, error) {
	if !goodName(name) {
		return nil, ErrUnknownKey
	}
	a, err := c.ask(ctx, question{Op: "find", Key: name})
	if err != nil {
		return nil, err
	}
	if a.Key == nil || a.Key.Name != name {
		return nil, fmt.Errorf("%w: it returned another key", ErrModule)
	}
	return c.keyOf(*a.Key)
}

// List returns every key that the program shows, also those that nobody uses.
func (c *Client) List(ctx context.Context) ([]*Key, error) {
	var all []*Key
	for after := ""; ; {
		a, err := c.ask(ctx, question{Op: "list", After: after})
		if err != nil {
			return nil, fmt.Errorf("listing the keys of the signer: %w", err)
		}
		for _, h := range a.Keys {
			k, err := c.keyOf(h)
			if err != nil {
				return nil, fmt.Errorf("listing the keys of the signer: %w", err)
			}
			if k.name <= after || len(all) == maxKeys {
				return nil, fmt.Errorf("listing the keys of the signer: %w: they are not in order, or more than %d", ErrModule, maxKeys)
			}
			all, after = append(all, k), k.name
		}
		if !a.More || len(a.Keys) == 0 {
			return all, nil
		}
	}
}

func goodName(name string) bool { return name != "" && printable(name, maxName) }

func (c *Client) keyOf(h held) (*Key, error) {
	public, err := x509.ParsePKIXPublicKey(h.Public)
	if err != nil || !goodName(h.Name) {
		return nil, fmt.Errorf("%w: it describes a key that cannot be read", ErrModule)
	}
	k, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "unnamed", Algorithm: narrowcast.Algorithm(h.Algorithm), Public: public})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	return &Key{client: c, name: h.Name, alg: k.Algorithm(), public: public}, nil
}

// Name is what the program calls the key.
func (k *Key) Name() string { return k.name }

// Algorithm is the one algorithm of the key.
func (k *Key) Algorithm() narrowcast.Algorithm { return k.alg }

// Public returns the public half.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Format names a key, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "key "+k.name+" for "+string(k.alg))
}

// Sign signs a digest, or a message for Ed25519. It asks for at most
// Config.Timeout, also across a restart of the program, and returns only a
// signature that it has checked: ASN.1 DER for ECDSA. random is not used.
func (k *Key) Sign(_ io.Reader, signed []byte, opts crypto.SignerOpts) ([]byte, error) {
	q := question{Op: "sign", Key: k.name, Algorithm: string(k.alg)}
	switch {
	case !k.fits(signed, opts):
		return nil, fmt.Errorf("signing with a key for %s: what is signed, or its hash, does not fit", k.alg)
	case k.alg == narrowcast.Ed25519:
		q.Message = bytes.Clone(signed)
	default:
		q.Digest = bytes.Clone(signed)
	}
	a, err := k.client.ask(context.Background(), q)
	if err != nil {
		return nil, fmt.Errorf("signing with a key for %s: %w", k.alg, err)
	}
	if !k.verify(signed, a.Signature) {
		k.client.config.Log("key " + k.name + ": " + ErrForged.Error())
		return nil, ErrForged
	}
	return a.Signature, nil
}

// fits reports whether the key signs what is asked for, as it is asked for.
func (k *Key) fits(signed []byte, opts crypto.SignerOpts) bool {
	if opts == nil || k.client == nil {
		return false
	}
	hash, isPlain := opts.(crypto.Hash)
	switch k.alg {
	case narrowcast.Ed25519:
		return opts.HashFunc() == 0 && isPlain && len(signed) > 0 && len(signed) <= MaxMessage
	case narrowcast.ES384:
		return opts.HashFunc() == crypto.SHA384 && len(signed) == sha512.Size384
	case narrowcast.PS256:
		pss, ok := opts.(*rsa.PSSOptions)
		return ok && pss.HashFunc() == crypto.SHA256 && len(signed) == sha256.Size &&
			(pss.SaltLength == rsa.PSSSaltLengthEqualsHash || pss.SaltLength == sha256.Size)
	case narrowcast.RS256:
		return isPlain && hash == crypto.SHA256 && len(signed) == sha256.Size
	case narrowcast.ES256:
		return opts.HashFunc() == crypto.SHA256 && len(signed) == sha256.Size
	}
	return false
}

// verify checks a signature with the public half.
func (k *Key) verify(signed, signature []byte) bool {
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, signed, signature)
	case ed25519.PublicKey:
		return ed25519.Verify(p, signed, signature)
	case *rsa.PublicKey:
		if k.alg == narrowcast.PS256 {
			opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			return rsa.VerifyPSS(p, crypto.SHA256, signed, signature, opts) == nil
		}
		return rsa.VerifyPKCS1v15(p, crypto.SHA256, signed, signature) == nil
	}
	return false
}
