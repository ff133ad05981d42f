package federation_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// Each claim that a rule demands, wrong or missing, and nothing else changed.
func TestOneWrongClaimDoesNotFit(t *testing.T) {
	for platform, f := range fixtures() {
		for _, c := range f.rule.Claims {
			for what, value := range map[string]any{
				"missing": nil, "another": "another", "longer": c.AnyOf[0] + "x", "empty": "", "a list": []string{c.AnyOf[0]}, "an object": map[string]any{"a": c.AnyOf[0]}, "null": []any{nil}[0],
			} {
				if what == "a list" && (c.Name[0] == "roles" || c.Name[0] == "groups") {
					continue // known to be lists
				}
				wrong := f.token.with(c.Name[0], value)
				ok, why := federation.Match(platform, f.rule, wrong)
				if ok || !strings.Contains(why, "claim "+c.Name[0]) {
					t.Errorf("%s: %s %s: %v %q", platform, c.Name[0], what, ok, why)
				}
			}
		}
		mustFit(t, platform, f.rule, f.token.with("iss", "https://elsewhere.example.test"), false)
		mustFit(t, platform, f.rule, f.token.with("iss", nil), false)
		mustFit(t, platform, f.rule, f.token.with("more", "is harmless"), true)
	}
}

// What is expected comes from the registry; the token is not repeated.
func TestWhyShowsNothingOfTheToken(t *testing.T) {
	f := fixtures()["github"]
	_, why := federation.Match("github", f.rule, f.token.with("repository_id", "s3cr3t"))
	if strings.Contains(why, "s3cr3t") || !strings.Contains(why, `claim repository_id differs: expected "22"`) {
		t.Error(why)
	}
}

func TestPullRequestsAreRefusedByDefault(t *testing.T) {
	f := fixtures()["github"]
	// The rule names no event of a pull request, but its other claims fit one.
	for name, value := range map[string]string{
		"event_name": "pull_request_target", "head_ref": "evil", "base_ref": "main", "ref": "refs/pull/7/merge", "sub": "repo:octo@11/shop@22:pull_request",
	} {
		ok, why := federation.Match("github", f.rule, f.token.with(name, value))
		if ok || !strings.Contains(why, "claim "+name+": the run was caused by a pull request") {
			t.Errorf("%s: %v %s", name, ok, why)
		}
	}
	allowed := rule(actions, claim("22", "repository_id"), claim("refs/pull/7/merge", "ref"), claim("pull_request", "event_name"))
	pull := f.token.with("event_name", "pull_request").with("ref", "refs/pull/7/merge").with("head_ref", "fix").with("base_ref", "main")
	mustFit(t, "github", allowed, pull, false)
	allowed.AllowPullRequests = true
	mustFit(t, "github", allowed, pull, true)
	mustFit(t, "github", allowed, f.token, false)

	merge := fixtures()["gitlab"]
	mustFit(t, "gitlab", merge.rule, merge.token.with("pipeline_source", "merge_request_event"), false)
	mustFit(t, "gitlab", merge.rule, merge.token.with("ref_path", "refs/merge-requests/1/head"), false)
}

func TestKindsOfValues(t *testing.T) {
	fits := func(value any, want string, name ...string) bool {
		r := rule(other, claim("a", "sub"), claim(want, name...))
		ok, _ := federation.Match("oidc", r, token{"iss": other, "sub": "a", name[0]: value})
		return ok
	}
	object := map[string]any{"n": 7, "t": true, "s": "x", "o": map[string]any{"s": "y"}, "l": []string{"x"}, "z": nil}
	for what, c := range map[string]struct {
		value any
		want  string
		name  []string
		fits  bool
	}{
		"number":           {7, "7", []string{"n"}, true},
		"number otherwise": {7, "7.0", []string{"n"}, false},
		"boolean":          {true, "true", []string{"b"}, true},
		"boolean not":      {false, "true", []string{"b"}, false},
		"inner number":     {object, "7", []string{"c", "n"}, true},
		"inner boolean":    {object, "true", []string{"c", "t"}, true},
		"inner text":       {object, "x", []string{"c", "s"}, true},
		"deep text":        {object, "y", []string{"c", "o", "s"}, true},
		"inner case":       {object, "x", []string{"c", "S"}, false},
		"inner list":       {object, "x", []string{"c", "l"}, false},
		"inside a text":    {"x", "x", []string{"c", "s"}, false},
		"a known list":     {[]string{"y", "x"}, "x", []string{"groups"}, true},
		"not in the list":  {[]string{"y", "xx"}, "x", []string{"groups"}, false},
		"list of numbers":  {[]any{"x", 7}, "x", []string{"groups"}, false},
		"groups as text":   {"x", "x", []string{"groups"}, true},
		"an unknown list":  {[]string{"x"}, "x", []string{"teams"}, false},
		"list inside list": {[]any{[]string{"x"}}, "x", []string{"groups"}, false},
		"text like object": {`{"s":"x"}{}`, "x", []string{"c", "s"}, false},
		"name twice":       {`{"s":"x","s":"x"}`, "x", []string{"c", "s"}, false},
		"escaped name":     {`{"\u0073":"x"}`, "x", []string{"c", "s"}, true},
	} {
		if got := fits(c.value, c.want, c.name...); got != c.fits {
			t.Errorf("%s: fits %v", what, got)
		}
	}
}

func TestOverlapAndCover(t *testing.T) {
	id, ref, push := claim("22", "repository_id"), claim("refs/heads/main", "ref"), claim("push", "event_name")
	base := rule(actions, id, ref, push)
	immutable := rule(actions, claim(sub1, "sub"), push)
	account := rule(cluster, claim("system:serviceaccount:shop:checkout", "sub"))
	named := func(name string) federation.Rule {
		return rule(cluster, claim("shop", "kubernetes.io", "namespace"), claim(name, "kubernetes.io", "serviceaccount", "name"))
	}
	group := func(name string) federation.Rule {
		return rule(other, claim("a", "sub"), claim(name, "groups"))
	}
	for what, c := range map[string]struct {
		platform string
		a, b     federation.Rule
		overlap  bool
		covers   bool // a covers b
	}{
		"the same":              {"github", base, base, true, true},
		"another issuer":        {"github", base, rule(gitlab, id, ref, push), false, false},
		"another repository":    {"github", base, rule(actions, claim("23", "repository_id"), ref, push), false, false},
		"narrower":              {"github", base, rule(actions, id, ref, push, claim("prod", "environment")), true, true},
		"wider":                 {"github", rule(actions, id, ref, push, claim("prod", "environment")), base, true, false},
		"another branch":        {"github", base, rule(actions, id, claim("refs/heads/next", "ref"), push), false, false},
		"a branch more":         {"github", rule(actions, id, several("ref", "refs/heads/main", "refs/heads/next"), push), base, true, true},
		"a branch less":         {"github", base, rule(actions, id, several("ref", "refs/heads/main", "refs/heads/next"), push), true, false},
		"by name and by id":     {"github", base, rule(actions, claim("octo/shop", "repository"), claim("11", "repository_owner_id"), ref, push), true, false},
		"immutable, the same":   {"github", rule(actions, id, push), immutable, true, true},
		"immutable, another":    {"github", rule(actions, claim("23", "repository_id"), ref, push), immutable, false, false},
		"account in two forms":  {"kubernetes", account, named("checkout"), true, true},
		"and back":              {"kubernetes", named("checkout"), account, true, true},
		"another account":       {"kubernetes", account, named("ledger"), false, false},
		"in two groups":         {"oidc", group("x"), group("y"), true, false},
		"with and without pull": {"github", base, func() federation.Rule { r := base; r.AllowPullRequests = true; return r }(), true, false},
	} {
		if got := federation.Overlap(c.platform, c.a, c.b); got != c.overlap || got != federation.Overlap(c.platform, c.b, c.a) {
			t.Errorf("%s: overlap %v", what, got)
		}
		if got := federation.Covers(c.platform, c.a, c.b); got != c.covers {
			t.Errorf("%s: covers %v", what, got)
		}
	}
}
