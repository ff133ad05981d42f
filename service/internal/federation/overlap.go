package federation

import (
	"maps"
	"slices"
)

// Overlap reports whether one token could fit both rules: they are of one issuer
// and no claim has values that exclude each other. Whoever holds such a token
// could be either client, so two clients must not have such rules.
func Overlap(platform string, a, b Rule) bool {
	if a.Issuer != b.Issuer {
		return false
	}
	return meet(demands(platform, a), demands(platform, b), shapes()[platform].lists)
}

func meet(ofA, ofB map[string][]string, lists []string) bool {
	for name, values := range ofA {
		others, both := ofB[name]
		// A list may hold the one and the other.
		if both && !slices.Contains(lists, name) && disjoint(values, others) {
			return false
		}
	}
	return true
}

// Overlaps calls each for all pairs of rules that overlap, by index, until it
// returns false. All rules are of one issuer.
func Overlaps(platform string, rules []Rule, each func(i, j int) bool) {
	all, lists := make([]map[string][]string, len(rules)), shapes()[platform].lists
	for i, r := range rules {
		all[i] = demands(platform, r)
	}
	first := divides(all, lists)
	byValue := map[string][]int{}
	var silent []int
	for j, these := range all {
		var near []int
		if values := these[first]; len(values) > 0 {
			for _, value := range values {
				near = append(near, byValue[value]...)
				byValue[value] = append(byValue[value], j)
			}
			near = append(near, silent...)
		} else {
			for i := range j {
				near = append(near, i)
			}
			silent = append(silent, j)
		}
		slices.Sort(near)
		for _, i := range slices.Compact(near) {
			if meet(all[i], these, lists) && !each(i, j) {
				return
			}
		}
	}
}

// divides returns the claim whose values leave the fewest rules to compare with
// each other. Most rules demand something of one claim, each another value; only
// those that share a value, or say nothing of it, need to be compared.
func divides(all []map[string][]string, lists []string) (best string) {
	said, sharing := map[string]int{}, map[string]map[string]int{}
	for _, these := range all {
		for name, values := range these {
			if slices.Contains(lists, name) {
				continue
			}
			if sharing[name] == nil {
				sharing[name] = map[string]int{}
			}
			said[name]++
			for _, value := range values {
				sharing[name][value]++
			}
		}
	}
	least := len(all)*len(all) + 1
	for _, name := range slices.Sorted(maps.Keys(said)) {
		pairs := (len(all) - said[name]) * len(all)
		for _, n := range sharing[name] {
			pairs += n * n
		}
		if pairs < least {
			best, least = name, pairs
		}
	}
	return best
}

// Covers reports whether every token that fits narrow fits wide as well. Then
// putting narrow in the place of wide gives nobody anything.
func Covers(platform string, wide, narrow Rule) bool {
	if wide.Issuer != narrow.Issuer || narrow.AllowPullRequests && !wide.AllowPullRequests {
		return false
	}
	known := demands(platform, narrow)
	for _, claim := range wide.Claims {
		values := known[key(claim.Name...)]
		if len(values) == 0 {
			return false
		}
		for _, value := range values {
			if !slices.Contains(claim.AnyOf, value) {
				return false
			}
		}
	}
	return true
}

// demands are the values that each claim may have, by key: what the rule says
// and what follows from it.
func demands(platform string, r Rule) map[string][]string {
	all := map[string][]string{}
	imply := func(values []string, name ...string) {
		if k := key(name...); all[k] == nil {
			all[k] = values
		}
	}
	for _, claim := range r.Claims {
		imply(claim.AnyOf, claim.Name...)
	}
	switch platform {
	case GitHub:
		if s := subjects(r.find("sub")); len(s) > 0 {
			imply([]string{s[0].RepositoryID}, "repository_id")
			imply([]string{s[0].OwnerID}, "repository_owner_id")
		}
	case Kubernetes:
		implyAccount(all, imply)
	}
	return all
}

// implyAccount says the name of a service account in both of its forms.
func implyAccount(all map[string][]string, imply func([]string, ...string)) {
	if sub := all["sub"]; len(sub) == 1 {
		if namespace, name, ok := serviceAccount(sub[0]); ok {
			imply([]string{namespace}, kubernetesClaim, "namespace")
			imply([]string{name}, kubernetesClaim, "serviceaccount", "name")
		}
	}
	namespace, name := all[key(kubernetesClaim, "namespace")], all[key(kubernetesClaim, "serviceaccount", "name")]
	if len(namespace) == 1 && len(name) == 1 {
		imply([]string{"system:serviceaccount:" + namespace[0] + ":" + name[0]}, "sub")
	}
}

func disjoint(a, b []string) bool {
	return !slices.ContainsFunc(a, func(value string) bool { return slices.Contains(b, value) })
}
