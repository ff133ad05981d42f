package authn_test

import (
	"fmt"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"

	"github.com/narrowcast-io/narrowcast"
)

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
