package issuer_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const domain = "https://trust.example.test"

// openDomain is a house that has transaction tokens.
func openDomain(t *testing.T) *works {
	t.Helper()
	var w *works
	w = openWorks(t, func(c *issuer.Config) {
		c.DraftTransactionTokens = &issuer.DraftTransactionTokens{
			TrustDomain: narrowcast.MustAudience(domain), Lifetime: 15 * time.Second,
			Seal: func(typ string, payload []byte) (string, error) { return w.press.Seal(typ, payload) },
		}
	})
	return w
}

func transacting(client, token string, edit ...func(*issuer.Request)) issuer.Request {
	return exchanging(client, token, "", append([]func(*issuer.Request){func(r *issuer.Request) {
		r.Resources, r.Audiences, r.RequestedTokenType = nil, []string{domain}, issuer.TransactionTokenType
	}}, edit...)...)
}

func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	all := map[string]any{}
	if err := errors.Join(err, json.Unmarshal(raw, &all)); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestATransactionToken(t *testing.T) {
	w := openDomain(t)
	first := w.grant(asking("job", orch))
	answer := w.grant(transacting("orch", first.Token, func(r *issuer.Request) {
		r.Scope, r.DraftRequestDetails, r.DraftRequestContext = "read", `{ "order": 7 }`, `{"peer":"192.0.2.7"}`
	}))
	said := payload(t, answer.Token)
	want := map[string]any{
		"iss": us, "aud": domain, "iat": float64(w.now.Unix()), "exp": float64(w.now.Unix() + 15), "txn": string(answer.ID), "jti": string(answer.ID),
		"sub": "job", "scope": "read", "req_wl": "orch", "tctx": map[string]any{"order": 7.0}, "rctx": map[string]any{"peer": "192.0.2.7"},
		"parent": string(first.ID), "lineage": string(first.ID),
	}
	got, _ := json.Marshal(said)
	if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
		t.Errorf("claims %s\nwant   %s", got, wanted)
	}
	if answer.Type != "N_A" || answer.IssuedType != issuer.TransactionTokenType || answer.ExpiresIn != 15 || answer.Survival.Connected != 75*time.Second || claims(t, answer.Token).Type != "txntoken+jwt" {
		t.Errorf("answer = %+v", answer)
	}
	e := w.last()
	if e.Type != event.Exchanged || e.Expected != domain || e.Token.ID != string(answer.ID) || e.Token.Parent != string(first.ID) || e.Token.Client != "orch" || e.Check() != nil {
		t.Errorf("event = %+v, %+v", e, e.Token)
	}
	w.noTokenInTheBook(first.Token, answer.Token)
	// The control: the same token for a resource.
	if plain := w.grant(exchanging("orch", first.Token, data)); plain.Type != "Bearer" || plain.IssuedType != issuer.AccessTokenType {
		t.Errorf("answer = %+v", plain)
	}
}

// No verifier of any class takes one, also not one that stands for the trust
// domain; nor is it a subject token.
func TestATransactionTokenOpensNothing(t *testing.T) {
	w := openDomain(t)
	text := w.grant(transacting("orch", w.grant(asking("job", orch)).Token)).Token
	for _, class := range []narrowcast.Class{narrowcast.AccessToken, narrowcast.ClientAssertion, narrowcast.DangerouslyUntyped} {
		v, err := narrowcast.NewVerifier(narrowcast.Config{
			Audience: narrowcast.MustAudience(domain), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: func() time.Time { return w.now },
			Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(us), Keys: w.ring, Class: class}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var rej *narrowcast.Rejection
		if _, err := v.Verify(t.Context(), text, narrowcast.Presentation{}); !errors.As(err, &rej) || rej.Reason != narrowcast.TypeMismatch {
			t.Errorf("%s: %v", class, err)
		}
	}
	for _, client := range []string{"orch", "job"} {
		if _, err := w.Grant(t.Context(), exchanging(client, text, data)); ground(t, err) != issuer.SubjectTokenRefused {
			t.Error(err)
		}
		if _, err := w.Grant(t.Context(), transacting(client, text)); ground(t, err) != issuer.SubjectTokenRefused {
			t.Error(err)
		}
	}
}

func TestTransactionTokensThatAreRefused(t *testing.T) {
	details := func(s string) func(*issuer.Request) {
		return func(r *issuer.Request) { r.DraftRequestDetails = s }
	}
	for name, c := range map[string]struct {
		client string
		edit   func(*issuer.Request)
		want   issuer.Ground
	}{
		"by somebody else":        {client: "other", want: issuer.NotAddressed},
		"another trust domain":    {edit: func(r *issuer.Request) { r.Audiences = []string{"https://other.example.test"} }, want: issuer.TargetRefused},
		"no trust domain":         {edit: func(r *issuer.Request) { r.Audiences = nil }, want: issuer.TargetRefused},
		"a wider scope":           {edit: func(r *issuer.Request) { r.Scope = "read admin" }, want: issuer.ScopeRefused},
		"authorization_details":   {edit: func(r *issuer.Request) { r.Details = `[{"type":"payment"}]` }, want: issuer.DetailsRefused},
		"details are no object":   {edit: details(`[1]`), want: issuer.Malformed},
		"details are null":        {edit: details(`null`), want: issuer.Malformed},
		"a name twice":            {edit: details(`{"a":1,"a":2}`), want: issuer.Malformed},
		"details are too long":    {edit: details(`{"a":"` + strings.Repeat("x", 2048) + `"}`), want: issuer.Malformed},
		"a token in the details":  {edit: details(`{"a":"` + strayToken() + `"}`), want: issuer.Malformed},
		"context is no object":    {edit: func(r *issuer.Request) { r.DraftRequestContext = `"x"` }, want: issuer.Malformed},
		"a lifetime of no number": {edit: func(r *issuer.Request) { r.Lifetime = "x" }, want: issuer.LifetimeMalformed},
		"a foreign subject token": {edit: func(r *issuer.Request) { r.Credentials.Token = strayToken() }, want: issuer.SubjectTokenRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := openDomain(t)
			first := w.grant(asking("job", orch))
			client, edit := "orch", func(*issuer.Request) {}
			if c.client != "" {
				client = c.client
			}
			if c.edit != nil {
				edit = c.edit
			}
			if _, err := w.Grant(t.Context(), transacting(client, first.Token, edit)); ground(t, err) != c.want {
				t.Errorf("%v", err)
			}
			if e := w.last(); e.Type != event.Refused || e.Check() != nil {
				t.Errorf("event = %+v", e)
			}
			w.grant(transacting("orch", first.Token)) // the control
		})
	}
	w := openWorks(t) // a house that has none
	if _, err := w.Grant(t.Context(), transacting("orch", w.grant(asking("job", orch)).Token)); ground(t, err) != issuer.TokenTypeRefused {
		t.Error(err)
	}
}

// It lives no longer than what it was made from, and within the same limits.
func TestATransactionTokenKeepsTheLimits(t *testing.T) {
	w := openDomain(t)
	w.keep(func(*store.Task) {})
	short := w.grant(asking("job", orch, func(r *issuer.Request) { r.Lifetime = "5" }))
	if answer := w.grant(transacting("orch", short.Token)); answer.ExpiresIn != 5 {
		t.Errorf("%d s", answer.ExpiresIn)
	}
	in := w.grant(asking("job", orch, inTask))
	if said := payload(t, w.grant(transacting("orch", in.Token)).Token); said["task"] != "task-1" {
		t.Errorf("%v", slices.Sorted(maps.Keys(said)))
	}
	w.keep(ended)
	if _, err := w.Grant(t.Context(), transacting("orch", in.Token)); ground(t, err) != issuer.TaskRefused {
		t.Error(err)
	}
	once := w.grant(asking("other", data)).Token
	w.grant(transacting("store", once))
	if _, err := w.Grant(t.Context(), transacting("store", once)); ground(t, err) != issuer.SubjectTokenRefused {
		t.Error(err)
	}
	exact := w.grant(asking("other", data, detailed(`[{"type":"urn:narrowcast:request","method":"GET","target":"/"}]`))).Token
	if _, err := w.Grant(t.Context(), transacting("store", exact)); ground(t, err) != issuer.DelegationRefused {
		t.Error(err)
	}
}

func TestSettingsOfTransactionTokens(t *testing.T) {
	seal := func(string, []byte) (string, error) { return "", nil }
	good := issuer.DraftTransactionTokens{TrustDomain: narrowcast.MustAudience(domain), Lifetime: time.Minute, Seal: seal}
	for name, change := range map[string]func(*issuer.DraftTransactionTokens){
		"control":      nil,
		"no domain":    func(c *issuer.DraftTransactionTokens) { c.TrustDomain = narrowcast.Audience{} },
		"the issuer":   func(c *issuer.DraftTransactionTokens) { c.TrustDomain = narrowcast.MustAudience(us) },
		"no life":      func(c *issuer.DraftTransactionTokens) { c.Lifetime = 0 },
		"a long life":  func(c *issuer.DraftTransactionTokens) { c.Lifetime = 61 * time.Second },
		"nobody signs": func(c *issuer.DraftTransactionTokens) { c.Seal = nil },
	} {
		c := good
		if change != nil {
			change(&c)
		}
		_, err := issuer.New(issuer.Config{Issuer: narrowcast.MustIssuer(us), DraftTransactionTokens: &c}) // much else is missing
		if got := strings.Contains(err.Error(), "DraftTransactionTokens"); got != (change != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A trust domain that is a resource as well makes no tokens.
	w := openWorks(t, func(c *issuer.Config) {
		in := good
		in.TrustDomain, in.Seal = narrowcast.MustAudience(data), func(typ string, p []byte) (string, error) { return (*mint.Press)(nil).Seal(typ, p) }
		c.DraftTransactionTokens = &in
	})
	first := w.grant(asking("job", orch))
	_, err := w.Grant(t.Context(), transacting("orch", first.Token, func(r *issuer.Request) { r.Audiences = []string{data} }))
	if ground(t, err) != issuer.TargetRefused || !strings.Contains(err.Error(), "resource as well") {
		t.Error(err)
	}
}

// Who got a token that stands behind one, and is no longer welcome, stops it.
func TestWhoGotWhatStandsBehindCounts(t *testing.T) {
	asked := &asked{}
	w := openWorks(t, func(c *issuer.Config) {
		asked.rules = c.Rules
		c.Rules = func() issuer.Rules { return asked }
	})
	first := w.grant(asking("job", orch))
	second := w.grant(exchanging("orch", first.Token, data))
	w.grant(exchanging("store", second.Token, crm))
	if p := asked.last.Parent; p.Client != "orch" || !slices.Equal(p.Behind, []narrowcast.ClientID{"job"}) {
		t.Errorf("%+v", p)
	}
}

// asked remembers what the rules were asked last.
type asked struct {
	rules func() issuer.Rules
	last  policy.Request
}

func (a *asked) Decide(q policy.Request) policy.Decision {
	a.last = q
	return a.rules().Decide(q)
}
