package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// platform is a token as a CI system, a cloud or a cluster signs it.
type platform struct {
	forgery
	alg string
}

// platformMain is the command "platform" of the scripts. It signs the claims of a
// file with the algorithm and the header that the platform uses; iat and exp are
// added, and jti and nbf where the claims say NEW. The key is made when there is none. With -jwks it prints the
// public half, as platforms do without more than they must say.
func platformMain(args []string) int {
	var p platform
	f := flag.NewFlagSet("platform", flag.ContinueOnError)
	f.StringVar(&p.keyFile, "key", "", "file with the key, PKCS #8")
	f.StringVar(&p.alg, "alg", "RS256", "algorithm")
	f.BoolVar(&p.set, "jwks", false, "print the public key")
	f.StringVar(&p.claims, "claims", "", "file with the claims")
	f.StringVar(&p.with, "with", "", `members that are added or replaced, such as "aud":["a"]; null takes one out`)
	f.StringVar(&p.typ, "typ", "JWT", "type")
	f.DurationVar(&p.life, "life", 5*time.Minute, "from iat to exp")
	f.DurationVar(&p.age, "age", 0, "how long ago it was issued")
	if f.Parse(args) != nil || f.NArg() != 0 || p.keyFile == "" {
		return 2
	}
	text, err := p.write()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(text)
	return 0
}

func (p *platform) write() (string, error) {
	key, err := p.private()
	if err != nil {
		return "", err
	}
	public := jose.JSONWebKey{Key: key.Public(), Algorithm: p.alg, Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	if p.set {
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
		return string(text), err
	}
	sum := sha256.Sum256([]byte(public.KeyID))
	options := (&jose.SignerOptions{}).WithHeader("x5t", base64.RawURLEncoding.EncodeToString(sum[:20])) // as GitHub and Azure name a certificate
	if p.typ != "" {
		options = options.WithType(jose.ContentType(p.typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(p.alg), Key: jose.JSONWebKey{Key: key, KeyID: public.KeyID}}, options)
	if err != nil {
		return "", err
	}
	payload, err := p.stamped()
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// stamped makes a new jti where the claims say NEW, and an nbf like iat.
func (p *platform) stamped() ([]byte, error) {
	text, err := p.payload()
	if err != nil {
		return nil, err
	}
	var claims map[string]json.RawMessage
	if err := json.Unmarshal(text, &claims); err != nil {
		return nil, err
	}
	if string(claims["nbf"]) == `"NEW"` {
		claims["nbf"] = claims["iat"]
	}
	if string(claims["jti"]) == `"NEW"` {
		claims["jti"], _ = json.Marshal(rand.Text())
	}
	return json.Marshal(claims)
}

// private reads the key, or makes it.
func (p *platform) private() (crypto.Signer, error) {
	der, err := os.ReadFile(p.keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return p.newKey()
	} else if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	signer, ok := key.(crypto.Signer)
	if err == nil && !ok {
		err = errors.New("the key cannot sign")
	}
	return signer, err
}

func (p *platform) newKey() (key crypto.Signer, err error) {
	switch p.alg {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(p.keyFile, der, 0o600)
}
