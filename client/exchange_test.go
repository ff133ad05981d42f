package client_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	inbound       = secretWord + ".inbound.x"
)

func TestExchangeAsksWithTheSubjectTokenAndKeepsTheAnswer(t *testing.T) {
	d := &desk{}
	s := newSource(t, d, func(c *client.Config) { c.Task = "job-7" })
	for range 3 {
		if _, err := s.Exchange(t.Context(), inbound, pay, charge); err != nil {
			t.Fatal(err)
		}
	}
	if d.minted() != 1 {
		t.Errorf("asked %d times for one subject token", d.minted())
	}
	form := d.forms[0]
	for name, want := range map[string]string{
		"grant_type": exchangeGrant, "subject_token": inbound, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"resource": pay.String(), "scope": "charge", "task": "job-7",
	} {
		if got := form[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, another := range []func() (client.Token, error){
		func() (client.Token, error) { return s.Exchange(t.Context(), inbound+"y", pay, charge) },
		func() (client.Token, error) { return s.Exchange(t.Context(), inbound, crm, charge) },
		func() (client.Token, error) { return s.Token(t.Context(), pay, charge) },
	} {
		if _, err := another(); err != nil {
			t.Error(err)
		}
	}
	if d.minted() != 4 {
		t.Errorf("asked %d times for four different tokens", d.minted())
	}
	if last := d.forms[3]; last.Get("grant_type") != "client_credentials" || last.Has("subject_token") {
		t.Errorf("an ordinary token was asked for with %v", last)
	}
}

// A refusal that repeats the subject token must not carry it into a log.
func TestExchangeHidesTheSubjectToken(t *testing.T) {
	d := &desk{reply: func(form url.Values, _ int) answer {
		return answer{status: 400, body: `{"error":"invalid_grant","error_description":"no: ` + form.Get("subject_token") + `"}`}
	}}
	_, err := newSource(t, d, nil).Exchange(t.Context(), inbound, pay, charge)
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), secretWord) {
		t.Errorf("error = %v", err)
	}
	if _, err := newSource(t, d, nil).Exchange(t.Context(), "", pay, charge); err == nil || d.minted() != 1 {
		t.Errorf("nothing was exchanged: %v, asked %d times", err, d.minted())
	}
}

// A platform's token that stands for the client is a grant of its own: there is
// no room for a second one.
func TestExchangeNeedsAClientOfItsOwn(t *testing.T) {
	d := &desk{}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(foreign(t, issuer.String())), 0o600); err != nil {
		t.Fatal(err)
	}
	by, err := client.NewTokenFile(client.TokenFileConfig{Path: file, Use: client.AsGrant})
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(t, d, func(c *client.Config) { c.Authenticate = by })
	if _, err := s.Token(t.Context(), pay, charge); err != nil {
		t.Fatalf("the control: %v", err)
	}
	if _, err := s.Exchange(t.Context(), inbound, pay, charge); err == nil || d.minted() != 1 {
		t.Errorf("%v, asked %d times", err, d.minted())
	}
}

func TestTokenForOneRequestIsNotKept(t *testing.T) {
	d := &desk{reply: func(form url.Values, n int) answer {
		return changed(form, n, func(m map[string]any) {
			m["worst_case_survival"] = map[string]any{"connected": 12, "stale": 20, "offline": 360}
			m["authorization_details"] = json.RawMessage(form.Get("authorization_details"))
		})
	}}
	s := newSource(t, d, nil)
	const details = `[{"type":"urn:narrowcast:request","method":"POST","target":"/charges"}]`
	for n := 1; n <= 2; n++ {
		token, err := s.TokenFor(t.Context(), pay, charge, details)
		if err != nil {
			t.Fatal(err)
		}
		if d.minted() != n || d.forms[n-1].Get("authorization_details") != details {
			t.Errorf("asked %d times with %v", d.minted(), d.forms[n-1])
		}
		if got, want := token.Survival(), (client.Survival{Connected: 12 * time.Second, Stale: 20 * time.Second, Offline: 6 * time.Minute}); got != want {
			t.Errorf("survival = %+v", got)
		}
	}
	if _, err := s.TokenFor(t.Context(), narrowcast.Audience{}, charge, details); err == nil {
		t.Error("a token for nobody")
	}
	if token, err := newSource(t, &desk{}, nil).Token(t.Context(), pay, charge); err != nil || token.Survival() != (client.Survival{}) {
		t.Errorf("an issuer that says nothing: %+v, %v", token.Survival(), err)
	}
}

// An issuer that does not know the parameter answers with a token without a limit.
func TestTokenForTakesNoTokenWithoutItsDetails(t *testing.T) {
	const asked = `[{"type":"urn:narrowcast:request","locations":["` + "https://PAY.example.test" + `"],"method":"POST","target":"/charges"},{"type":"amount","most":7}]`
	const one, two = `{"type":"urn:narrowcast:request","locations":["https://pay.example.test"],"method":"POST","target":"/charges"}`, `{"most":7,"type":"amount","currency":"EUR"}`
	for granted, good := range map[string]bool{
		"[" + one + "," + two + "]": true, "[" + two + "]": true, "[" + two + "," + one + "]": true,
		"": false, "null": false, "[]": false, "{}": false, `["x"]`: false, `[{"type":"amount"}]`: false, `[{"type":"amount","most":8}]`: false,
		"[" + one + `,{"type":"other"}]`: false, strings.Replace("["+one+"]", "/charges", "/refunds", 1): false, strings.Replace("["+one+"]", "POST", "PUT", 1): false,
	} {
		d := &desk{reply: func(form url.Values, n int) answer {
			return changed(form, n, func(m map[string]any) {
				if granted != "" {
					m["authorization_details"] = json.RawMessage(granted)
				}
			})
		}}
		token, err := newSource(t, d, nil).TokenFor(t.Context(), pay, charge, asked)
		if (err == nil) != good || (err == nil) == token.IsZero() {
			t.Errorf("%s: %v", granted, err)
		}
	}
	if _, err := newSource(t, &desk{}, nil).TokenFor(t.Context(), pay, charge, "not JSON"); err == nil {
		t.Error("details that cannot be read")
	}
}
