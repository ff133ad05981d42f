package federation

import "strings"

// Whole is the Claim of a fault that concerns the rule as a whole.
const Whole = -1

// Fault is one reason why a rule is refused. Its text shows no value of the
// rule: somebody may have put a token there.
type Fault struct {
	Claim int // index in Rule.Claims, or Whole
	Text  string
}

// Faults are all that is wrong with a rule.
type Faults []Fault

// Error returns the faults, one after the other.
func (fs Faults) Error() string {
	texts := make([]string, len(fs))
	for i, f := range fs {
		texts[i] = f.Text
	}
	return strings.Join(texts, "; ")
}
