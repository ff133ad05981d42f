package registry_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

type object struct {
	Ref                  string            `json:"$ref"`
	AdditionalProperties any               `json:"additionalProperties"`
	Properties           map[string]object `json:"properties"`
	Items                *object           `json:"items"`
	Defs                 map[string]object `json:"$defs"`
}

func (o object) resolve(root object) object {
	if name, is := strings.CutPrefix(o.Ref, "#/$defs/"); is {
		return root.Defs[name]
	}
	return o
}

// places are texts with an unknown key in every mapping that the loader knows,
// and the way to the same mapping in the schema.
func places() map[string]string {
	credential := func(text string) string { return "clients: [{id: c, authenticate: [" + text + "]}]" }
	return map[string]string{
		"":                  "zzzzzz: 1",
		"resources":         "resources: [{zzzzzz: 1}]",
		"resources/tokens":  "resources: [{tokens: {zzzzzz: 1}}]",
		"resources/callers": "resources: [{callers: [{zzzzzz: 1}]}]", "resources/verifiers": "resources: [{verifiers: [{zzzzzz: 1}]}]",
		"resources/servers": "resources: [{servers: [{zzzzzz: 1}]}]",
		"resources/aliases": "resources: [{aliases: [{zzzzzz: 1}]}]",
		"clients":           "clients: [{zzzzzz: 1}]", "clients/authenticate": credential("{zzzzzz: 1}"),
		"clients/authenticate/private_key_jwt":             credential("{private_key_jwt: {zzzzzz: 1}}"),
		"clients/authenticate/private_key_jwt/jwks":        credential("{private_key_jwt: {jwks: {zzzzzz: 1}}}"),
		"clients/authenticate/private_key_jwt/jwks/keys":   credential("{private_key_jwt: {jwks: {keys: [{zzzzzz: 1}]}}}"),
		"clients/authenticate/client_secret_basic":         credential("{client_secret_basic: {zzzzzz: 1}}"),
		"clients/authenticate/tls_client_auth":             credential("{tls_client_auth: {zzzzzz: 1}}"),
		"clients/authenticate/self_signed_tls_client_auth": credential("{self_signed_tls_client_auth: {zzzzzz: 1}}"),
		"clients/authenticate/token":                       credential("{token: {zzzzzz: 1}}"),
		"clients/authenticate/kubernetes":                  credential("{kubernetes: {zzzzzz: 1}}"),
		"issuers":                                          "issuers: [{zzzzzz: 1}]",
	}
}

// The schema and the loader know the same keys, everywhere.
func TestSchemaAndLoaderKnowTheSameKeys(t *testing.T) {
	var root object
	if err := json.Unmarshal(registry.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	mappings := 0
	for path, text := range places() {
		at := root
		for step := range strings.SplitSeq(path, "/") {
			if step == "" {
				continue
			}
			at = at.Properties[step].resolve(root)
			if at.Items != nil {
				at = at.Items.resolve(root)
			}
		}
		mappings++
		if at.AdditionalProperties != false {
			t.Errorf("%q: the schema allows unknown keys", path)
		}
		want := slices.Sorted(maps.Keys(at.Properties))
		if diff := cmp.Diff(want, knownAt(t, text)); diff != "" {
			t.Errorf("%q: schema and loader differ: %s", path, diff)
		}
	}
	closed := 1
	for _, def := range root.Defs {
		if def.Properties != nil {
			closed++
		}
	}
	if closed != mappings {
		t.Errorf("the schema describes %d mappings, the test looks at %d", closed, mappings)
	}
}

// knownAt returns the keys that the loader knows where text has zzzzzz.
func knownAt(t *testing.T, text string) []string {
	t.Helper()
	_, err := registry.Load(map[string][]byte{"a.yaml": []byte(text)})
	var faults strictyaml.Faults
	if !errors.As(err, &faults) {
		t.Fatal(text, err)
	}
	for _, f := range faults {
		if f.Known != nil {
			return slices.Sorted(slices.Values(f.Known))
		}
	}
	t.Fatalf("%s: the unknown key was not reported: %v", text, err)
	return nil
}
