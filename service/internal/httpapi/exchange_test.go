package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/letterbox"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

const orch = "https://orchestrator.example.test"

// lateKeys are the keys of a house that is still being built.
type lateKeys func() keys

func (l lateKeys) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	return l().Key(ctx, id)
}

type nothingRevoked struct{}

func (nothingRevoked) Check(*narrowcast.Token) narrowcast.Reason { return 0 }

// openChain is a house in which legacy asks the orchestrator, which is the client
// checkout and asks pay.
func openChain(t *testing.T) *house {
	t.Helper()
	door := func(name string, servers ...narrowcast.ClientID) policy.Door {
		return policy.Door{
			Audience: narrowcast.MustAudience(name), Scopes: narrowcast.MustScope("charge refund"), TTL: 5 * time.Minute, MaxTTL: 10 * time.Minute,
			Servers: servers, Delegation: 4, Stale: policy.Stale{After: 10 * time.Second, When: policy.Refuse},
		}
	}
	grant := func(client narrowcast.ClientID, name, scope string) policy.Grant {
		return policy.Grant{Client: client, Audience: narrowcast.MustAudience(name), Scope: narrowcast.MustScope(scope)}
	}
	rules, err := policy.NewRules(policy.Config{
		Doors:   []policy.Door{door(orch, "checkout"), door(pay), door(crm)},
		Grants:  []policy.Grant{grant("legacy", orch, "charge"), grant("legacy", pay, "charge"), grant("checkout", pay, "charge refund")},
		Clients: []policy.Client{{ID: "legacy"}, {ID: "checkout"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var h *house
	h = openWith(t, ours, func(c *issuer.Config) {
		box, err := letterbox.New(letterbox.Config{
			Issuer: c.Issuer, Keys: lateKeys(func() keys { return h.keys }), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: c.Now, Liveness: nothingRevoked{},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Rules, c.Own, c.Past = func() issuer.Rules { return rules }, box, c.Ledger.(*book)
	}, func(*httpapi.Config) {})
	return h
}

// letter is what legacy gets for the orchestrator.
func letterFor(t *testing.T, h *house) string {
	t.Helper()
	w := h.post("grant_type=client_credentials&resource="+orch, basic("legacy", secret))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	return object(t, w.Body)["access_token"].(string)
}

// Story C1 on the wire.
func TestExchangeOnTheWire(t *testing.T) {
	h := openChain(t)
	first := letterFor(t, h)
	exchange := []string{"grant_type", issuer.TokenExchange, "subject_token", first, "subject_token_type", issuer.AccessTokenType}
	w := h.post(h.form(t, append(exchange, "authorization_details", `[{"type":"urn:narrowcast:request","method":"POST","target":"/charges"}]`)...).Encode())
	answer := object(t, w.Body)
	if w.Code != 200 || answer["issued_token_type"] != issuer.AccessTokenType || answer["token_type"] != "Bearer" || answer["scope"] != "charge" ||
		fmt.Sprint(answer["worst_case_survival"]) != "map[connected:2 offline:360 stale:10]" ||
		fmt.Sprint(answer["authorization_details"]) != "[map[locations:["+pay+"] method:POST target:/charges type:urn:narrowcast:request]]" {
		t.Fatalf("%d %v", w.Code, answer)
	}
	c, _ := narrowcast.Inspect(answer["access_token"].(string))
	if c.Subject != "legacy" || fmt.Sprint(c.Actors) != "[checkout]" || c.ClientID != "checkout" || h.book.last(t).Type != event.Exchanged {
		t.Errorf("token = %+v", c)
	}

	// The letter itself proves nobody, and is nobody's but the orchestrator's.
	for name, send := range map[string]struct {
		body string
		edit func(*http.Request)
		code string
	}{
		"nobody":           {form(exchange), func(*http.Request) {}, "invalid_client"},
		"as a bearer":      {form(exchange), bearer(first), "invalid_client"},
		"by its holder":    {form(exchange), basic("legacy", secret), "invalid_grant"},
		"another resource": {h.form(t, append(exchange, "resource", crm)...).Encode(), func(*http.Request) {}, "invalid_target"},
		"a wider scope":    {h.form(t, append(exchange, "scope", "refund")...).Encode(), func(*http.Request) {}, "invalid_scope"},
		"a longer life":    {h.form(t, append(exchange, "lifetime", "600")...).Encode(), func(*http.Request) {}, "invalid_request"},
		"not a token":      {h.form(t, append(exchange, "subject_token", first+"x")...).Encode(), func(*http.Request) {}, "invalid_request"},
		"an unknown type":  {h.form(t, append(exchange, "authorization_details", `[{"type":"x"}]`)...).Encode(), func(*http.Request) {}, "invalid_authorization_details"},
		"an unknown task":  {h.form(t, append(exchange, "task", "t1")...).Encode(), func(*http.Request) {}, "invalid_request"},
	} {
		w := h.post(send.body, send.edit)
		if m := object(t, w.Body); m["error"] != send.code || m["access_token"] != nil {
			t.Errorf("%s: %d %v", name, w.Code, m)
		}
		if e := h.book.last(t); e.Type != event.Refused || e.Refusal != send.code || strings.HasPrefix(e.Detail, "off-target exchange") != (name == "by its holder") {
			t.Errorf("%s: event = %+v", name, e)
		}
	}
	said := h.log.String()
	for _, e := range h.book.events() {
		line, _ := event.Encode(e)
		said += string(line)
	}
	for _, part := range strings.Split(first, ".") {
		if strings.Contains(said, part) {
			t.Errorf("a part of the token was written down: %s", part)
		}
	}
}

// form is a request without client authentication.
func form(change []string) string {
	pairs := []string{"resource=" + pay}
	for i := 0; i < len(change); i += 2 {
		pairs = append(pairs, change[i]+"="+change[i+1])
	}
	return strings.Join(pairs, "&")
}
