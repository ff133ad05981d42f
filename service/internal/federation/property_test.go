package federation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// world makes tokens of a platform from few values, so that they meet often.
// Which names one workload is kept as a platform keeps it: an id is never given
// twice, a name may be.
type world struct {
	issuer   string
	names    [][]string
	workload func(chance) (who string, t token)
}

// chance draws evenly. What is drawn from rapid itself prefers small values, so
// that rules and tokens would meet too seldom.
type chance struct{ *rand.Rand }

func chances(t *rapid.T) chance {
	return chance{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "more")))}
}

func (c chance) pick(from ...string) string { return from[c.IntN(len(from))] }

// often is true n times out of ten.
func (c chance) often(n int) bool { return c.IntN(10) < n }

// rule makes a rule of what tokens have: most claims from one token, some left
// out, some with the value of another token beside.
func (w world) rule(c chance) federation.Rule {
	_, one := w.workload(c)
	_, two := w.workload(c)
	var all []federation.Claim
	for _, name := range w.names {
		if c.often(2) {
			continue
		}
		values := []string{one.at(name)}
		if more := two.at(name); c.often(1) && more != values[0] {
			values = append(values, more)
		}
		all = append(all, federation.Claim{Name: name, AnyOf: values})
	}
	return rule(w.issuer, all...)
}

func (t token) at(name []string) string {
	value := any(map[string]any(t))
	for _, element := range name {
		value = value.(map[string]any)[element]
	}
	return value.(string)
}

func worlds() map[string]world {
	top := func(names ...string) (all [][]string) {
		for _, name := range names {
			all = append(all, []string{name})
		}
		return all
	}
	return map[string]world{
		federation.GitHub: {actions, top("repository_id", "repository", "repository_owner_id", "sub", "ref", "event_name"),
			func(c chance) (string, token) {
				// Two owners have had the login octo; each repository has one id.
				owner := 1 + c.IntN(2)
				name := c.pick("shop", "pay")
				repository := fmt.Sprint(owner*10 + map[string]int{"shop": 1, "pay": 2}[name])
				ref := c.pick("refs/heads/main", "refs/heads/x", "refs/pull/1/merge")
				event := c.pick("push", "push", "push", "pull_request", "pull_request_target")
				return repository, token{
					"iss": actions, "repository_id": repository, "repository": "octo/" + name, "repository_owner": "octo", "repository_owner_id": fmt.Sprint(owner),
					"sub": c.pick("repo:octo/"+name+":ref:"+ref, fmt.Sprintf("repo:octo@%d/%s@%s:ref:%s", owner, name, repository, ref)), "ref": ref, "event_name": event,
				}
			},
		},
		federation.GitLab: {gitlab, top("project_id", "project_path", "namespace_id", "sub", "ref", "ref_protected", "pipeline_source"),
			func(c chance) (string, token) {
				namespace, name := 1+c.IntN(2), c.pick("shop", "pay")
				id := fmt.Sprint(namespace*10 + map[string]int{"shop": 1, "pay": 2}[name])
				return id, token{
					"iss": gitlab, "project_id": id, "project_path": "octo/" + name, "namespace_id": fmt.Sprint(namespace), "namespace_path": "octo", "sub": "project_path:octo/" + name,
					"ref": c.pick("main", "x"), "ref_protected": c.pick("true", "true", "false"), "pipeline_source": c.pick("push", "push", "merge_request_event"),
				}
			},
		},
		federation.Azure: {entra, top("tid", "oid", "azp", "idtyp"),
			func(c chance) (string, token) {
				// The application object and program are the same workload.
				who := c.pick(object+" "+program, account+" "+tenant)
				return who, token{"iss": entra, "tid": tenant, "oid": who[:36], "azp": who[37:], "idtyp": "app"}
			},
		},
		federation.Kubernetes: {cluster, append(top("sub"), []string{"kubernetes.io", "namespace"}, []string{"kubernetes.io", "serviceaccount", "name"}, []string{"kubernetes.io", "pod", "name"}),
			func(c chance) (string, token) {
				namespace, name := c.pick("a", "b"), c.pick("c", "d")
				return namespace + "/" + name, token{
					"iss": cluster, "sub": "system:serviceaccount:" + namespace + ":" + name,
					"kubernetes.io": map[string]any{"namespace": namespace, "serviceaccount": map[string]any{"name": name}, "pod": map[string]any{"name": "p"}},
				}
			},
		},
	}
}

// No rule that is accepted speaks for two workloads, two rules that both speak
// for one token are said to overlap, a rule that covers another one speaks for
// all that the other speaks for, and the index overlooks none that fits.
func TestARuleNamesOneWorkload(t *testing.T) {
	for platform, w := range worlds() {
		t.Run(platform, func(t *testing.T) {
			seen := map[string]int{}
			rapid.Check(t, func(t *rapid.T) { w.look(t, platform, seen) })
			for _, what := range []string{"accepted", "fitted", "together", "covered", "passed over"} {
				if seen[what] == 0 {
					t.Errorf("the test looks at nothing: %v", seen)
				}
			}
		})
	}
}

func (w world) look(t *rapid.T, platform string, seen map[string]int) {
	c := chances(t)
	var rules []federation.Rule
	var good []bool
	for range 12 {
		r := w.rule(c)
		r.AllowPullRequests = c.often(3) && (platform == federation.GitHub || platform == federation.GitLab)
		wider := r
		if i := c.IntN(len(r.Claims) + 1); i < len(r.Claims) {
			wider.Claims = slices.Delete(slices.Clone(r.Claims), i, i+1)
		}
		for _, r := range []federation.Rule{r, wider} {
			rules, good = append(rules, r), append(good, federation.Check(platform, r) == nil)
			if good[len(good)-1] {
				seen["accepted"]++
			}
		}
	}
	spoken, index := make([]string, len(rules)), federation.NewIndex(platform, rules)
	for range 16 {
		who, tok := w.workload(c)
		fits := make([]bool, len(rules))
		for i, r := range rules {
			if fits[i], _ = federation.Match(platform, r, tok); !fits[i] {
				continue
			}
			seen["fitted"]++
			if !slices.Contains(index.Near(tok), i) {
				t.Fatalf("the index overlooks %v", r.Claims)
			}
			if spoken[i] != "" && spoken[i] != who || !good[i] {
				t.Fatalf("%v speaks for %s and for %s", r.Claims, spoken[i], who)
			}
			spoken[i] = who
		}
		if len(index.Near(tok)) < len(rules) {
			seen["passed over"]++
		}
		compare(t, platform, rules, good, fits, seen)
	}
}

func compare(t *rapid.T, platform string, rules []federation.Rule, good, fits []bool, seen map[string]int) {
	for i, a := range rules {
		for j, b := range rules {
			if i == j || !fits[i] || !good[j] {
				continue
			}
			if fits[j] {
				seen["together"]++
				if !federation.Overlap(platform, a, b) {
					t.Fatalf("a token fits both %v and %v", a.Claims, b.Claims)
				}
			}
			if federation.Covers(platform, b, a) {
				seen["covered"]++
				if !fits[j] {
					t.Fatalf("%v is said to cover %v", b.Claims, a.Claims)
				}
			}
		}
	}
}
