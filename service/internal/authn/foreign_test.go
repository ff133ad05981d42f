package authn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

const (
	actions = "https://actions.example.test"
	cluster = "https://cluster.example.test"
	domain  = "spiffe://corp.example"
	other   = "spiffe://other.example"
)

// world is a registry with foreign issuers and what they are checked by.
type world struct {
	clients []registry.Client
	issuers []registry.Issuer
}

func (w *world) Clients() []registry.Client { return w.clients }
func (w *world) Issuers() []registry.Issuer { return w.issuers }

// abroad is an Authenticator with everything that answers it from outside.
type abroad struct {
	*authn.Authenticator
	world  *world
	now    time.Time
	key    *ecdsa.PrivateKey
	fault  error // of every issuer
	review error
	asked  int
	peer   func(chain []*x509.Certificate, now time.Time) (string, error)
}

func claim(value string, name ...string) federation.Claim {
	return federation.Claim{Name: name, AnyOf: []string{value}}
}

// travel makes an Authenticator whose foreign issuers all sign with one key. That
// tells nothing about them: each has its own verifier.
func travel(t testing.TB) *abroad {
	t.Helper()
	h := &abroad{now: time.Unix(start, 0), key: key(t)}
	public, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "c1", Algorithm: narrowcast.ES256, Public: &h.key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	trust := func(id, profile string) registry.Issuer {
		return registry.Issuer{Issuer: narrowcast.MustIssuer(id), Profile: profile}
	}
	token := func(id string, claims ...federation.Claim) registry.Credential {
		return registry.Credential{Kind: registry.Federated, Rule: federation.Rule{Issuer: narrowcast.MustIssuer(id), Claims: claims}}
	}
	h.world = &world{
		issuers: []registry.Issuer{trust(actions, federation.GitHub), trust(cluster, federation.Kubernetes), trust(domain, federation.SPIFFE)},
		clients: []registry.Client{
			{ID: "checkout", Authenticate: []registry.Credential{
				{Kind: registry.PrivateKeyJWT, Keys: []narrowcast.Key{public}},
				{Kind: registry.SPIFFE, SPIFFE: domain + "/checkout"},
				token(cluster, claim("shop", "kubernetes.io", "namespace"), claim("checkout", "kubernetes.io", "serviceaccount", "name")),
			}},
			{ID: "deploy", Authenticate: []registry.Credential{
				token(actions, claim("22", "repository_id"), claim("refs/heads/main", "ref"), claim("push", "event_name")),
			}},
			{ID: "gone", Disabled: true, Authenticate: []registry.Credential{{Kind: registry.SPIFFE, SPIFFE: domain + "/gone"}}},
		},
	}
	h.world.issuers[0].OneTime = true
	h.Authenticator, err = authn.New(authn.Config{
		Issuer: narrowcast.MustIssuer(ours), TokenEndpoint: ours + "/token", Now: func() time.Time { return h.now },
		Clients: func() authn.Clients { return h.world },
		Outside: func(registry.Issuer) (authn.Outside, error) {
			return authn.Outside{
				Keys: only{public}, Peer: h.peer,
				Review: func(context.Context, string) error { h.asked++; return h.review },
			}, h.fault
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// only is a key source with one key.
type only struct{ key narrowcast.Key }

func (o only) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if id != o.key.ID() {
		return narrowcast.Key{}, narrowcast.ErrKeyUnknown
	}
	return o.key, nil
}

const jwt = `{"alg":"ES256","kid":"c1","typ":"JWT"}`

func github(change ...string) string {
	text := fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"repo:octo@11/shop@22:ref:refs/heads/main","repository_id":"22","repository_owner_id":"11",`+
		`"repository":"octo/shop","ref":"refs/heads/main","event_name":"push","jti":"g-1","iat":%d,"nbf":%d,"exp":%d}`,
		actions, ours, start, start, start+300)
	return strings.NewReplacer(change...).Replace(text)
}

func svid(change ...string) string {
	text := fmt.Sprintf(`{"sub":"%s/checkout","aud":[%q],"iat":%d,"exp":%d}`, domain, ours, start, start+300)
	return strings.NewReplacer(change...).Replace(text)
}

func pod(change ...string) string {
	text := fmt.Sprintf(`{"iss":%q,"aud":[%q],"sub":"system:serviceaccount:shop:checkout","jti":"k-1",`+
		`"kubernetes.io":{"namespace":"shop","serviceaccount":{"name":"checkout","uid":"u-1"},"pod":{"name":"p","uid":"u-2"}},"iat":%d,"nbf":%d,"exp":%d}`,
		cluster, ours, start, start, start+3600)
	return strings.NewReplacer(change...).Replace(text)
}

// ways are the parameters under which one token may come.
func ways(token string) map[string]issuer.Credentials {
	return map[string]issuer.Credentials{
		"as client assertion":   {AssertionType: authn.AssertionType, Assertion: token},
		"as grant":              {Token: token},
		"as grant of its owner": {Token: token, ClientID: ""},
	}
}

func TestForeignTokens(t *testing.T) {
	for name, c := range map[string]struct {
		header, payload string
		client          narrowcast.ClientID
		subject         narrowcast.Subject
		method          string
	}{
		"github": {jwt, github(), "deploy", "github:actions.example.test:repository_id:22:ref:refs/heads/main", registry.Federated},
		"github's own words": {jwt, github(`"jti"`, `"environment":"prod","tenant":"t2","task":7,"jti"`), "deploy",
			"github:actions.example.test:repository_id:22:environment:prod", registry.Federated},
		"kubernetes":          {header, pod(), "checkout", "kubernetes:cluster.example.test:namespace:shop:serviceaccount:checkout", registry.Federated},
		"spiffe, with an iss": {jwt, svid(`{"sub"`, `{"iss":"https://oidc.corp.example.test","sub"`), "checkout", domain + "/checkout", registry.SPIFFE},
		"spiffe":              {jwt, svid(), "checkout", domain + "/checkout", registry.SPIFFE},
	} {
		h := travel(t)
		for way, credentials := range ways(sign(t, h.key, c.header, c.payload)) {
			who, err := h.Authenticate(t.Context(), credentials)
			if err != nil || who.Client != c.client || who.Subject != c.subject || who.Method != c.method {
				t.Errorf("%s %s: %+v, %v", name, way, who, err)
			}
			if who.Until.Unix() < start+300 || len(who.Once) != map[bool]int{true: 1, false: 0}[strings.HasPrefix(name, "github")] {
				t.Errorf("%s %s: until %s, once %v", name, way, who.Until, who.Once)
			}
		}
		if h.asked != 0 {
			t.Error("somebody was asked about a token without being told to")
		}
	}
	h := travel(t)
	who, err := h.Authenticate(t.Context(), issuer.Credentials{AssertionType: authn.SPIFFEType, Assertion: sign(t, h.key, jwt, svid()), ClientID: domain + "/checkout"})
	if err != nil || who.Client != "checkout" {
		t.Errorf("a JWT-SVID as the draft sends it: %+v, %v", who, err)
	}
}

func TestForeignTokensThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		header, payload string
		reason          narrowcast.Reason
		detail          string
	}{
		"audience of the platform":        {jwt, github(ours, "https://github.example.test/octo"), narrowcast.AudienceMismatch, ""},
		"two audiences":                   {jwt, github(`"aud":"`+ours+`"`, `"aud":["`+ours+`","https://x.example.test"]`), narrowcast.AudienceMultiple, ""},
		"the token endpoint":              {jwt, github(`"aud":"`+ours+`"`, `"aud":"`+ours+`/token"`), narrowcast.AudienceMismatch, "token endpoint"},
		"another repository":              {jwt, github(`"repository_id":"22"`, `"repository_id":"23"`), narrowcast.ClaimMismatch, "repository_id"},
		"another branch":                  {jwt, github(`"ref":"refs/heads/main"`, `"ref":"refs/heads/mine"`), narrowcast.ClaimMismatch, "claim ref"},
		"a pull request":                  {jwt, github(`"event_name":"push"`, `"event_name":"pull_request"`), narrowcast.ClaimMismatch, "pull request"},
		"too old":                         {jwt, github(fmt.Sprint(start+300), fmt.Sprint(start+3600), fmt.Sprint(start), fmt.Sprint(start-700)), narrowcast.LifetimeExceeded, "older than"},
		"expired":                         {jwt, github(fmt.Sprint(start+300), fmt.Sprint(start-10), fmt.Sprint(start), fmt.Sprint(start-300)), narrowcast.Expired, ""},
		"once without a jti":              {jwt, github(`"jti":"g-1",`, ""), narrowcast.ClaimMalformed, "jti"},
		"another key":                     {`{"alg":"ES256","kid":"c2","typ":"JWT"}`, github(), narrowcast.KeyUnknown, ""},
		"another namespace":               {header, pod(`"namespace":"shop"`, `"namespace":"shop2"`), narrowcast.ClaimMismatch, ""},
		"no audience, as in secrets":      {header, pod(`"aud":["`+ours+`"],`, ""), narrowcast.AudienceMissing, ""},
		"another workload":                {jwt, svid("/checkout", "/checkouts"), narrowcast.ClaimMismatch, "SPIFFE ID"},
		"another trust domain":            {jwt, svid(domain, other), 0, "no issuer"},
		"an SVID with a second audience":  {jwt, svid(`["`+ours+`"]`, `["`+ours+`","https://x.example.test"]`), narrowcast.AudienceMultiple, ""},
		"an SVID that is an access token": {`{"alg":"ES256","kid":"c1","typ":"at+jwt"}`, svid(), narrowcast.TypeMismatch, ""},
		"an SVID of a disabled client":    {jwt, svid("/checkout", "/gone"), narrowcast.IssuerUnknown, "disabled"},
		"an SVID that lives for a day":    {jwt, svid(fmt.Sprintf(`"iat":%d,`, start), "", fmt.Sprint(start+300), fmt.Sprint(start+80000)), narrowcast.LifetimeExceeded, "no iat"},
		"nobody's token":                  {jwt, github(actions, "https://nobody.example.test"), 0, "no issuer"},
		"no token":                        {"{", "", 0, "no issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			h := travel(t)
			text := sign(t, h.key, c.header, c.payload)
			_, err := h.Authenticate(t.Context(), issuer.Credentials{Token: text})
			r := refused(t, err, issuer.TokenRefused)
			if !strings.Contains(r.Detail, c.detail) || strings.Contains(r.Error(), text) {
				t.Errorf("detail = %q", r.Detail)
			}
			if c.reason != 0 && (r.Assertion == nil || !r.Assertion.Failed(c.reason)) {
				t.Errorf("assertion = %+v, want %s", r.Assertion, c.reason)
			}
		})
	}
}

// What is disabled in the registry counts no more, whatever it signs (H7).
func TestADisabledIssuerSaysNothing(t *testing.T) {
	h := travel(t)
	token := issuer.Credentials{Token: sign(t, h.key, jwt, svid())}
	if _, err := h.Authenticate(t.Context(), token); err != nil {
		t.Fatal("control:", err)
	}
	h.world = &world{clients: h.world.clients, issuers: append([]registry.Issuer{}, h.world.issuers...)}
	h.world.issuers[2].Disabled = true
	_, err := h.Authenticate(t.Context(), token)
	refused(t, err, issuer.TokenRefused)
}

func TestATokenAndItsClientMustBeOne(t *testing.T) {
	h := travel(t)
	assertion := sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60))
	c := issuer.Credentials{Token: sign(t, h.key, jwt, svid()), AssertionType: authn.AssertionType, Assertion: assertion}
	who, err := h.Authenticate(t.Context(), c)
	if err != nil || who.Client != "checkout" || len(who.Once) != 1 || who.Assertion.Subject != domain+"/checkout" {
		t.Fatalf("%+v, %v", who, err)
	}
	c.Token = sign(t, h.key, jwt, github())
	_, err = h.Authenticate(t.Context(), c)
	if r := refused(t, err, issuer.Unauthenticated); !strings.Contains(r.Detail, "another client") {
		t.Error(r)
	}
	c.Token, c.Assertion = sign(t, h.key, jwt, svid()), sign(t, key(t), header, claims("checkout", `"`+ours+`"`, 60))
	_, err = h.Authenticate(t.Context(), c)
	refused(t, err, issuer.Unauthenticated)
	c = issuer.Credentials{Token: sign(t, h.key, jwt, svid()), ClientID: "deploy"}
	_, err = h.Authenticate(t.Context(), c)
	refused(t, err, issuer.Unauthenticated)
}

func TestReview(t *testing.T) {
	for name, c := range map[string]struct {
		demanded bool
		answer   error
		want     issuer.Ground // of what is refused
		asked    int
	}{
		"not demanded": {false, errors.New("no"), 0, 0},
		"stands":       {true, nil, 0, 1},
		"is gone":      {true, errors.New("the pod is gone"), issuer.TokenRefused, 1},
		"no answer":    {true, fmt.Errorf("the API server: %w", authn.ErrUnavailable), issuer.Unavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := travel(t)
			h.world.issuers[1].TokenReview, h.review = c.demanded, c.answer
			_, err := h.Authenticate(t.Context(), issuer.Credentials{Token: sign(t, h.key, header, pod())})
			if c.answer == nil || !c.demanded {
				if err != nil {
					t.Error(err)
				}
			} else {
				refused(t, err, c.want)
			}
			if h.asked != c.asked {
				t.Errorf("asked %d times", h.asked)
			}
		})
	}
}

// An issuer that cannot be reached is its own trouble.
func TestAnIssuerThatIsAwayKeepsNobodyElseOut(t *testing.T) {
	h := travel(t)
	h.fault = errors.New("the bundle endpoint is away")
	_, err := h.Authenticate(t.Context(), issuer.Credentials{Token: sign(t, h.key, jwt, svid())})
	if r := refused(t, err, issuer.TokenRefused); !r.Assertion.Failed(narrowcast.KeyUnavailable) {
		t.Error(r.Assertion)
	}
	if _, err := h.Authenticate(t.Context(), issuer.Credentials{
		AssertionType: authn.AssertionType, Assertion: sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60))}); err != nil {
		t.Error(err)
	}
}
