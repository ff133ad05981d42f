package incident

import (
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// death tells what was called back, and what became of a task.
func (p *printer) death(e event.Event) {
	if v := e.Revocation; v != nil {
		p.line("called     %s %s", word(v.Kind), word(v.ID))
		if !v.Before.IsZero() {
			p.line("before     tokens issued until %s", stamp(v.Before))
		}
		if e.Type == event.Revoked {
			p.line("tokens     %d when this was recorded, the last of them ends at %s", v.Tokens, stamp(v.Until))
		}
	}
	if t := e.Task; t != nil {
		p.task(t)
	}
}

func (p *printer) task(t *event.Task) {
	p.line("task       %s of client %s, attempt %d", word(t.ID), word(t.Client), t.Attempt)
	for _, m := range []struct{ name, text string }{
		{"label", words(t.Label)}, {"outcome", word(t.Outcome)}, {"inside", word(t.Parent)}, {"retry of", word(t.RetryOf)}, {"for", each(t.Resources)},
	} {
		if m.text != "-" {
			p.line("%-10s %s", m.name, m.text)
		}
	}
	if !t.Deadline.IsZero() || t.Lease != 0 {
		p.line("time       until %s, with a lease of %s", stamp(t.Deadline), t.Lease.Round(time.Millisecond))
	}
}

// family tells where a token came from, and what limits it besides its life.
func (p *printer) family(t *event.Token) {
	if t.Parent != "" {
		p.line("parent     %s, first of the line %s", word(t.Parent), word(t.Lineage))
	}
	if len(t.Actors) > 0 {
		p.line("acting     %s for %s", each(t.Actors), word(t.Subject))
	}
	if t.Task != "" {
		p.line("task       %s", word(t.Task))
	}
	var limits []string
	if t.SingleUse {
		limits = append(limits, "good for one use")
	}
	if t.StatusList != "" {
		limits = append(limits, "in the status list "+word(t.StatusList))
	}
	if len(limits) > 0 {
		p.line("further    %s", strings.Join(limits, ", "))
	}
}

// feed tells how far an enforcement point has followed revocations.
func (p *printer) feed(v *event.Verifier) {
	switch f := v.Feed; {
	case !v.Revocation && f == nil:
		p.line("revoked    it does not follow revocations")
	case f == nil:
		p.line("revoked    it asks whether tokens were called back")
	case f.Degraded:
		p.line("revoked    up to record %d as of %s; that is too old, and it goes on all the same", f.Position, stamp(f.AsOf))
	default:
		p.line("revoked    up to record %d as of %s; older than %s it would %s", f.Position, stamp(f.AsOf), f.StaleAfter, word(f.WhenStale))
	}
}
