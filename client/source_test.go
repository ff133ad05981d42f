package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/jwks"
)

func TestAThousandCallersAreOneMintForEachResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{delay: time.Second}
		s := newSource(t, d, nil)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				audience := pay
				if i%2 == 1 {
					audience = crm
				}
				if token := get(t, s, audience); !strings.Contains(token.Secret(), strings.TrimPrefix(audience.String(), "https://")) {
					t.Errorf("the token for %s is another's", audience)
				}
			})
		}
		wg.Wait()
		if d.minted() != 2 {
			t.Errorf("minted %d tokens for two resources", d.minted())
		}
		get(t, s, pay)
		if d.minted() != 2 {
			t.Error("a kept token was fetched again")
		}
		if _, err := s.Token(t.Context(), pay, narrowcast.MustScope("refund")); err != nil || d.minted() != 3 {
			t.Errorf("another scope is another token: %v, %d minted", err, d.minted())
		}
	})
}

func TestATokenIsRefreshedAtFourFifthsOfItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := newSource(t, d, nil)
		first := get(t, s, pay)
		time.Sleep(200 * time.Second) // 69 % of 290 s
		get(t, s, pay)
		synctest.Wait()
		if d.minted() != 1 {
			t.Fatal("refreshed too early")
		}
		time.Sleep(40 * time.Second)
		if same := get(t, s, pay); same.Fingerprint() != first.Fingerprint() {
			t.Error("the call that begins the refresh waited for it")
		}
		synctest.Wait()
		if second := get(t, s, pay); d.minted() != 2 || second.Fingerprint() == first.Fingerprint() {
			t.Errorf("minted %d, want a second token", d.minted())
		}
	})
}

func TestAFailingRefreshKeepsTheTokenWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := newSource(t, d, nil)
		first := get(t, s, pay)
		d.reply = func(url.Values, int) answer { return answer{status: 400, body: `{"error":"invalid_client"}`} }
		for range 29 {
			time.Sleep(9 * time.Second)
			if token := get(t, s, pay); token.Fingerprint() != first.Fingerprint() {
				t.Fatal("another token")
			}
		}
		synctest.Wait()
		if n := d.minted(); n < 3 || n > 12 {
			t.Errorf("asked %d times while it failed", n)
		}
		time.Sleep(40 * time.Second)
		var refusal *client.Error
		if _, err := s.Token(t.Context(), pay, charge); !errors.As(err, &refusal) || refusal.Code != "invalid_client" || refusal.Status != 400 {
			t.Errorf("after the end: error = %v", err)
		}
		d.reply = nil
		get(t, s, pay)
	})
}

func TestABusyIssuerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{reply: func(form url.Values, n int) answer {
			if n < 3 {
				return answer{status: 503}
			}
			return granted(form, n)
		}}
		signer := newSigner(t)
		s := newSource(t, d, func(c *client.Config) { c.Authenticate = byKey(t, signer) })
		get(t, s, pay)
		if a, b := d.forms[0].Get("client_assertion"), d.forms[1].Get("client_assertion"); a == b {
			t.Error("an assertion was used twice")
		}
		d.reply = func(url.Values, int) answer { return answer{status: 503} }
		if _, err := s.Token(t.Context(), crm, charge); err == nil {
			t.Error("a busy issuer gave a token")
		}
		if d.minted() != 6 {
			t.Errorf("asked %d times in all, want 6", d.minted())
		}
	})
}

func TestTheEndpointIsLookedUpAgainWhenItMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{reply: func(form url.Values, n int) answer {
			if n == 1 {
				return answer{status: 404}
			}
			return granted(form, n)
		}}
		get(t, newSource(t, d, nil), pay)
		looked := 0
		for _, address := range d.seen {
			if strings.Contains(address, ".well-known") {
				looked++
			}
		}
		if looked != 2 {
			t.Errorf("looked up %d times: %v", looked, d.seen)
		}
	})
}

func TestTheAssertionIsForTheIssuerAlone(t *testing.T) {
	signer := newSigner(t)
	d := &desk{}
	s := newSource(t, d, func(c *client.Config) { c.Authenticate = byKey(t, signer) })
	get(t, s, pay)
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "c1", Algorithm: narrowcast.ES256, Public: signer.Public()})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.Fixed(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience:   narrowcast.MustAudience(issuer.String()),
		Issuers:    []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer("checkout"), Keys: keys, Class: narrowcast.ClientAssertion}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now, MaxLifetime: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	form := d.forms[0]
	token, err := verifier.Verify(t.Context(), form.Get("client_assertion"), narrowcast.Presentation{})
	if err != nil {
		t.Fatal(err)
	}
	said := token.Describe()
	if said.Type != "client-authentication+jwt" || len(said.Audience) != 1 || said.Subject != "checkout" || said.Expires.Sub(said.IssuedAt) != time.Minute {
		t.Errorf("assertion = %+v", said)
	}
	if form.Get("resource") != pay.String() || form.Get("scope") != "charge" || form.Get("grant_type") != "client_credentials" {
		t.Errorf("form = %v", form)
	}
}

// An issuer compares its identifier byte by byte (RFC 8414 section 3.3).
func TestAnIssuerWithARootSlashIsNotMisspelt(t *testing.T) {
	d := &desk{}
	get(t, newSource(t, d, func(c *client.Config) {
		c.Issuer, c.TokenEndpoint = narrowcast.MustIssuer("https://issuer.example.test/"), "https://issuer.example.test/token"
		c.Authenticate = byKey(t, newSigner(t))
	}), pay)
	said, err := narrowcast.Inspect(d.forms[0].Get("client_assertion"))
	if err != nil || len(said.Audience) != 1 || said.Audience[0] != "https://issuer.example.test/" {
		t.Errorf("%v %v", said.Audience, err)
	}
}

func TestBasicAuthenticationIsFormEncoded(t *testing.T) {
	d := &desk{}
	a, err := client.DangerouslySharedSecret("check out", "p:w/"+secretWord)
	if err != nil {
		t.Fatal(err)
	}
	get(t, newSource(t, d, func(c *client.Config) { c.Authenticate = a }), pay)
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("check+out:p%3Aw%2F"+secretWord))
	if got := d.asked[0].Header.Get("Authorization"); got != want {
		t.Errorf("Authorization is not the form-encoded pair (RFC 6749 section 2.3.1)")
	}
}

func TestAnswersThatAreNotWhatWasAskedFor(t *testing.T) {
	type edit = func(m map[string]any)
	set := func(name string, value any) edit { return func(m map[string]any) { m[name] = value } }
	drop := func(name string) edit { return func(m map[string]any) { delete(m, name) } }
	jwt := func(payload string) edit {
		enc := base64.RawURLEncoding.EncodeToString
		return set("access_token", enc([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k"}`))+"."+enc([]byte(payload))+"."+enc([]byte("signature")))
	}
	cases := map[string]struct {
		edit edit
		ok   bool
	}{
		"as asked":                       {func(map[string]any) {}, true},
		"resource as a string":           {set("resource", pay.String()), true},
		"resource with the root slash":   {set("resource", pay.String()+"/"), true},
		"no resource: unconfirmed":       {drop("resource"), true},
		"another resource":               {set("resource", crm.String()), false},
		"another resource in a list":     {set("resource", []string{crm.String()}), false},
		"ours and another":               {set("resource", []string{pay.String(), crm.String()}), false},
		"no resource in the list":        {set("resource", []string{}), false},
		"resource is a number":           {set("resource", 7), false},
		"resource is null":               {set("resource", nil), false},
		"DPoP":                           {set("token_type", "DPoP"), false},
		"bearer in another case":         {set("token_type", "bearer"), true},
		"no type":                        {drop("token_type"), false},
		"no token":                       {drop("access_token"), false},
		"a token with a line break":      {set("access_token", "a\r\nX-Evil: 1"), false},
		"a token that is too long":       {set("access_token", strings.Repeat("a", 17<<10)), false},
		"no life":                        {drop("expires_in"), false},
		"life zero":                      {set("expires_in", 0), false},
		"life negative":                  {set("expires_in", -5), false},
		"life too long":                  {set("expires_in", 86401), false},
		"life in quotes":                 {set("expires_in", "300"), false},
		"life a fraction":                {set("expires_in", 0.5), false},
		"less scope":                     {set("scope", ""), true},
		"the same scope":                 {set("scope", "charge"), true},
		"more scope":                     {set("scope", "charge refund"), false},
		"jwt for us":                     {jwt(`{"aud":"https://pay.example.test"}`), true},
		"jwt without audience":           {jwt(`{"sub":"x"}`), true},
		"jwt for another":                {jwt(`{"aud":"https://crm.example.test"}`), false},
		"jwt for both":                   {jwt(`{"aud":["https://pay.example.test","https://crm.example.test"]}`), false},
		"member names count in one case": {func(m map[string]any) { m["Resource"] = crm.String() }, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &desk{reply: func(form url.Values, n int) answer { return changed(form, n, c.edit) }}
			token, err := newSource(t, d, nil).Token(t.Context(), pay, charge)
			if (err == nil) != c.ok {
				t.Fatalf("error = %v", err)
			}
			if err == nil && token.Confirmed() == strings.HasPrefix(name, "no resource") {
				t.Errorf("Confirmed = %v", token.Confirmed())
			}
		})
	}
	d := &desk{reply: func(form url.Values, n int) answer { return changed(form, n, drop("resource")) }}
	s := newSource(t, d, func(c *client.Config) { c.RequireConfirmation = true })
	if _, err := s.Token(t.Context(), pay, charge); err == nil || !strings.Contains(err.Error(), "RequireConfirmation") {
		t.Errorf("unconfirmed: error = %v", err)
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	good := granted(url.Values{"resource": {pay.String()}}, 1).body
	for name, a := range map[string]answer{
		"garbage":         {200, "<html>", nil},
		"empty":           {200, "", nil},
		"a list":          {200, "[]", nil},
		"two objects":     {200, good + "{}", nil},
		"cut short":       {200, good[:len(good)-2], nil},
		"repeated member": {200, strings.Replace(good, "{", `{"token_type":"Bearer",`, 1), nil},
		"oversize":        {200, good + strings.Repeat(" ", 65<<10), nil},
		"redirect":        {302, good, http.Header{"Location": {"https://evil.example.test/token"}}},
		"redirect 307":    {307, good, http.Header{"Location": {"https://evil.example.test/token"}}},
		"201":             {201, good, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{reply: func(url.Values, int) answer { return a }}
			_, err := newSource(t, d, nil).Token(t.Context(), pay, charge)
			if err == nil {
				t.Error("a token came of it")
			}
			for _, address := range d.seen {
				if strings.Contains(address, "evil") {
					t.Error("the credential was sent to", address)
				}
			}
		})
	}
}

func TestMetadataOfAnotherIssuerIsNotUsed(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"the issuer's":        {metadata, true},
		"another issuer":      {strings.Replace(metadata, "issuer.example.test\"", "evil.example.test\"", 1), false},
		"a slash more":        {strings.Replace(metadata, "example.test\"", "example.test/\"", 1), false},
		"no issuer":           {`{"token_endpoint":"https://issuer.example.test/token"}`, false},
		"plain http":          {strings.Replace(metadata, "https://issuer.example.test/token", "http://issuer.example.test/token", 1), false},
		"no endpoint":         {`{"issuer":"https://issuer.example.test"}`, false},
		"issuer in two cases": {strings.Replace(metadata, "{", `{"Issuer":"https://evil.example.test",`, 1), true},
		"issuer twice":        {strings.Replace(metadata, "{", `{"issuer":"https://evil.example.test",`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{}
			transport := roundTrip(func(req *http.Request) (*http.Response, error) {
				if strings.Contains(req.URL.Path, ".well-known") {
					return response(req, answer{status: 200, body: c.body}), nil
				}
				return d.RoundTrip(req)
			})
			s := newSource(t, nil, func(config *client.Config) { config.Transport = transport })
			if _, err := s.Token(t.Context(), pay, charge); (err == nil) != c.ok {
				t.Errorf("error = %v", err)
			}
			if !c.ok && d.minted() != 0 {
				t.Error("the credential was sent all the same")
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNothingIsAskedWithoutAResource(t *testing.T) {
	d := &desk{}
	if _, err := newSource(t, d, nil).Token(t.Context(), narrowcast.Audience{}, charge); err == nil || !strings.Contains(err.Error(), "exactly one audience") {
		t.Errorf("error = %v", err)
	}
	if len(d.seen) != 0 {
		t.Error("the issuer was asked")
	}
	var zero client.Source
	if _, err := zero.Token(t.Context(), pay, charge); err == nil {
		t.Error("the zero Source gave a token")
	}
	_, err := client.NewSource(client.Config{TokenEndpoint: "http://issuer.example.test/", Timeout: time.Hour, MaxTokens: -1})
	for _, name := range []string{"Issuer", "TokenEndpoint", "Authenticate", "Now", "Timeout", "MaxTokens"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}

func TestACallerMayGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{delay: 5 * time.Second}
		s := newSource(t, d, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Token(ctx, pay, charge); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		get(t, s, pay) // the fetch went on
		if d.minted() != 1 {
			t.Errorf("minted %d", d.minted())
		}
	})
}

func TestKeptTokensAreBounded(t *testing.T) {
	d := &desk{}
	s := newSource(t, d, func(c *client.Config) { c.MaxTokens = 4 })
	for i := range 40 {
		get(t, s, narrowcast.MustAudience(fmt.Sprintf("https://s%d.example.test", i)))
	}
	if d.minted() != 40 {
		t.Errorf("minted %d", d.minted())
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	d := &desk{}
	s := newSource(t, d, nil)
	token := get(t, s, pay)
	if !strings.Contains(token.Secret(), secretWord) {
		t.Fatal("the control: the token does hold the word")
	}
	authenticate := bySecret(t)
	type holder struct {
		hidden client.Token
		Shown  client.Token
		list   []client.Token
		auth   client.Authenticator
	}
	h := holder{token, token, []client.Token{token}, authenticate}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "token", token, "holder", h, "auth", authenticate)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "token", token, "pointer", &token, "holder", h)
	encoded, err := json.Marshal(map[string]any{"token": token, "holder": h, "keyed": map[string]client.Token{"a": token}})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{logged.String(), string(encoded), token.String(), token.GoString(), fmt.Sprint(token.LogValue())}
	for _, v := range []any{token, &token, h, &h, authenticate, s, client.Config{Authenticate: authenticate}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, text := range printed {
		if strings.Contains(text, secretWord) || strings.Contains(text, fmt.Sprintf("%x", secretWord)) {
			t.Errorf("a secret is printed: %.200s", text)
		}
	}
}

func TestNoSecretIsInAnError(t *testing.T) {
	replies := map[string]func(url.Values, int) answer{
		"echoed": func(url.Values, int) answer {
			return answer{status: 401, body: `{"error":"invalid_client","error_description":"secret ` + secretWord + ` is wrong"}`}
		},
		"in the code": func(url.Values, int) answer { return answer{status: 400, body: `{"error":"` + secretWord + `"}`} },
		"in a plain body": func(url.Values, int) answer {
			return answer{status: 500, body: secretWord}
		},
		"beside another resource": func(form url.Values, n int) answer {
			return changed(form, n, func(m map[string]any) { m["resource"] = crm.String() })
		},
		"with a bad type": func(form url.Values, n int) answer {
			return changed(form, n, func(m map[string]any) { m["token_type"] = secretToken("x", 40) })
		},
	}
	for name, reply := range replies {
		_, err := newSource(t, &desk{reply: reply}, nil).Token(t.Context(), pay, charge)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secretWord) {
			t.Errorf("%s: %s", name, text)
		}
	}
	signer := newSigner(t)
	echo := func(form url.Values, _ int) answer {
		return answer{status: 400, body: `{"error":"invalid_client","error_description":"bad assertion ` + form.Get("client_assertion") + `"}`}
	}
	_, err := newSource(t, &desk{reply: echo}, func(c *client.Config) { c.Authenticate = byKey(t, signer) }).Token(t.Context(), pay, charge)
	if err == nil || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("error = %v", err)
	}
	helpful := func(url.Values, int) answer {
		return answer{status: 400, body: `{"error":"invalid_target","error_description":"no caller entry for checkout"}`}
	}
	var refusal *client.Error
	if _, err = newSource(t, &desk{reply: helpful}, nil).Token(t.Context(), pay, charge); !errors.As(err, &refusal) || refusal.Code != "invalid_target" || !strings.Contains(err.Error(), "no caller entry for checkout") {
		t.Errorf("error = %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	good := granted(url.Values{"resource": {pay.String()}}, 1).body
	for _, seed := range []string{good, "{}", "[]", good + good, strings.ToUpper(good), `{"resource":`} {
		f.Add(seed)
	}
	a, _ := client.DangerouslySharedSecret("checkout", secretWord)
	f.Fuzz(func(t *testing.T, body string) {
		d := &desk{reply: func(url.Values, int) answer { return answer{status: 200, body: body} }}
		s, err := client.NewSource(client.Config{Issuer: issuer, TokenEndpoint: "https://issuer.example.test/token", Authenticate: a, Now: time.Now, Transport: d})
		if err != nil {
			t.Fatal(err)
		}
		token, err := s.Token(t.Context(), pay, charge)
		if err != nil && !token.IsZero() {
			t.Fatal("a token beside an error")
		}
		if err == nil && (token.Audience() != pay || token.Secret() == "" || !charge.Covers(token.Scope())) {
			t.Fatalf("token = %v for %v", token, token.Scope())
		}
	})
}
