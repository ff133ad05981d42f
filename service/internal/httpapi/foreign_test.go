package httpapi_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// What the standards send, with our resource. The assertion of RFC 7523 is
// abridged there and stands for a genuine one here.
const (
	rfc8693Token     = "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"
	rfc8693Request   = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=" + rfc8693Token + "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token" // section 2.3, figure 1
	rfc7523Assertion = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP"
	rfc7523Request   = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + rfc7523Assertion // section 2.1
	toPay            = "&resource=https%3A%2F%2Fpay.example.test"
)

// platform vouches for the tokens of the standards and leaves the rest to the
// authentication behind it.
type platform struct{ next issuer.Authenticator }

func (p platform) Authenticate(ctx context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	token := shown.Token
	if token == "" {
		return p.next.Authenticate(ctx, shown)
	}
	if shown.Assertion != "" || shown.Basic != nil {
		shown.Token = ""
		if _, err := p.next.Authenticate(ctx, shown); err != nil {
			return issuer.Identity{}, err
		}
	}
	if token != rfc8693Token && token != rfc7523Assertion {
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.TokenRefused, Detail: "the token is wrong"}
	}
	return issuer.Identity{
		Client: "checkout", Subject: "repo:shop/checkout:ref:refs/heads/main", Method: "token",
		Assertion: narrowcast.Claimed{Issuer: "https://ci.example.test", TokenID: "run-7", Fingerprint: narrowcast.FingerprintOf(token)},
	}, nil
}

func openPlatform(t testing.TB) *house {
	t.Helper()
	return openWith(t, ours, func(c *issuer.Config) { c.Authenticator = platform{c.Authenticator} }, func(*httpapi.Config) {})
}

func TestExchangeAndAssertionGrant(t *testing.T) {
	for name, c := range map[string]struct{ body, issued string }{
		"RFC 8693":              {rfc8693Request + toPay, issuer.AccessTokenType},
		"RFC 7523":              {rfc7523Request + toPay, ""},
		"with empty parameters": {rfc8693Request + toPay + "&actor_token=&actor_token_type=&requested_token_type=", issuer.AccessTokenType},
		"audience instead":      {rfc8693Request + "&audience=https%3A%2F%2Fpay.example.test", issuer.AccessTokenType},
		"the type that it gets": {rfc8693Request + toPay + "&requested_token_type=" + url.QueryEscape(issuer.AccessTokenType), issuer.AccessTokenType},
	} {
		h := openPlatform(t)
		answer, claims := claimsOf(t, h.post(c.body))
		issued, _ := answer["issued_token_type"].(string)
		if answer["token_type"] != "Bearer" || issued != c.issued || claims["sub"] != "repo:shop/checkout:ref:refs/heads/main" || claims["client_id"] != "checkout" || claims["aud"] != pay {
			t.Errorf("%s: %v %v", name, answer, claims)
		}
		if e := h.book.last(t); !strings.Contains(e.Detail, "https://ci.example.test") || !strings.Contains(e.Detail, "run-7") {
			t.Errorf("%s: detail = %s", name, e.Detail)
		}
	}
}

func TestExchangeAndAssertionGrantRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		"control":                            {body: rfc8693Request + toPay, status: 200},
		"a wrong assertion":                  {body: strings.Replace(rfc7523Request, "eyJpc3Mi", "eyJpc3Mj", 1) + toPay, status: 400, code: "invalid_grant"},
		"a wrong subject token":              {body: strings.Replace(rfc8693Request, "accV", "accW", 1) + toPay, status: 400, code: "invalid_request"},
		"no assertion":                       {body: "grant_type=" + url.QueryEscape(issuer.JWTBearer) + toPay, status: 400, code: "invalid_request"},
		"an assertion in the wrong field":    {body: "grant_type=" + url.QueryEscape(issuer.JWTBearer) + "&subject_token=" + rfc7523Assertion + toPay, status: 400, code: "invalid_request"},
		"no subject token":                   {body: "grant_type=" + url.QueryEscape(issuer.TokenExchange) + "&assertion=" + rfc8693Token + toPay, status: 400, code: "invalid_request"},
		"two subject tokens":                 {body: rfc8693Request + "&subject_token=x" + toPay, status: 400, code: "invalid_request"},
		"an actor":                           {body: rfc8693Request + toPay + "&actor_token=x&actor_token_type=" + url.QueryEscape(issuer.JWTType), status: 400, code: "invalid_request"},
		"no resource":                        {body: rfc8693Request, status: 400, code: "invalid_target"},
		"another resource":                   {body: rfc8693Request + "&resource=" + url.QueryEscape(crm), status: 400, code: "invalid_target"},
		"beside a wrong secret":              {body: rfc8693Request + toPay, edit: basic("legacy", "x"), status: 401, code: "invalid_client"},
		"a token in the grant of a client":   {body: "grant_type=client_credentials&assertion=" + rfc7523Assertion + "&subject_token=" + rfc8693Token + toPay, status: 401, code: "invalid_client"},
		"an assertion that is a client's id": {body: rfc7523Request + toPay + "&client_assertion=" + rfc7523Assertion + "&client_assertion_type=" + url.QueryEscape(authn.AssertionType), status: 401, code: "invalid_client"},
	} {
		h := openPlatform(t)
		edit := c.edit
		if edit == nil {
			edit = func(*http.Request) {}
		}
		w := h.post(c.body, edit)
		answer := object(t, w.Body)
		code, _ := answer["error"].(string)
		if w.Code != c.status || code != c.code || (w.Header().Get("WWW-Authenticate") != "") != (c.edit != nil) {
			t.Errorf("%s: %d %v %v", name, w.Code, answer, w.Header())
		}
		if e := h.book.last(t); c.status != 200 && (e.Refusal != c.code || e.Check() != nil) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// blind is an authentication that knows nothing of foreign tokens.
type blind struct{ next issuer.Authenticator }

func (b blind) Authenticate(ctx context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	shown.Token = ""
	return b.next.Authenticate(ctx, shown)
}

// It makes no grant of one, whoever else proved who he is.
func TestATokenThatNobodyLooksAtIsNoGrant(t *testing.T) {
	h := openWith(t, ours, func(c *issuer.Config) { c.Authenticator = blind{c.Authenticator} }, func(*httpapi.Config) {})
	for _, request := range []string{rfc8693Request, rfc7523Request} {
		f, err := url.ParseQuery(request)
		if err != nil {
			t.Fatal(err)
		}
		var change []string
		for name, values := range f {
			change = append(change, name, values[0])
		}
		if w := h.post(h.form(t, change...).Encode()); w.Code != 400 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := h.post(h.form(t).Encode()); w.Code != 200 {
		t.Errorf("control: %d", w.Code)
	}
}
