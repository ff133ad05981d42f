package mint_test

import (
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// The thumbprints that the standards print.
const (
	rfc9449Key         = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" // RFC 9449 section 6.1
	rfc8705Certificate = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" // RFC 8705 appendix A
)

func TestConfirmationIsWritten(t *testing.T) {
	press := newPress(t)
	for _, test := range []struct{ key, certificate, want string }{
		{"", "", `"jti":"t-1"}`},
		{rfc9449Key, "", `,"cnf":{"jkt":"` + rfc9449Key + `"}}`},
		{"", rfc8705Certificate, `,"cnf":{"x5t#S256":"` + rfc8705Certificate + `"}}`},
		{rfc9449Key, rfc8705Certificate, `,"cnf":{"jkt":"` + rfc9449Key + `","x5t#S256":"` + rfc8705Certificate + `"}}`},
	} {
		l := letter()
		l.Confirmation.Key, l.Confirmation.Certificate = test.key, test.certificate
		text, err := press.Mint(l)
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		if _, payload := decoded(t, text); !strings.HasSuffix(payload, test.want) {
			t.Errorf("payload = %s", payload)
		}
		if c, err := narrowcast.Inspect(text); err != nil || c.Bound != (test.key+test.certificate != "") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A confirmation that nobody could ever show, or that says more than itself, is
// no letter.
func TestConfirmationHasOneForm(t *testing.T) {
	press := newPress(t)
	for name, text := range map[string]string{
		"short": rfc9449Key[:42], "long": rfc9449Key + "A", "padded": rfc9449Key + "=", "plain base64": strings.Replace(rfc9449Key, "-", "+", 1),
		"another end": rfc9449Key[:42] + "J", "a line break": rfc9449Key[:42] + "\n", "a quote": rfc9449Key[:42] + `"`,
		"hexadecimal": strings.Repeat("0f", 32), "a space": " " + rfc9449Key[1:],
	} {
		for _, c := range []func(*mint.Letter){
			func(l *mint.Letter) { l.Confirmation.Key = text },
			func(l *mint.Letter) { l.Confirmation.Certificate = text },
			func(l *mint.Letter) { l.Confirmation.Key, l.Confirmation.Certificate = rfc9449Key, text },
		} {
			l := letter()
			c(&l)
			if minted, err := press.Mint(l); err == nil || minted != "" || !strings.Contains(err.Error(), "Confirmation") {
				t.Errorf("%s: %q, %v", name, minted, err)
			}
		}
	}
	if !(mint.Confirmation{}).IsZero() || (mint.Confirmation{Key: rfc9449Key}).IsZero() {
		t.Error("only the zero Confirmation is zero")
	}
}

func assertionTo(server string) mint.Letter {
	return mint.Letter{
		Server: narrowcast.MustIssuer(server), Subject: "https://issuer.example.test", ID: "t-1",
		IssuedAt: at, Lifetime: time.Minute, Class: narrowcast.ClientAssertion,
	}
}

// An issuer may write itself with a root slash, and its assertions must do so
// too (RFC 7523 section 3 item 3: simple string comparison).
func TestAssertionsAreAddressedToAnIssuerAsItWritesItself(t *testing.T) {
	press := newPress(t)
	for _, server := range []string{"https://tenant.auth.example.test/", "https://tenant.auth.example.test", "https://auth.example.test/t1/"} {
		text, err := press.Mint(assertionTo(server))
		if err != nil {
			t.Errorf("%s: %v", server, err)
			continue
		}
		if _, payload := decoded(t, text); !strings.Contains(payload, `"aud":"`+server+`"`) {
			t.Errorf("payload = %s", payload)
		}
	}
	for name, spoil := range map[string]func(*mint.Letter){
		"two audiences":              func(l *mint.Letter) { l.Audience = narrowcast.MustAudience("https://pay.example.test") },
		"bound":                      func(l *mint.Letter) { l.Confirmation.Key = rfc9449Key },
		"an access token for issuer": func(l *mint.Letter) { l.Class, l.Client = narrowcast.AccessToken, "shop" },
	} {
		l := assertionTo("https://auth.example.test/")
		spoil(&l)
		if text, err := press.Mint(l); err == nil || text != "" {
			t.Errorf("%s: minted %q", name, text)
		}
	}
}
