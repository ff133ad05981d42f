package federation

import (
	"maps"
	"slices"
)

// Index finds the rules of one issuer that a token may fit without trying each.
// Anybody may hold a token of a platform, so turning one away must be cheap. It
// never changes; the zero Index knows no rule.
type Index struct {
	lists  []string
	places map[string]place // by the key of a claim
}

// place are the rules that are told apart by one claim.
type place struct {
	name  []string
	rules map[string][]int // by value
}

// NewIndex makes an Index. Each rule stands under the claim of its own whose
// values it shares with the fewest others. Rules that [Check] refuses are left
// out, since no token fits them.
func NewIndex(platform string, rules []Rule) *Index {
	x := &Index{lists: shapes()[platform].lists, places: map[string]place{}}
	sharing := map[string]map[string]int{}
	var good []int
	for i, r := range rules {
		if len(Check(platform, r)) > 0 {
			continue
		}
		good = append(good, i)
		for _, claim := range r.Claims {
			k := key(claim.Name...)
			if sharing[k] == nil {
				sharing[k] = map[string]int{}
			}
			for _, value := range claim.AnyOf {
				sharing[k][value]++
			}
		}
	}
	for _, i := range good {
		x.put(i, rarest(rules[i], sharing))
	}
	return x
}

// rarest returns the claim of a rule whose commonest value is the rarest.
func rarest(r Rule, sharing map[string]map[string]int) Claim {
	return slices.MinFunc(r.Claims, func(a, b Claim) int { return commonest(a, sharing) - commonest(b, sharing) })
}

func commonest(c Claim, sharing map[string]map[string]int) (most int) {
	for _, value := range c.AnyOf {
		most = max(most, sharing[key(c.Name...)][value])
	}
	return most
}

func (x *Index) put(rule int, under Claim) {
	k := key(under.Name...)
	if x.places[k].rules == nil {
		x.places[k] = place{under.Name, map[string][]int{}}
	}
	for _, value := range under.AnyOf {
		x.places[k].rules[value] = append(x.places[k].rules[value], rule)
	}
}

// Near returns all rules that a token could fit, by their index, and some that
// it does not fit. [Match] decides.
func (x *Index) Near(t Token) (rules []int) {
	for _, p := range x.places {
		values, _ := look(t, p.name, x.lists)
		for _, value := range values {
			rules = append(rules, p.rules[value]...)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// All returns all rules that [Check] does not refuse.
func (x *Index) All() (rules []int) {
	for _, p := range x.places {
		for _, these := range p.rules {
			rules = append(rules, these...)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// Claims returns the names of the claims that tell the rules apart, for people.
func (x *Index) Claims() (names []string) {
	for _, k := range slices.Sorted(maps.Keys(x.places)) {
		names = append(names, dotted(x.places[k].name))
	}
	return names
}
