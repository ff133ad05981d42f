package registry_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// clientsOf is a registry file with clients of these ids, which have a secret.
func clientsOf(ids ...string) map[string][]byte {
	var text strings.Builder
	text.WriteString("clients:\n")
	for _, id := range ids {
		text.WriteString("  - id: \"" + id + "\"\n    owner: o\n    kind: service\n    authenticate:\n" +
			"      - client_secret_basic: {argon2id: \"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}\n")
	}
	return map[string][]byte{"a.yaml": []byte(text.String())}
}

// A client writes into the book under its id, and under its id with a slash and
// more behind it. Nobody may write as the issuer, or as another client.
func TestNoClientWritesAsSomebodyElse(t *testing.T) {
	const mine, kept = "the records that the two write could not be told apart", "kept for the issuer's own records"
	for name, c := range map[string]struct {
		ids  []string
		want string
	}{
		"control":              {[]string{"guard-1", "guard-1b", "guard/2", "https://a.example.test/b"}, ""},
		"the desk":             {[]string{"issuer"}, kept},
		"an instance of it":    {[]string{"issuer/host/1"}, kept},
		"in capitals":          {[]string{"Issuer"}, kept},
		"the doors":            {[]string{"doors"}, kept},
		"the house":            {[]string{"house"}, kept},
		"the keyring":          {[]string{"keyring/k1"}, kept},
		"who applies":          {[]string{"apply"}, kept},
		"who calls back":       {[]string{"revocations/host/1"}, kept},
		"from the command":     {[]string{"revoke"}, kept},
		"who ends tasks":       {[]string{"tasks"}, kept},
		"the task command":     {[]string{"task/host"}, kept},
		"who counts uses":      {[]string{"uses"}, kept},
		"who is asked":         {[]string{"introspection"}, kept},
		"a longer word":        {[]string{"issuer-2", "housekeeper", "apply.x", "the/issuer", "task-1", "revoker"}, ""},
		"begins alike":         {[]string{"guard", "guard-1", "guard:1"}, ""},
		"begins with another":  {[]string{"https://a.example.test", "https://a.example.test/b"}, mine},
		"in the other order":   {[]string{"guard/b", "guard"}, mine},
		"two slashes deep":     {[]string{"guard", "guard/b/c"}, mine},
		"below one that is no": {[]string{"guard/b/c", "guard/b/d"}, ""},
	} {
		_, err := registry.Load(clientsOf(c.ids...))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Under an Ed25519 key of small order everybody can sign.
func TestWeakClientKeysAreRefused(t *testing.T) {
	for x, ok := range map[string]bool{
		"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo": true,
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": false,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": false,
	} {
		text := "clients:\n  - id: c\n    owner: o\n    kind: service\n    authenticate:\n      - private_key_jwt: {jwks: {keys: [{kty: OKP, crv: Ed25519, alg: Ed25519, kid: k, x: \"" + x + "\"}]}}\n"
		if _, err := registry.Load(map[string][]byte{"a.yaml": []byte(text)}); (err == nil) != ok {
			t.Errorf("%s: %v", x, err)
		}
	}
}
