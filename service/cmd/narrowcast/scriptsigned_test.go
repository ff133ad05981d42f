package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// signedMain is the command "signed" of the scripts: it checks a JWT in a file
// with another library than ours and with the keys of its issuer, and prints the
// payload as it was signed.
func signedMain(args []string) int {
	f := flag.NewFlagSet("signed", flag.ContinueOnError)
	keys := f.String("keys", "", "file with the JWK Set of the issuer")
	typ := f.String("typ", "", "the type that it must have")
	if f.Parse(args) != nil || f.NArg() != 1 {
		return 2
	}
	payload, err := openSigned(*keys, *typ, f.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("%s\n", payload)
	return 0
}

func openSigned(keys, typ, file string) ([]byte, error) {
	text, err := os.ReadFile(keys)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	if text, err = os.ReadFile(file); err != nil {
		return nil, err
	}
	jws, err := jose.ParseSignedCompact(strings.TrimSpace(string(text)), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	header := jws.Signatures[0].Protected
	if got := header.ExtraHeaders[jose.HeaderType]; got != typ {
		return nil, fmt.Errorf("typ is %v, want %s", got, typ)
	}
	for _, key := range set.Key(header.KeyID) {
		return jws.Verify(key)
	}
	return nil, fmt.Errorf("no key %s in %s", header.KeyID, keys)
}
