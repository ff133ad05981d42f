package client_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
)

// visit is what a resource server saw.
type visit struct {
	address, authorization, body string
}

// street is the network of the resource servers.
type street struct {
	visits []visit
	reply  func(req *http.Request, n int) answer
}

func (s *street) RoundTrip(req *http.Request) (*http.Response, error) {
	v := visit{address: req.URL.String(), authorization: req.Header.Get("Authorization")}
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		v.body = string(b)
	}
	s.visits = append(s.visits, v)
	if s.reply == nil {
		return response(req, answer{status: 200}), nil
	}
	return response(req, s.reply(req, len(s.visits))), nil
}

func newCaller(t testing.TB, d *desk, s *street) *http.Client {
	t.Helper()
	transport, err := client.NewTransport(client.TransportConfig{
		Tokens: newSource(t, d, nil), Base: s,
		Doors: map[string]narrowcast.Audience{
			"https://pay.example.test":       pay,
			"https://crm.example.test:8443/": crm,
			"https://api.example.test/pay":   pay,
			"https://api.example.test/crm/":  crm,
			"http://127.0.0.1:8080":          pay,
		},
		Scopes: map[narrowcast.Audience]narrowcast.Scope{pay: charge},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

func do(c *http.Client, req *http.Request) (int, error) {
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func request(t testing.TB, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestTheTokenFollowsTheDestination(t *testing.T) {
	for address, audience := range map[string]narrowcast.Audience{
		"https://pay.example.test":               pay,
		"https://pay.example.test/charges?a=1":   pay,
		"https://PAY.example.test:443/charges":   pay,
		"https://crm.example.test:8443/people":   crm,
		"https://api.example.test/pay":           pay,
		"https://api.example.test/pay/x":         pay,
		"https://api.example.test/crm/y":         crm,
		"http://127.0.0.1:8080/x":                pay,
		"https://pay.example.test/a/../b":        pay, // the whole origin is one door
		"http://pay.example.test/":               {},
		"https://crm.example.test/":              {},
		"https://pay.example.test.evil.test/":    {},
		"https://pay.example.test./":             {},
		"https://api.example.test/":              {},
		"https://api.example.test/payments":      {},
		"https://api.example.test/Pay":           {},
		"https://api.example.test/pay/../crm":    {},
		"https://api.example.test/pay/%2e%2e/x":  {},
		"https://api.example.test/pay%2f..%2fx":  {},
		"https://api.example.test/pay//x":        {},
		"https://user:pw@pay.example.test/":      {},
		"https://evil.example.test/?pay.example": {},
		"http://127.0.0.1:8081/":                 {},
	} {
		d, s := &desk{}, &street{}
		_, err := do(newCaller(t, d, s), request(t, address))
		if audience.IsZero() {
			if err == nil || len(s.visits) != 0 || len(d.seen) != 0 {
				t.Errorf("%s: error %v, %d visits, issuer asked %d times", address, err, len(s.visits), len(d.seen))
			}
			continue
		}
		if err != nil || len(s.visits) != 1 {
			t.Errorf("%s: %v", address, err)
		} else if want := "Bearer " + secretToken(audience.String(), 1); s.visits[0].authorization != want {
			t.Errorf("%s: the token is not the one for %s", address, audience)
		}
	}
}

func TestAnUnmappedDestinationIsNamed(t *testing.T) {
	_, err := do(newCaller(t, &desk{}, &street{}), request(t, "https://evil.example.test/x?secret="+secretWord))
	if !errors.Is(err, client.ErrUnmapped) || !strings.Contains(errors.Unwrap(err).Error(), "GET https://evil.example.test was not sent") {
		t.Errorf("error = %v", err)
	}
}

func TestAHostHeaderDoesNotLeadAway(t *testing.T) {
	s := &street{}
	req := request(t, "https://pay.example.test/")
	req.Host = "crm.example.test"
	if _, err := do(newCaller(t, &desk{}, s), req); err == nil || len(s.visits) != 0 {
		t.Errorf("error = %v", err)
	}
}

func TestAnAuthorizationHeaderIsNeverOverwritten(t *testing.T) {
	for _, name := range []string{"Authorization", "authorization"} {
		s := &street{}
		req := request(t, "https://pay.example.test/")
		req.Header[name] = []string{"Basic eDp5"}
		if _, err := do(newCaller(t, &desk{}, s), req); !errors.Is(err, client.ErrAuthorizationSet) || len(s.visits) != 0 {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	req := request(t, "https://pay.example.test/")
	if _, err := do(newCaller(t, &desk{}, &street{}), req); err != nil || len(req.Header) != 0 {
		t.Errorf("the request was altered: %v, %v", req.Header, err)
	}
}

func TestARedirectGetsTheTokenOfItsOwnDestinationOrNone(t *testing.T) {
	for to, want := range map[string]string{
		"https://evil.example.test/":           "",
		"http://pay.example.test/":             "",
		"https://pay.example.test/other":       "Bearer " + secretToken(pay.String(), 1),
		"https://crm.example.test:8443/people": "Bearer " + secretToken(crm.String(), 2),
		"https://api.example.test/pay/x":       "Bearer " + secretToken(pay.String(), 1),
		"https://api.example.test/elsewhere":   "",
	} {
		for _, status := range []int{302, 307} {
			s := &street{reply: func(_ *http.Request, n int) answer {
				if n == 1 {
					return answer{status: status, header: http.Header{"Location": {to}}}
				}
				return answer{status: 200}
			}}
			if _, err := do(newCaller(t, &desk{}, s), request(t, "https://pay.example.test/")); err != nil {
				t.Errorf("%s: %v", to, err)
				continue
			}
			if len(s.visits) != 2 || s.visits[1].authorization != want {
				t.Errorf("%s: another token, or one where none belongs", to)
			}
		}
	}
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	invalid := answer{status: 401, header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}}
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := &street{reply: func(_ *http.Request, n int) answer {
			if n == 1 {
				return invalid
			}
			return answer{status: 200}
		}}
		c := newCaller(t, d, s)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://pay.example.test/", strings.NewReader("amount=10"))
		if status, err := do(c, req); err != nil || status != 200 {
			t.Fatalf("status %d, %v", status, err)
		}
		if len(s.visits) != 2 || s.visits[0].authorization == s.visits[1].authorization || s.visits[1].body != "amount=10" {
			t.Errorf("visits = %d", len(s.visits))
		}
		s.reply = func(*http.Request, int) answer { return invalid }
		for range 50 {
			if status, err := do(c, request(t, "https://pay.example.test/")); err != nil || status != 401 {
				t.Fatalf("status %d, %v", status, err)
			}
		}
		if d.minted() != 2 {
			t.Errorf("a server that refuses everything caused %d mints", d.minted())
		}
		time.Sleep(11 * time.Second)
		before := len(s.visits)
		req, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, "https://pay.example.test/", io.NopCloser(strings.NewReader("once")))
		if status, err := do(c, req); err != nil || status != 401 || len(s.visits) != before+1 {
			t.Errorf("a body that cannot be had again was sent again: %d, %v", status, err)
		}
	})
}

func TestOther401sAreLeftAlone(t *testing.T) {
	for _, challenge := range []string{"", "Bearer", `Bearer error="insufficient_scope"`} {
		s := &street{reply: func(*http.Request, int) answer {
			return answer{status: 401, header: http.Header{"Www-Authenticate": {challenge}}}
		}}
		d := &desk{}
		if status, err := do(newCaller(t, d, s), request(t, "https://pay.example.test/")); err != nil || status != 401 || d.minted() != 1 || len(s.visits) != 1 {
			t.Errorf("%q: status %d, %v, %d mints", challenge, status, err, d.minted())
		}
	}
}

func TestTheIssuersRefusalComesThrough(t *testing.T) {
	d := &desk{reply: func(url.Values, int) answer { return answer{status: 400, body: `{"error":"invalid_target"}`} }}
	s := &street{}
	_, err := do(newCaller(t, d, s), request(t, "https://pay.example.test/"))
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Code != "invalid_target" || len(s.visits) != 0 {
		t.Errorf("error = %v", err)
	}
}

func TestNewTransportReportsEveryFault(t *testing.T) {
	_, err := client.NewTransport(client.TransportConfig{
		Doors: map[string]narrowcast.Audience{
			"http://pay.example.test": pay, "pay.example.test": pay, "https://x.example.test?q": pay, "https://zero.example.test": {},
			"https://same.example.test": pay, "https://same.example.test:443/": crm, "https://dots.example.test/a/../b": pay,
		},
		Scopes: map[narrowcast.Audience]narrowcast.Scope{narrowcast.MustAudience("https://lost.example.test"): charge},
	})
	for _, part := range []string{"Tokens", "http://pay", `"pay.example.test"`, "x.example", "zero", "same", "dots", "lost"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not mention %s", err, part)
		}
	}
	if _, err := do(&http.Client{Transport: new(client.Transport)}, request(t, "https://pay.example.test/")); err == nil {
		t.Error("the zero Transport sent a request")
	}
}

func jwt(payload string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"ES256","typ":"JWT","kid":"k"}`)) + "." + enc([]byte(payload)) + "." + enc([]byte(secretWord))
}

func TestCheckEgressStopsATokenForSomebodyElse(t *testing.T) {
	forPay, forCRM := jwt(`{"aud":"https://pay.example.test"}`), jwt(`{"aud":"https://crm.example.test"}`)
	both, none := jwt(`{"aud":["https://pay.example.test","https://crm.example.test"]}`), jwt(`{"sub":"x"}`)
	head := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	query := func(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }
	for name, c := range map[string]struct {
		edit func(*http.Request)
		ok   bool
	}{
		"nothing":                   {func(*http.Request) {}, true},
		"ours":                      {head("Authorization", "Bearer "+forPay), true},
		"another's":                 {head("Authorization", "Bearer "+forCRM), false},
		"another's in other dress":  {head("X-Forwarded-Access-Token", "t="+forCRM+";"), false},
		"for both":                  {head("Authorization", "Bearer "+both), false},
		"without audience":          {head("Authorization", "Bearer "+none), false},
		"one letter off":            {head("Authorization", "Bearer "+jwt(`{"aud":"https://pay.example.test/v1"}`)), false},
		"empty audience":            {head("Authorization", "Bearer "+jwt(`{"aud":""}`)), false},
		"audience twice":            {head("Authorization", "Bearer "+jwt(`{"aud":"https://crm.example.test","aud":"https://pay.example.test"}`)), false},
		"second of two values":      {func(r *http.Request) { r.Header["X-T"] = []string{forPay, forCRM} }, false},
		"query":                     {query("access_token=" + forCRM), false},
		"query with semicolon":      {query("a=1;t=" + forCRM), false},
		"query, encoded":            {query("t=" + strings.ReplaceAll(forCRM, ".", "%2e")), false},
		"path":                      {func(r *http.Request) { r.URL.Path = "/t/" + forCRM }, false},
		"ours in the query":         {query("access_token=" + forPay), true},
		"cookie":                    {head("Cookie", "session="+forCRM), false},
		"cookie of the destination": {head("Cookie", "session="+none), true},
		"DPoP proof":                {head("DPoP", none), true},
		"a version number":          {head("User-Agent", "agent/1.2.3 go/1.26.0"), true},
		"opaque":                    {head("Authorization", "Bearer "+secretWord), true},
		"a flood":                   {head("X-T", strings.Repeat("a ", 2000)), false},
	} {
		req := request(t, "https://pay.example.test/x")
		c.edit(req)
		err := client.CheckEgress(req, pay)
		if (err == nil) != c.ok {
			t.Errorf("%s: error = %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), secretWord)) {
			t.Errorf("%s: the error holds a token: %v", name, err)
		}
		if err != nil && client.CheckEgress(req, narrowcast.Audience{}) == nil {
			t.Errorf("%s: passes to a destination that is nobody", name)
		}
	}
	req := request(t, "https://pay.example.test/")
	req.Header.Set("Authorization", "Bearer "+forCRM)
	var stopped *client.EgressError
	err := client.CheckEgress(req, pay)
	if !errors.As(err, &stopped) || stopped.Expected != pay || stopped.Fingerprint != narrowcast.FingerprintOf(forCRM) ||
		err.Error() != "the request carries a token for https://crm.example.test in header Authorization, and goes to https://pay.example.test" {
		t.Errorf("error = %v", err)
	}
}

func TestATransportChecksWhatLeaves(t *testing.T) {
	s := &street{}
	req := request(t, "https://pay.example.test/")
	req.Header.Set("X-Token", jwt(`{"aud":"https://crm.example.test"}`))
	var stopped *client.EgressError
	if _, err := do(newCaller(t, &desk{}, s), req); !errors.As(err, &stopped) || len(s.visits) != 0 {
		t.Errorf("error = %v", err)
	}
}

func FuzzCheckEgress(f *testing.F) {
	f.Add("Bearer "+jwt(`{"aud":"https://crm.example.test"}`), "t=1")
	f.Add("", "t="+jwt(`{"aud":[]}`))
	f.Add("a.b.c", "%")
	f.Fuzz(func(t *testing.T, value, query string) {
		req := &http.Request{Method: "GET", Header: http.Header{"X": {value}}, URL: &url.URL{Scheme: "https", Host: "pay.example.test", RawQuery: query}}
		forOne, forNobody := client.CheckEgress(req, pay), client.CheckEgress(req, narrowcast.Audience{})
		if forOne != nil && forNobody == nil {
			t.Fatal("what may not go to pay may go to nobody")
		}
	})
}
