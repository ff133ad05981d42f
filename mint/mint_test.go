package mint_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

var at = time.Unix(1_800_000_000, 999_999_999)

func signer(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func goodConfig(t testing.TB) mint.Config {
	t.Helper()
	return mint.Config{
		Issuer: narrowcast.MustIssuer("https://issuer.example.test"), KeyID: "k1",
		Algorithm: narrowcast.ES256, Signer: signer(t, elliptic.P256()),
	}
}

func newPress(t testing.TB) *mint.Press {
	t.Helper()
	press, err := mint.New(goodConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return press
}

func letter() mint.Letter {
	return mint.Letter{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "checkout", Client: "shop", ID: "t-1",
		IssuedAt: at, Lifetime: 5 * time.Minute, Scope: narrowcast.MustScope("refund charge"),
	}
}

func decoded(t testing.TB, text string) (header, payload string) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	h, errH := base64.RawURLEncoding.DecodeString(parts[0])
	p, errP := base64.RawURLEncoding.DecodeString(parts[1])
	if errH != nil || errP != nil {
		t.Fatal(errH, errP)
	}
	return string(h), string(p)
}

func TestMintWritesExactlyTheLetter(t *testing.T) {
	full := letter()
	full.Tenant, full.Environment, full.Task, full.Lineage = "t1", "prod", "job-7", "t-0"
	assertion := letter()
	assertion.Class, assertion.Subject, assertion.Client, assertion.Scope = narrowcast.ClientAssertion, "https://issuer.example.test", "", narrowcast.Scope{}
	for _, test := range []struct {
		name            string
		letter          mint.Letter
		header, payload string
	}{
		{"plain", letter(), `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`,
			`{"iss":"https://issuer.example.test","sub":"checkout","aud":"https://pay.example.test","client_id":"shop","scope":"charge refund","iat":1800000000,"exp":1800000300,"jti":"t-1"}`},
		{"everything", full, `{"alg":"ES256","typ":"at+jwt","kid":"k1"}`,
			`{"iss":"https://issuer.example.test","sub":"checkout","aud":"https://pay.example.test","client_id":"shop","scope":"charge refund","iat":1800000000,"exp":1800000300,"jti":"t-1","lineage":"t-0","task":"job-7","tenant":"t1","environment":"prod"}`},
		{"assertion", assertion, `{"alg":"ES256","typ":"client-authentication+jwt","kid":"k1"}`,
			`{"iss":"https://issuer.example.test","sub":"https://issuer.example.test","aud":"https://pay.example.test","iat":1800000000,"exp":1800000300,"jti":"t-1"}`},
	} {
		text, err := newPress(t).Mint(test.letter)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if header, payload := decoded(t, text); header != test.header || payload != test.payload {
			t.Errorf("%s: %s\n%s", test.name, header, payload)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	press := newPress(t)
	if _, err := press.Mint(letter()); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for _, test := range []struct {
		name, want string
		spoil      func(*mint.Letter)
	}{
		{"no audience", "Audience", func(l *mint.Letter) { l.Audience = narrowcast.Audience{} }},
		{"no subject", "Subject", func(l *mint.Letter) { l.Subject = "" }},
		{"no client", "Client", func(l *mint.Letter) { l.Client = "" }},
		{"no id", "ID", func(l *mint.Letter) { l.ID = "" }},
		{"no time", "IssuedAt", func(l *mint.Letter) { l.IssuedAt = time.Time{} }},
		{"no lifetime", "Lifetime", func(l *mint.Letter) { l.Lifetime = 0 }},
		{"negative lifetime", "Lifetime", func(l *mint.Letter) { l.Lifetime = -time.Minute }},
		{"less than a second", "Lifetime", func(l *mint.Letter) { l.Lifetime = time.Second - 1 }},
		{"more than a day", "Lifetime", func(l *mint.Letter) { l.Lifetime = narrowcast.CeilingMaxLifetime + 1 }},
		{"untyped", "Class", func(l *mint.Letter) { l.Class = narrowcast.DangerouslyUntyped }},
		{"unknown class", "Class", func(l *mint.Letter) { l.Class = 9 }},
		{"assertion for another", "subject", func(l *mint.Letter) { l.Class = narrowcast.ClientAssertion }},
	} {
		l := letter()
		test.spoil(&l)
		if text, err := press.Mint(l); err == nil || text != "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q, %v", test.name, text, err)
		}
	}
	_, err := press.Mint(mint.Letter{})
	for _, want := range []string{"Audience", "Subject", "Client", "ID", "IssuedAt", "Lifetime"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an empty letter: %v, want it to name %s", err, want)
		}
	}
}

func TestZeroPressMintsNothing(t *testing.T) {
	for _, press := range []*mint.Press{nil, {}} {
		if text, err := press.Mint(letter()); err == nil || text != "" {
			t.Errorf("minted %q", text)
		}
	}
}

func TestNewReturnsEveryFault(t *testing.T) {
	if _, err := mint.New(goodConfig(t)); err != nil {
		t.Fatalf("the control: %v", err)
	}
	_, err := mint.New(mint.Config{Algorithm: "HS256"})
	for _, want := range []string{"Issuer", "key id", "HS256", "Signer"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to name %s", err, want)
		}
	}
	c := goodConfig(t)
	c.Signer = signer(t, elliptic.P384())
	if _, err := mint.New(c); err == nil || !strings.Contains(err.Error(), "ES256") {
		t.Errorf("a P-384 key for ES256: %v", err)
	}
}

// brokenSigner stands for a security module that is gone.
type brokenSigner struct{ crypto.Signer }

var errGone = errors.New("the module is gone")

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errGone }

func TestMintReportsABrokenSigner(t *testing.T) {
	c := goodConfig(t)
	c.Signer = brokenSigner{c.Signer}
	press, err := mint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := press.Mint(letter()); !errors.Is(err, errGone) || text != "" {
		t.Errorf("minted %q, %v", text, err)
	}
}

// TestPrintingAPressGivesNoKeyAway prints a press in every way.
func TestPrintingAPressGivesNoKeyAway(t *testing.T) {
	c := goodConfig(t)
	press, err := mint.New(c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Signer.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	words := fmt.Sprint(new(big.Int).SetBytes(raw).Bits()) // the form that fmt would print
	hidden := struct{ p *mint.Press }{press}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, printed := range []any{press, *press, hidden} {
			text := fmt.Sprintf(verb, printed)
			if strings.Contains(text, fmt.Sprintf("%x", raw[:8])) || strings.Contains(text, strings.Trim(words, "[]")) {
				t.Errorf("%s gives the key away", verb)
			}
		}
	}
}

// FuzzMint: whatever the words are, a token that is minted says exactly them:
// the book would not find another jti again.
func FuzzMint(f *testing.F) {
	press := newPress(f)
	f.Add("checkout", "shop", "t-1", "job", "t1", "orch", "data", "t-0", `[{"type":"payment"}]`, "https://issuer.example.test/status/1", uint64(7), uint8(2))
	f.Add(`","aud":"https://crm.example.test`, "\\", "\x00", "\u2028", "\xff<>&", `"},"aud":"x`, `"}`, `","jti":"x`, `[{"type":"a"}],"aud":"x"`, `"}},"aud":"x`, uint64(1), uint8(200))
	f.Fuzz(func(t *testing.T, subject, client, id, task, tenant, actor, may, parent, details, uri string, index uint64, actors uint8) {
		l := letter()
		l.Subject, l.Client, l.ID = narrowcast.Subject(subject), narrowcast.ClientID(client), narrowcast.TokenID(id)
		l.Task, l.Tenant = narrowcast.TaskID(task), tenant
		l.Actors = slices.Repeat([]narrowcast.Subject{narrowcast.Subject(actor)}, int(actors))
		l.MayAct, l.Parent, l.Details, l.SingleUse = narrowcast.Subject(may), narrowcast.TokenID(parent), details, actors%2 == 0
		if parent != "" {
			l.Lineage = "t-00"
		}
		l.Status = mint.Status{URI: uri, Index: index}
		text, err := press.Mint(l)
		if err != nil {
			return
		}
		_, payload := decoded(t, text)
		var said map[string]any
		if err := json.Unmarshal([]byte(payload), &said); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		for name, want := range map[string]string{"sub": subject, "client_id": client, "jti": id, "task": task, "tenant": tenant, "parent": parent, "aud": "https://pay.example.test"} {
			got, _ := said[name].(string)
			if got != want {
				t.Fatalf("%s = %q, want %q", name, got, want)
			}
		}
		claimed, err := narrowcast.Inspect(text)
		if err != nil {
			t.Fatalf("%s: minted, and nobody reads it: %v", payload, err)
		}
		if len(claimed.Audience) != 1 || claimed.TokenID != id || claimed.SingleUse != l.SingleUse || claimed.Parent != parent ||
			claimed.StatusList != uri || claimed.StatusAt != index || len(claimed.Actors) != int(actors) || actors > 0 && claimed.Actors[actors-1] != actor {
			t.Fatalf("claimed = %+v", claimed)
		}
	})
}

func TestTokenIDsDoNotRepeat(t *testing.T) {
	seen := map[narrowcast.TokenID]bool{}
	for range 1000 {
		id := mint.NewTokenID()
		if _, err := narrowcast.ParseTokenID(string(id)); err != nil || len(id) < 26 || seen[id] {
			t.Fatalf("id %q, %v", id, err)
		}
		seen[id] = true
	}
}
