package test_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
	"github.com/narrowcast-io/narrowcast/test"
)

type wycheproofFile struct {
	TestGroups []struct {
		Comment         string
		Public, Private json.RawMessage
		Tests           []wycheproofTest
	}
}

type wycheproofTest struct {
	TCID    int `json:"tcId"`
	Comment string
	JWS     any // a text, or an object in the JSON serialization
	JWE     any // encryption is not ours
	Result  string
}

// TestWycheproof runs the vectors for signatures, keys and their mix. Where our
// answer is not theirs, testdata/wycheproof.txt says why.
func TestWycheproof(t *testing.T) {
	table, err := test.ReadTable("testdata/wycheproof.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"json_web_signature", "json_web_key", "json_web_crypto"} {
		agree, explained, encrypted := runWycheproof(t, name, table)
		t.Logf("%s: %d agree, %d explained differences, %d about encryption and not ours", name, agree, explained, encrypted)
		if agree == 0 {
			t.Errorf("%s: nothing was run", name)
		}
	}
	for _, name := range table.Unused() {
		t.Errorf("testdata/wycheproof.txt explains %s, which is no difference", name)
	}
}

func runWycheproof(t *testing.T, name string, table *test.Table) (agree, explained, encrypted int) {
	t.Helper()
	text, err := readVectors(name + "_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file wycheproofFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.TestGroups {
		keys := group.Public
		if keys == nil {
			keys = group.Private // a symmetric key has no other form
		}
		for _, vector := range group.Tests {
			if vector.JWS == nil {
				encrypted++
				continue
			}
			ours := acceptJWS(keys, vector.JWS)
			id := fmt.Sprintf("%s/%d", name, vector.TCID)
			switch {
			case (ours == nil) == (vector.Result == "valid"):
				agree++
			case table.Explains(id):
				explained++
			default:
				t.Errorf("%s (%s, %s) is %s to Wycheproof; we say %v", id, group.Comment, vector.Comment, vector.Result, ours)
			}
		}
	}
	return agree, explained, encrypted
}

func readVectors(name string) ([]byte, error) {
	f, err := wycheproof.TestVectors.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

// acceptJWS checks a signature in the order that the verifier uses, without the
// claims, which these vectors do not have.
func acceptJWS(keys json.RawMessage, jws any) error {
	text, ok := jws.(string)
	if !ok {
		return errors.New("not a compact serialization")
	}
	parts, err := jose.Split(text)
	if err != nil {
		return err
	}
	var header struct{ alg, kid string }
	err = strictjson.Object(parts.Header, func(name string, v strictjson.Value) error {
		switch name {
		case "alg":
			header.alg, _ = v.Text()
		case "kid":
			header.kid, _ = v.Text()
		case "crit", "b64", "jwk", "jku", "x5u", "x5c":
			return fmt.Errorf("header %s", name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	alg, known := jose.Known(header.alg)
	if !known {
		return errors.New("unknown algorithm")
	}
	set, err := jose.ParseSet(asSet(keys))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(set, func(k jose.JWK) bool { return k.KeyID == header.kid })
	switch {
	case i < 0 || header.kid == "":
		return errors.New("no such key")
	case set[i].Alg != alg:
		return errors.New("the key is for another algorithm")
	}
	return jose.Verify(alg, set[i].Public, parts.Input, parts.Signature)
}

// asSet makes a set of a single key.
func asSet(keys json.RawMessage) string {
	var set struct{ Keys []any }
	if json.Unmarshal(keys, &set) == nil && set.Keys != nil {
		return string(keys)
	}
	return `{"keys":[` + string(keys) + `]}`
}
