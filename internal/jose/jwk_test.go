package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

func change(t testing.TB, jwk, old, replacement string) string {
	t.Helper()
	if strings.Count(jwk, old) != 1 {
		t.Fatalf("%q does not occur once", old)
	}
	return strings.Replace(jwk, old, replacement, 1)
}

func TestParseSetTakesTheKeysThatAreOurs(t *testing.T) {
	for _, test := range []struct {
		name, jwk string
		want      jose.Alg
	}{
		{"EC without alg", ecExample, jose.ES256},
		{"EC with alg", change(t, ecExample, `{`, `{"alg":"ES256",`), jose.ES256},
		{"Ed25519 by the old name", change(t, edExample, `{`, `{"alg":"EdDSA",`), jose.Ed25519},
		{"Ed25519 by the new name", change(t, edExample, `{`, `{"alg":"Ed25519",`), jose.Ed25519},
		{"RSA for PS256", change(t, rsExample, "RS256", "PS256"), jose.PS256},
		{"RSA for both", change(t, rsExample, `"alg":"RS256",`, ``), ""},
		{"for signatures", change(t, ecExample, `{`, `{"use":"sig","key_ops":["verify"],`), jose.ES256},
		{"with members nobody knows", change(t, ecExample, `{`, `{"x5c":["MII"],"ext":true,`), jose.ES256},
	} {
		t.Run(test.name, func(t *testing.T) {
			if key := keyOf(t, test.jwk); key.Alg != test.want || key.Public == nil {
				t.Errorf("key = %+v", key)
			}
		})
	}
}

func TestParseSetReadsNameAndWindow(t *testing.T) {
	key := keyOf(t, change(t, ecExample, `{`, `{"kid":"k1","nbf":1800000000,"exp":1800000300.5,`))
	if key.KeyID != "k1" || key.NotBefore != 1800000000 || key.NotAfter != 1800000300 {
		t.Errorf("key = %+v", key)
	}
}

// TestParseSetLeavesOutForeignKeys: RFC 7517 section 5 asks to ignore what is
// not understood.
func TestParseSetLeavesOutForeignKeys(t *testing.T) {
	foreign := []string{
		change(t, ecExample, `{`, `{"use":"enc",`), change(t, ecExample, `{`, `{"key_ops":["sign"],`), change(t, ecExample, `{`, `{"key_ops":[],`),
		change(t, rsExample, "RS256", "RSA-OAEP"), change(t, rsExample, "RS256", "RS512"), change(t, rsExample, "RS256", "HS256"),
		`{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}`, `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`,
		`{"kty":"OKP","crv":"X25519","x":"AA"}`, `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`, `{"kty":"ec"}`, `{}`,
	}
	keys, err := jose.ParseSet(`{"keys":[` + strings.Join(foreign, ",") + `,` + ecExample + `],"other":1}`)
	if err != nil || len(keys) != 1 || keys[0].Alg != jose.ES256 {
		t.Errorf("keys = %v, %v", keys, err)
	}
	if keys, err := jose.ParseSet(`{"keys":[]}`); err != nil || len(keys) != 0 {
		t.Errorf("an empty set = %v, %v", keys, err)
	}
}

func TestParseSetRefusesTheWholeSet(t *testing.T) {
	first := change(t, rsExample, `{`, `{"kid":"k0",`) // two keys without a name would be refused for that
	short := base64.RawURLEncoding.EncodeToString(make([]byte, 31))
	for _, test := range []struct {
		name, jwk string
		want      error
	}{
		{"private EC", change(t, ecExample, `{`, `{"d":"AA",`), jose.ErrPrivateKey},
		{"private for encryption", change(t, ecExample, `{`, `{"use":"enc","d":"AA",`), jose.ErrPrivateKey},
		{"private RSA", change(t, rsExample, `{`, `{"qi":"AA",`), jose.ErrPrivateKey},
		{"empty d", change(t, edExample, `{`, `{"d":"",`), jose.ErrPrivateKey},
		{"symmetric", `{"kty":"oct","k":"AAAA"}`, jose.ErrPrivateKey},
		{"symmetric without k", `{"kty":"oct"}`, jose.ErrPrivateKey},
		{"k beside a public key", change(t, ecExample, `{`, `{"k":"AAAA",`), jose.ErrPrivateKey},
		{"alg of another curve", change(t, ecExample, `{`, `{"alg":"ES384",`), jose.ErrAlgorithm},
		{"alg of another kind", change(t, ecExample, `{`, `{"alg":"RS256",`), jose.ErrAlgorithm},
		{"EC for Ed25519", change(t, edExample, `{`, `{"alg":"ES256",`), jose.ErrAlgorithm},
		{"name twice", change(t, ecExample, `{`, `{"kty":"EC",`), strictjson.ErrDuplicate},
		{"not on the curve", change(t, ecExample, `5a0"`, `5a4"`), nil},
		{"point at infinity", `{"kty":"EC","crv":"P-256","x":"` + zeros(32) + `","y":"` + zeros(32) + `"}`, nil},
		{"short coordinate", change(t, ecExample, `f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU`, short), nil},
		{"long coordinate", change(t, ecExample, `"f83`, `"AAAAf83`), nil},
		{"no y", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`, nil},
		{"P-256 point called P-384", change(t, ecExample, "P-256", "P-384"), nil},
		{"short Ed25519", `{"kty":"OKP","crv":"Ed25519","x":"` + short + `"}`, nil},
		{"padding", change(t, edExample, `URo"`, `URo="`), nil},
		{"line break", change(t, edExample, `URo"`, `URo\n"`), nil},
		{"loose bits", change(t, edExample, `URo"`, `URp"`), nil},
		{"standard alphabet", change(t, edExample, `S_7`, `S/7`), nil},
		{"weak RSA", `{"kty":"RSA","alg":"RS256","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 255))) + `"}`, nil},
		{"weak RSA without alg", `{"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 255))) + `"}`, nil},
		{"huge RSA", `{"kty":"RSA","alg":"RS256","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 1026))) + `"}`, nil},
		{"exponent 1", change(t, rsExample, `"AQAB"`, `"AQ"`), nil},
		{"exponent 3", change(t, rsExample, `"AQAB"`, `"Aw"`), nil},
		{"even exponent", change(t, rsExample, `"AQAB"`, `"AQAC"`), nil},
		{"no exponent", change(t, rsExample, `"AQAB"`, `""`), nil},
		{"exponent of 32 bits", change(t, rsExample, `"AQAB"`, `"gAAAAQ"`), nil},
		{"huge exponent", change(t, rsExample, `"AQAB"`, `"AQAAAAE"`), nil},
		{"kid is a number", change(t, ecExample, `{`, `{"kid":1,`), nil},
		{"alg is null", change(t, ecExample, `{`, `{"alg":null,`), nil},
		{"exp is text", change(t, ecExample, `{`, `{"exp":"1",`), nil},
		{"key_ops is text", change(t, ecExample, `{`, `{"key_ops":"verify",`), strictjson.ErrSyntax},
		{"key is text", `"key"`, strictjson.ErrSyntax},
		{"key is a list", `[]`, strictjson.ErrSyntax},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys, err := jose.ParseSet(`{"keys":[` + first + `,` + test.jwk + `]}`)
			if err == nil || len(keys) != 0 || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("keys = %v, error %v, want %v", keys, err, test.want)
			}
		})
	}
	for _, good := range []string{ecExample, edExample, rsExample} {
		if keys, err := jose.ParseSet(`{"keys":[` + first + `,` + good + `]}`); err != nil || len(keys) != 2 {
			t.Errorf("the control: %v, %v", keys, err)
		}
	}
}

func zeros(n int) string { return base64.RawURLEncoding.EncodeToString(make([]byte, n)) }

func TestParseSetRefusesWhatIsNoSet(t *testing.T) {
	named := func(kid string) string { return change(t, edExample, `{`, `{"kid":"`+kid+`",`) }
	many := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, named(fmt.Sprint(i)))
		}
		return `{"keys":[` + strings.Join(all, ",") + `]}`
	}
	if keys, err := jose.ParseSet(many(jose.MaxSetKeys)); err != nil || len(keys) != jose.MaxSetKeys {
		t.Errorf("the largest set: %d keys, %v", len(keys), err)
	}
	for name, text := range map[string]string{
		"nothing": "", "a list": `[` + ecExample + `]`, "one key": ecExample, "no keys": `{}`, "KEYS": `{"KEYS":[]}`, "keys is null": `{"keys":null}`,
		"keys is an object": `{"keys":{}}`, "keys twice": `{"keys":[],"keys":[]}`, "HTML": `<html>`, "too many keys": many(jose.MaxSetKeys + 1),
		"junk behind": `{"keys":[]}x`, "too large": `{"keys":[]}` + strings.Repeat(" ", jose.MaxSet),
	} {
		if keys, err := jose.ParseSet(text); err == nil {
			t.Errorf("%s: %v", name, keys)
		}
	}
	twice := `{"keys":[` + named("k1") + `,` + change(t, ecExample, `{`, `{"kid":"k1",`) + `]}`
	if _, err := jose.ParseSet(twice); !errors.Is(err, jose.ErrDuplicateKey) {
		t.Errorf("two keys with one name: %v", err)
	}
}

func TestMarshalSetIsReadBack(t *testing.T) {
	var keys []jose.JWK
	for i, alg := range algorithms {
		keys = append(keys, jose.JWK{KeyID: fmt.Sprint("k", i), Alg: alg, NotBefore: int64(i), NotAfter: 10, Public: signerFor(t, alg).Public()})
	}
	text, err := jose.MarshalSet(keys)
	if err != nil {
		t.Fatal(err)
	}
	back, err := jose.ParseSet(string(text))
	if err != nil || !reflect.DeepEqual(back, keys) {
		t.Errorf("%s = %v, %v", text, back, err)
	}
	for _, member := range []string{`"d":`, `"p":`, `"k":`} {
		if strings.Contains(string(text), member) {
			t.Errorf("the set has a member %s", member)
		}
	}
	if text, err := jose.MarshalSet(nil); err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("no keys = %s, %v", text, err)
	}
	if _, err := jose.MarshalSet([]jose.JWK{{Public: []byte("secret")}}); err == nil {
		t.Error("a symmetric key was written")
	}
}

// FuzzParseSet: no text panics; what is accepted can be written, read again and
// has a thumbprint, and every key of it fits its algorithm.
func FuzzParseSet(f *testing.F) {
	for _, jwk := range []string{rsaExample, edExample, ecExample, rsExample, `{"kty":"oct"}`, `{"kty":"EC","crv":"P-384","x":"","y":""}`} {
		f.Add(`{"keys":[` + jwk + `]}`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := jose.ParseSet(text)
		if err != nil {
			if len(keys) != 0 {
				t.Fatalf("keys beside the error %v", err)
			}
			return
		}
		var loose struct{ Keys []map[string]any }
		if err := json.Unmarshal([]byte(text), &loose); err != nil {
			t.Fatalf("encoding/json does not read it: %v", err)
		}
		for _, key := range keys {
			if key.Alg != "" && !jose.Fits(key.Alg, key.Public) {
				t.Fatalf("key %q does not fit %s", key.KeyID, key.Alg)
			}
			if _, err := jose.Thumbprint(key.Public); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzSplit: an accepted text is the only spelling of its parts.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{ecJWS, edJWS, "a.b.c", "YQ.YQ.YQ", "YQ==.YQ.YQ", "YQ.Y\nQ.YQ", "...", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := jose.Split(text)
		if err != nil {
			return
		}
		if jose.Seal(jose.Join(parts.Header, parts.Payload), parts.Signature) != text || !strings.HasPrefix(text, string(parts.Input)+".") {
			t.Fatalf("%q has a second spelling", text)
		}
	})
}
