package issuer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// platform vouches for the token "genuine" of a foreign issuer. Beside it, or
// without one, the client assertion says who asks.
type platform struct {
	change func(*issuer.Identity)
	seen   *issuer.Credentials
}

const (
	genuine   = "a genuine token of the platform"
	ciIssuer  = "https://ci.example.test"
	ciSubject = "repo:shop/checkout:environment:production"
)

func (p platform) Authenticate(_ context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	*p.seen = shown
	who := issuer.Identity{Client: "checkout", Method: "private_key_jwt"}
	if shown.Assertion == "" && shown.Token == "" {
		return issuer.Identity{}, &issuer.Refusal{Ground: issuer.ProofMissing}
	}
	if shown.Token != "" {
		facts := narrowcast.Claimed{Issuer: ciIssuer, TokenID: "run-7", Subject: ciSubject, Fingerprint: narrowcast.FingerprintOf(shown.Token)}
		if shown.Token != genuine {
			return issuer.Identity{}, &issuer.Refusal{
				Ground: issuer.TokenRefused, Client: "checkout", Detail: "the token is wrong",
				Assertion: &narrowcast.Rejection{Reason: narrowcast.Expired, Genuine: true, Claimed: facts},
			}
		}
		who.Method, who.Subject, who.Assertion = "token", ciSubject, facts
	}
	p.change(&who)
	return who, nil
}

func openPlatform(t *testing.T, change func(*issuer.Identity)) (*bank, *issuer.Credentials) {
	t.Helper()
	seen := &issuer.Credentials{}
	return openBank(t, either, func(c *issuer.Config) { c.Authenticator = platform{change, seen} }), seen
}

func bearing(grant, token string) issuer.Request {
	r := issuer.Request{GrantType: grant, Resources: []string{pay}}
	r.Credentials.Token = token
	if grant == issuer.TokenExchange {
		r.SubjectTokenType = issuer.JWTType
	}
	return r
}

func same(*issuer.Identity) {}

func TestGrantsThatWorkWithAForeignToken(t *testing.T) {
	for _, grant := range []string{issuer.JWTBearer, issuer.TokenExchange} {
		b, _ := openPlatform(t, same)
		answer, err := b.Grant(t.Context(), bearing(grant, genuine))
		if err != nil || answer.Type != "Bearer" || answer.Exchanged != (grant == issuer.TokenExchange) || answer.Client != "checkout" {
			t.Fatalf("%s: %+v, %v", grant, answer, err)
		}
		if l := b.pen.last; l.Subject != ciSubject || l.Client != "checkout" || l.Audience.String() != pay {
			t.Errorf("%s: letter = %+v", grant, l)
		}
		e, print := b.book.events[0], narrowcast.FingerprintOf(genuine).String()
		for _, fact := range []string{"token; ", `"run-7"`, ciIssuer, print} {
			if !strings.Contains(e.Detail, fact) {
				t.Errorf("%s: %s is not in %s", grant, fact, e.Detail)
			}
		}
		if err := e.Check(); err != nil || strings.Contains(e.Detail, genuine) {
			t.Errorf("%s: %v, %s", grant, err, e.Detail)
		}
	}
}

func TestForeignTokensThatAreRefused(t *testing.T) {
	for _, grant := range []string{issuer.JWTBearer, issuer.TokenExchange} {
		code := map[string]string{issuer.JWTBearer: "invalid_grant", issuer.TokenExchange: "invalid_request"}[grant]
		for name, c := range map[string]struct {
			token  string
			change func(*issuer.Identity)
			edit   func(*issuer.Request)
			code   string
		}{
			"a wrong one":           {token: "forged", code: code},
			"one nobody looked at":  {token: genuine, change: func(who *issuer.Identity) { who.Assertion = narrowcast.Claimed{} }, code: code},
			"another was looked at": {token: genuine, change: func(who *issuer.Identity) { who.Assertion.Fingerprint[0]++ }, code: code},
			"one that ended":        {token: genuine, change: func(who *issuer.Identity) { who.Until = time.Unix(1_800_000_000, 0) }, code: code},
			"the subject is a token": {token: genuine, code: code,
				change: func(who *issuer.Identity) { who.Subject = narrowcast.Subject(strayToken()) }},
			"an endless subject": {token: genuine, change: func(who *issuer.Identity) { who.Subject = narrowcast.Subject(strings.Repeat("s", 2049)) }, code: code},
			"none":               {code: "invalid_request"},
			"none, and the client proved itself": {edit: func(r *issuer.Request) { r.Credentials.Assertion = "checkout a1" },
				code: "invalid_request"},
			"no right to the resource": {token: genuine, edit: func(r *issuer.Request) { r.Resources = []string{"https://crm.example.test"} }, code: "invalid_target"},
		} {
			t.Run(name+" "+code, func(t *testing.T) {
				change, edit := c.change, c.edit
				if change == nil {
					change = same
				}
				if edit == nil {
					edit = func(*issuer.Request) {}
				}
				b, _ := openPlatform(t, change)
				r := bearing(grant, c.token)
				edit(&r)
				_, err := b.Grant(t.Context(), r)
				if got := ground(t, err); got.Code() != c.code || len(b.book.events) != 1 {
					t.Fatalf("%v, %d records", err, len(b.book.events))
				}
				e := b.book.events[0]
				line, _ := event.Encode(e)
				if e.Refusal != c.code || strings.Contains(string(line), genuine) || strings.Contains(string(line), strayToken()) || e.Token.Client == ciIssuer {
					t.Errorf("event = %s", line)
				}
			})
		}
	}
}

func strayToken() string {
	text, _ := press{}.Mint(mint.Letter{})
	return text + strings.Repeat("A", 84)
}

// A token that is no parameter of the grant is ignored, whatever it is.
func TestATokenOutsideItsGrantIsNotLookedAt(t *testing.T) {
	b, seen := openPlatform(t, same)
	r := ask("checkout a1")
	r.Credentials.Token = "forged"
	if _, err := b.Grant(t.Context(), r); err != nil || seen.Token != "" || b.pen.last.Subject != "checkout" {
		t.Errorf("%v, %q, %+v", err, seen.Token, b.pen.last)
	}
	if _, err := b.Grant(t.Context(), issuer.Request{GrantType: "client_credentials", Resources: []string{pay}, Credentials: issuer.Credentials{Token: genuine}}); ground(t, err) != issuer.ProofMissing {
		t.Errorf("a token in the wrong grant proved who asks: %v", err)
	}
}

func TestTheShapeOfAnExchange(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*issuer.Request)
		want issuer.Ground
		ok   bool
	}{
		"control":                 {edit: func(*issuer.Request) {}, ok: true},
		"an ID token":             {edit: func(r *issuer.Request) { r.SubjectTokenType = issuer.IDTokenType }, ok: true},
		"an access token":         {edit: func(r *issuer.Request) { r.SubjectTokenType = issuer.AccessTokenType }, ok: true},
		"asks for what it gets":   {edit: func(r *issuer.Request) { r.RequestedTokenType = issuer.AccessTokenType }, ok: true},
		"no type":                 {edit: func(r *issuer.Request) { r.SubjectTokenType = "" }, want: issuer.TokenMissing},
		"SAML":                    {edit: func(r *issuer.Request) { r.SubjectTokenType = "urn:ietf:params:oauth:token-type:saml2" }, want: issuer.TokenTypeRefused},
		"no signature":            {edit: func(r *issuer.Request) { r.SubjectTokenType = "urn:ietf:params:oauth:token-type:unsigned_json" }, want: issuer.TokenTypeRefused},
		"a token in the type":     {edit: func(r *issuer.Request) { r.SubjectTokenType = genuine }, want: issuer.TokenTypeRefused},
		"an actor":                {edit: func(r *issuer.Request) { r.ActorToken, r.ActorTokenType = genuine, issuer.JWTType }, want: issuer.ActorRefused},
		"the type of an actor":    {edit: func(r *issuer.Request) { r.ActorTokenType = issuer.JWTType }, want: issuer.ActorRefused},
		"a refresh token, please": {edit: func(r *issuer.Request) { r.RequestedTokenType = "urn:ietf:params:oauth:token-type:refresh_token" }, want: issuer.TokenTypeRefused},
		"an ID token, please":     {edit: func(r *issuer.Request) { r.RequestedTokenType = issuer.IDTokenType }, want: issuer.TokenTypeRefused},
	} {
		b, seen := openPlatform(t, same)
		r := bearing(issuer.TokenExchange, genuine)
		c.edit(&r)
		_, err := b.Grant(t.Context(), r)
		if c.ok {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := ground(t, err); got != c.want || got.Code() != "invalid_request" || seen.Token != "" || strings.Contains(err.Error(), genuine) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := issuer.Grants(); !slices.Equal(got, []string{"client_credentials", issuer.JWTBearer, issuer.TokenExchange}) {
		t.Errorf("grants = %v", got)
	}
}

// A token is never based on what is over, and never outlives it.
func TestATokenEndsWithTheProofOfIdentity(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for left, want := range map[time.Duration]time.Duration{time.Hour: 5 * time.Minute, 90 * time.Second: 90 * time.Second, time.Second: time.Second} {
		b, _ := openPlatform(t, func(who *issuer.Identity) { who.Until = now.Add(left) })
		if _, err := b.Grant(t.Context(), bearing(issuer.JWTBearer, genuine)); err != nil || b.pen.last.Lifetime != want {
			t.Errorf("%s left: %v, %s", left, err, b.pen.last.Lifetime)
		}
	}
	b, _ := openPlatform(t, func(who *issuer.Identity) { who.Until = now.Add(-time.Second) })
	if _, err := b.Grant(t.Context(), ask("checkout a1")); ground(t, err) != issuer.Unauthenticated {
		t.Errorf("an assertion that ended within the skew: %v", err)
	}
}

// A token that is good once is refused under the code of its grant.
func TestAForeignTokenIsUsedOnce(t *testing.T) {
	for grant, want := range map[string]issuer.Ground{issuer.JWTBearer: issuer.TokenRefused, issuer.TokenExchange: issuer.SubjectTokenRefused} {
		b, _ := openPlatform(t, func(who *issuer.Identity) {
			who.Once = []store.Once{{Space: "token " + ciIssuer, ID: "run-7", Until: time.Unix(1_900_000_000, 0)}}
		})
		if _, err := b.Grant(t.Context(), bearing(grant, genuine)); err != nil {
			t.Fatal(err)
		}
		_, err := b.Grant(t.Context(), bearing(grant, genuine))
		e := b.book.events[1]
		if ground(t, err) != want || e.Token.ID != "run-7" || e.Token.Issuer != ciIssuer || e.Token.Client != "checkout" || !e.Genuine {
			t.Errorf("%v, %+v %+v", err, e, e.Token)
		}
	}
}

// An authenticator that cannot answer is no refusal of the token.
func TestNobodyCanAnswerForTheToken(t *testing.T) {
	b := openBank(t, either, func(c *issuer.Config) { c.Authenticator = who{err: errors.New("no keys")} })
	if _, err := b.Grant(t.Context(), bearing(issuer.JWTBearer, genuine)); ground(t, err) != issuer.Unavailable {
		t.Error(err)
	}
}

// TestNothingForeignIsWrittenDown sends secrets in every field of the grants.
func TestNothingForeignIsWrittenDown(t *testing.T) {
	stray := strayToken()
	b, _ := openPlatform(t, same)
	certificate := rfc8705(t)
	for i := range 12 {
		r := bearing([]string{issuer.JWTBearer, issuer.TokenExchange}[i%2], stray)
		r.Proofs = []string{stray}
		r.Credentials.Certificates = append(r.Credentials.Certificates, certificate)
		for j, field := range []*string{&r.SubjectTokenType, &r.ActorToken, &r.ActorTokenType, &r.RequestedTokenType, &r.Scope} {
			if i/2 == j+1 {
				*field = stray
			}
		}
		if i > 9 {
			r.Credentials.Token = genuine
		}
		_, err := b.Grant(t.Context(), r)
		if err == nil || strings.Contains(err.Error(), stray[:60]) || strings.Contains(fmt.Sprintf("%v %+v %#v", r.Credentials, r.Credentials, r.Credentials), stray[:60]) {
			t.Errorf("%d: %v", i, err)
		}
	}
	for _, e := range b.book.events {
		line, err := event.Encode(e)
		if err != nil || strings.Contains(string(line), stray[:60]) || strings.Contains(string(line), genuine) {
			t.Errorf("%v %s", err, line)
		}
	}
	if len(b.book.events) != 12 {
		t.Errorf("%d records", len(b.book.events))
	}
}
