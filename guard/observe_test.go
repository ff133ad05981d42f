package guard_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast/guard"
)

// TestObserveAddsUpNoOtherFault: whatever else is wrong beside the audience
// keeps the door shut.
func TestObserveAddsUpNoOtherFault(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) { observing(c); c.ScopeFor = adminOnly })
	h := g.Wrap(hello)
	for name, c := range map[string]struct {
		claims map[string]any
		path   string
		want   int
	}{
		"control":            {map[string]any{"aud": crm}, "/", 200},
		"list":               {map[string]any{"aud": []string{pay, crm}}, "/", 200},
		"none":               {map[string]any{"aud": nil}, "/", 200},
		"aud number":         {map[string]any{"aud": 7}, "/", 200},
		"and expired":        {map[string]any{"aud": crm, "exp": at.Unix() - 10, "iat": at.Unix() - 20}, "/", 401},
		"and too long":       {map[string]any{"aud": crm, "exp": at.Unix() + 86400}, "/", 401},
		"and tenant":         {map[string]any{"aud": crm, "tenant": "x"}, "/", 401},
		"and environment":    {map[string]any{"aud": crm, "environment": "x"}, "/", 401},
		"and bound":          {map[string]any{"aud": crm, "cnf": map[string]any{"jkt": "x"}}, "/", 401},
		"and unknown cnf":    {map[string]any{"aud": crm, "cnf": map[string]any{"kid": "x"}}, "/", 401},
		"and no sub":         {map[string]any{"aud": crm, "sub": nil}, "/", 401},
		"and scope":          {map[string]any{"aud": crm}, "/admin", 401},
		"and scope malform":  {map[string]any{"aud": crm, "scope": "a  b"}, "/", 401},
		"and issuer":         {map[string]any{"aud": crm, "iss": "https://x.example.test"}, "/", 401},
		"and future":         {map[string]any{"aud": crm, "nbf": at.Unix() + 100}, "/", 401},
		"and exp overflow":   {map[string]any{"aud": crm, "exp": int64(9223372036854775807)}, "/", 401},
		"and exp before iat": {map[string]any{"aud": crm, "exp": at.Unix() - 1, "iat": at.Unix() + 1}, "/", 401},
		"and a path":         {map[string]any{"aud": crm}, "//", 400},
	} {
		if got := serve(h, request("GET", c.path, w.sign(t, c.claims))).Code; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
