package authn_test

import (
	"fmt"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// Whoever has an account at a platform can show tokens of it: one more client must
// not make turning them away dearer.
func BenchmarkAStrangerAmongManyRules(b *testing.B) {
	for _, n := range []int{1, 100, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := travel(b)
			for i := range n {
				h.world.clients = append(h.world.clients, registry.Client{ID: narrowcast.ClientID(fmt.Sprintf("ci-%d", i)), Authenticate: []registry.Credential{
					{Kind: registry.Federated, Rule: federation.Rule{Issuer: narrowcast.MustIssuer(actions), Claims: []federation.Claim{
						claim(fmt.Sprint(1000+i), "repository_id"), claim("refs/heads/main", "ref"), claim("push", "event_name"), claim("prod", "environment"),
					}}}}})
			}
			token := sign(b, h.key, jwt, github(`"repository_id":"22"`, `"repository_id":"23"`))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = h.Authenticate(b.Context(), issuer.Credentials{Token: token})
			}
		})
	}
}

// One token under two names is shown once.
func TestOneTokenAsAssertionAndAsGrant(t *testing.T) {
	h := travel(t)
	token := sign(t, h.key, jwt, github())
	who, err := h.Authenticate(t.Context(), issuer.Credentials{Token: token, AssertionType: authn.AssertionType, Assertion: token})
	if err != nil || who.Client != "deploy" || len(who.Once) != 1 {
		t.Errorf("%+v, %v", who, err)
	}
	another := sign(t, h.key, jwt, github("g-1", "g-2"))
	who, err = h.Authenticate(t.Context(), issuer.Credentials{Token: token, AssertionType: authn.AssertionType, Assertion: another})
	if err != nil || len(who.Once) != 2 {
		t.Errorf("two tokens: %+v, %v", who, err)
	}
}

// Two rules of one client may fit one token, and the registry lets them: it is
// the same client either way. Of two clients it would be neither.
func TestTwoRulesFitOneToken(t *testing.T) {
	h := travel(t)
	again := registry.Credential{Kind: registry.Federated, Rule: federation.Rule{Issuer: narrowcast.MustIssuer(actions), Claims: []federation.Claim{
		claim("22", "repository_id"), claim("11", "repository_owner_id"), claim("refs/heads/main", "ref"), claim("push", "event_name"),
	}}}
	token := sign(t, h.key, jwt, github())
	deploy := &h.world.clients[1]
	deploy.Authenticate = append(deploy.Authenticate, again)
	if who, err := h.Authenticate(t.Context(), issuer.Credentials{Token: token}); err != nil || who.Client != "deploy" {
		t.Errorf("%+v, %v", who, err)
	}
	h = travel(t)
	h.world.clients[0].Authenticate = append(h.world.clients[0].Authenticate, again)
	_, err := h.Authenticate(t.Context(), issuer.Credentials{Token: sign(t, h.key, jwt, github())})
	refused(t, err, issuer.TokenRefused)
}

// A rule that names nobody, which the registry refuses, speaks for nobody here.
func TestARuleThatNamesNobody(t *testing.T) {
	h := travel(t)
	h.world.clients[1].Authenticate[0].Rule.Claims = []federation.Claim{claim("push", "event_name")}
	_, err := h.Authenticate(t.Context(), issuer.Credentials{Token: sign(t, h.key, jwt, github())})
	if r := refused(t, err, issuer.TokenRefused); r.Detail != "no rule fits" {
		t.Error(r.Detail)
	}
}
