package mint_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/mint"
)

// A statement is no letter: whatever its payload says, its type keeps it from
// being taken for a token.
func TestSealSignsStatementsAndNoTokens(t *testing.T) {
	press := newPress(t)
	text, err := press.Seal("token-introspection+jwt", []byte(`{"iss":"https://issuer.example.test"}`))
	if err != nil {
		t.Fatalf("the control: %v", err)
	}
	if header, payload := decoded(t, text); header != `{"alg":"ES256","typ":"token-introspection+jwt","kid":"k1"}` || payload != `{"iss":"https://issuer.example.test"}` {
		t.Errorf("%s %s", header, payload)
	}
	for _, c := range []struct{ typ, payload string }{
		{"at+jwt", `{}`}, {"JWT", `{}`}, {"", `{}`}, {"application/at+jwt", `{}`}, {"client-authentication+jwt", `{}`}, {"dpop+jwt", `{}`},
		{`token-introspection+jwt","typ":"at+jwt`, `{}`}, {"token-introspection+jwt", `[]`}, {"token-introspection+jwt", `null`},
		{"token-introspection+jwt", ``}, {"token-introspection+jwt", `{} {}`},
	} {
		if text, err := press.Seal(c.typ, []byte(c.payload)); err == nil || text != "" || strings.Contains(err.Error(), `"typ"`) {
			t.Errorf("%q %q: %q, %v", c.typ, c.payload, text, err)
		}
	}
	for _, press := range []*mint.Press{nil, {}} {
		if text, err := press.Seal("token-introspection+jwt", []byte(`{}`)); err == nil || text != "" {
			t.Errorf("sealed %q", text)
		}
	}
}
