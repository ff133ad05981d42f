package federation_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// However many rules there are, a token is compared with those of its own
// repository.
func TestTheIndexPassesOverTheRest(t *testing.T) {
	f := fixtures()[federation.GitHub]
	rules := []federation.Rule{f.rule, rule(actions, claim("22", "repository_id"))} // the second one is refused
	for i := range 1000 {
		rules = append(rules,
			rule(actions, claim(fmt.Sprint(100+i), "repository_id"), claim("refs/heads/main", "ref"), claim("push", "event_name")),
			rule(actions, claim(fmt.Sprintf("repo:octo@11/x@%d:ref:refs/heads/main", 5000+i), "sub"), claim("push", "event_name")))
	}
	x := federation.NewIndex(federation.GitHub, rules)
	if near := x.Near(f.token); !slices.Equal(near, []int{0}) {
		t.Errorf("near the token are %v", near)
	}
	if near := x.Near(f.token.with("repository_id", "23").with("sub", "repo:octo@11/x@23:ref:refs/heads/main")); len(near) > 0 {
		t.Errorf("near a stranger are %v", near)
	}
	if all := x.All(); len(all) != 2001 || slices.Contains(all, 1) {
		t.Errorf("%d rules, or one that is refused", len(all))
	}
	if names := x.Claims(); !slices.Equal(names, []string{"repository_id", "sub"}) {
		t.Errorf("told apart by %v", names)
	}
	if near := new(federation.Index).Near(f.token); near != nil {
		t.Errorf("the zero index knows %v", near)
	}
}
