package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
)

// forgery is a token that no honest issuer would write, or a key set for one.
type forgery struct {
	keyFile, kid                              string
	set                                       bool
	until                                     string
	issuer, audience, subject, client, scopes string
	typ, header                               string
	claims, with                              string
	life, age                                 time.Duration
}

// forgeMain is the command "forge" of the scripts. It signs whatever it is told
// to with the key in a file, which it makes when there is none. With -jwks it
// prints the public half as a JWK Set instead.
func forgeMain(args []string) int {
	var f forgery
	flags := flag.NewFlagSet("forge", flag.ContinueOnError)
	flags.StringVar(&f.keyFile, "key", "", "file with the key")
	flags.StringVar(&f.kid, "kid", "", "id of the key; default its thumbprint")
	flags.BoolVar(&f.set, "jwks", false, "print the public key")
	flags.StringVar(&f.until, "until", "", "last day of the key, for -jwks")
	flags.StringVar(&f.issuer, "iss", "", "issuer")
	flags.StringVar(&f.audience, "aud", "", "audience, as a string")
	flags.StringVar(&f.subject, "sub", "mallory", "subject")
	flags.StringVar(&f.client, "client", "mallory", "client")
	flags.StringVar(&f.scopes, "scope", "", "scope")
	flags.StringVar(&f.typ, "typ", "at+jwt", "type")
	flags.StringVar(&f.claims, "claims", "", "file with the claims of a foreign token, in place of those above; iat and exp are added")
	flags.StringVar(&f.with, "with", "", `members that are added or replaced, such as "aud":["a"]; null takes one out`)
	flags.StringVar(&f.header, "header", "", `more members of the header, such as "jku":"…"`)
	flags.DurationVar(&f.life, "life", 5*time.Minute, "from iat to exp")
	flags.DurationVar(&f.age, "age", 0, "how long ago it was issued")
	if flags.Parse(args) != nil || flags.NArg() != 0 || f.keyFile == "" {
		return 2
	}
	text, err := f.write()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(text)
	return 0
}

func (f *forgery) write() (string, error) {
	key, err := f.key()
	if err != nil {
		return "", err
	}
	if f.kid == "" {
		f.kid = string(key.Key.ID())
	}
	if f.set {
		return f.keySet(key.Key)
	}
	return f.token(key.Signer())
}

func (f *forgery) key() (credential.Credential, error) {
	key, err := credential.Read(f.keyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key, err = credential.New(narrowcast.MustIssuer("https://forge.example.test"), "forge")
	return key, errors.Join(err, key.Write(f.keyFile))
}

func (f *forgery) keySet(key narrowcast.Key) (string, error) {
	c := narrowcast.KeyConfig{ID: narrowcast.KeyID(f.kid), Algorithm: key.Algorithm(), Public: key.Public()}
	if f.until != "" {
		until, err := time.Parse(time.DateOnly, f.until)
		if err != nil {
			return "", err
		}
		c.NotAfter = until
	}
	named, err := narrowcast.NewKey(c)
	if err != nil {
		return "", err
	}
	set, err := jwks.Marshal([]narrowcast.Key{named})
	return string(set), err
}

func (f *forgery) token(signer crypto.Signer) (string, error) {
	private, ok := signer.(*ecdsa.PrivateKey)
	if !ok {
		return "", errors.New("not an ECDSA key")
	}
	payload, err := f.payload()
	if err != nil {
		return "", err
	}
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q`, f.kid)
	if f.typ != "" {
		header += fmt.Sprintf(`,"typ":%q`, f.typ)
	}
	if f.header != "" {
		header += "," + f.header
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(header+"}")) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// payload writes the claims: of an access token of ours, or those of a file.
func (f *forgery) payload() ([]byte, error) {
	issued := time.Now().Add(-f.age)
	claims := map[string]any{
		"iss": f.issuer, "aud": f.audience, "sub": f.subject, "client_id": f.client, "scope": f.scopes, "jti": string(mint.NewTokenID()),
	}
	if f.claims != "" {
		text, err := os.ReadFile(f.claims)
		clear(claims)
		if err := errors.Join(err, json.Unmarshal(text, &claims)); err != nil {
			return nil, err
		}
	}
	claims["iat"], claims["exp"] = issued.Unix(), issued.Add(f.life).Unix()
	if err := json.Unmarshal([]byte("{"+f.with+"}"), &claims); err != nil {
		return nil, err
	}
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return json.Marshal(claims)
}

// openMain is the command "open" of the scripts: it prints the header and the
// payload of the first token in standard input, byte by byte as they were signed.
func openMain([]string) int {
	text, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	if err != nil {
		return 2
	}
	parts := regexp.MustCompile(`(eyJ[\w-]+)\.([\w-]+)\.[\w-]+`).FindSubmatch(text)
	if parts == nil {
		fmt.Fprintln(os.Stderr, "no token in standard input")
		return 1
	}
	for _, part := range parts[1:] {
		raw, err := base64.RawURLEncoding.DecodeString(string(part))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Printf("%s\n", raw)
	}
	return 0
}
