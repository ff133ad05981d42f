package policy

import (
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// first names the first token of need that have does not hold.
func first(need, have narrowcast.Scope) string {
	for token := range need.Tokens() {
		if !have.Has(token) {
			return short(token)
		}
	}
	return ""
}

// short cuts what a stranger sent, so that a token in the wrong field is not
// repeated in full.
func short(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "?")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return "\"" + strings.Map(printable, s) + "\""
}

func printable(r rune) rune {
	if r < 0x20 || r == 0x7f {
		return '?'
	}
	return r
}

// Explain tells the decision in lines: the answer, then every reason with the
// place of the rule behind it.
func (d Decision) Explain() string {
	var b strings.Builder
	switch {
	case d.Allowed:
		b.WriteString("allowed: " + d.Audience.String() + " with scope " + d.Scope.String() + " for " + d.Lifetime.String())
	case d.Refusal == "":
		b.WriteString("refused: nothing was decided")
	default:
		b.WriteString("refused: " + d.Refusal)
	}
	for _, reason := range d.Reasons {
		sign := "  + "
		if reason.Refusal != "" {
			sign = "  - "
		}
		b.WriteString("\n" + sign + reason.Text)
		if reason.Position != "" {
			b.WriteString(" (" + reason.Position + ")")
		}
	}
	return b.String()
}
