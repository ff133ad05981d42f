package authn_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// FuzzForeign signs whatever it is given with the key of all issuers. A token
// that is accepted under any name says of itself what the rule of its client
// demands, as package json reads it.
func FuzzForeign(f *testing.F) {
	for _, payload := range []string{
		github(), github(`"22"`, `22`), github(`"jti"`, `"ref":"x","jti"`), github(`"22"`, `["22"]`), github(`"push"`, `"pull_request"`), github(`"push"`, `"push","head_ref":"x"`),
		pod(), pod(`"shop"`, `"shop","namespace":"x"`), pod(`{"namespace"`, `"{\"namespace\"`), svid(), svid(`{"sub"`, `{"iss":"checkout","sub"`), svid("/checkout", "/gone"),
		claims("checkout", `"`+ours+`"`, 60),
	} {
		f.Add(jwt, payload, "", true)
		f.Add(header, payload, "checkout", false)
	}
	f.Add(`{"alg":"ES256","kid":"c1","typ":"JWT","jku":"x"}`, svid(), domain+"/checkout", true)
	h := travel(f)
	f.Fuzz(func(t *testing.T, head, payload, id string, asGrant bool) {
		token := sign(t, h.key, head, payload)
		shown := issuer.Credentials{ClientID: id, Token: token}
		if !asGrant {
			shown = issuer.Credentials{ClientID: id, AssertionType: authn.AssertionType, Assertion: token}
		}
		who, err := h.Authenticate(t.Context(), shown)
		if err != nil {
			if strings.Contains(err.Error(), token) {
				t.Errorf("the token is repeated: %v", err)
			}
			return
		}
		var said map[string]any
		if err := json.Unmarshal([]byte(payload), &said); err != nil {
			t.Fatalf("accepted and unreadable: %s", payload)
		}
		if aud, is := said["aud"].([]any); said["aud"] != ours && (!is || !slices.Equal(aud, []any{ours})) {
			t.Errorf("accepted with another audience: %s", payload)
		}
		if !demanded(string(who.Client), who.Method, said) {
			t.Errorf("accepted as %s by %s: %s", who.Client, who.Method, payload)
		}
	})
}

func demanded(client, method string, said map[string]any) bool {
	switch {
	case client == "deploy":
		id := said["repository_id"]
		return said["iss"] == actions && (id == "22" || id == 22.0) && said["ref"] == "refs/heads/main" && said["event_name"] == "push" &&
			(said["head_ref"] == nil || said["head_ref"] == "") && (said["base_ref"] == nil || said["base_ref"] == "")
	case client == "checkout" && method == "spiffe":
		return said["sub"] == domain+"/checkout"
	case client == "checkout" && method == "token":
		cluster, _ := said["kubernetes.io"].(map[string]any)
		account, _ := cluster["serviceaccount"].(map[string]any)
		return said["sub"] == "system:serviceaccount:shop:checkout" && cluster["namespace"] == "shop" && account["name"] == "checkout"
	}
	return client == "checkout" && said["iss"] == "checkout" && said["sub"] == "checkout"
}
