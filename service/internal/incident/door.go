package incident

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// unseen is how long after the birth of a token the first report of a door may
// come: clocks differ a little, and a token tells its birth in whole seconds.
const unseen = 10 * time.Second

// door judges one door by what its enforcement points said of themselves. The
// registry alone is configuration, and configuration is not evidence.
func (r *Room) door(ctx context.Context, q question, door registry.Resource, heard map[string]*voice, showings []Showing) Finding {
	f := Finding{Resource: door.Audience.String(), Name: door.Name, Owner: door.Owner}
	for _, aud := range q.said.Audience {
		f.Own = f.Own || door.Audience.Names(aud)
	}
	for _, v := range voices(heard) {
		f.Points = append(f.Points, r.point(ctx, q, v))
	}
	accepted, refused := shownAt(door.Audience, showings)
	switch {
	case accepted != nil: // nothing outweighs what happened
		f.Verdict, f.Evidence, f.From, f.To = Accepts, Observed, accepted.Time, accepted.Time
		f.Basis = fmt.Sprintf("it was accepted there at %s by %s", stamp(accepted.Time), word(accepted.Writer))
	case len(f.Points) == 0:
		f.unheard(door, refused)
	default:
		f.weigh(q.life)
	}
	return f
}

// unheard is the finding for a door that nobody has spoken for.
func (f *Finding) unheard(door registry.Resource, refused *Showing) {
	f.Verdict, f.Evidence, f.Basis = Unknown, Declared, "registered, but no verifier has reported for it around that time"
	if door.Name == "" {
		f.Evidence, f.Basis = None, "not in the registry, and no verifier has reported for it around that time"
	}
	if refused != nil {
		f.From, f.To = refused.Time, refused.Time
		f.Basis += fmt.Sprintf("; one refusal is on record, at %s by %s", stamp(refused.Time), word(refused.Writer))
	}
}

// weigh makes the verdict on a door out of those on its enforcement points: the
// worst one counts, because a visitor chooses the way in.
func (f *Finding) weigh(life span) {
	f.Evidence, f.Verdict = Observed, ""
	agree := 0
	for _, p := range f.Points {
		if f.Verdict == "" || worse(p.Verdict, f.Verdict) {
			f.Verdict, f.Reason, f.Near, f.Basis, agree = p.Verdict, p.Reason, p.Near, p.Basis, 0
		}
		if p.Verdict == f.Verdict {
			agree++
		}
		if f.From.IsZero() || p.From.Before(f.From) {
			f.From = p.From
		}
		if p.To.After(f.To) {
			f.To = p.To
		}
	}
	switch all := len(f.Points); {
	case all > 1 && agree == all:
		f.Basis += fmt.Sprintf("; all %d enforcement points agree", all)
	case all > 1:
		f.Basis += fmt.Sprintf("; the worst of %d enforcement points counts", all)
	}
	if f.Verdict == Refuses && f.late(life) {
		f.Verdict = Unknown
		f.Basis += fmt.Sprintf("; nothing was heard of this door before %s, when the token had lived for %s", stamp(f.From), f.From.Sub(life.from).Round(time.Second))
	}
}

// covered reports that every enforcement point that is known of the door was
// heard during the whole life of the token, and so could have told.
func (f *Finding) covered(life span) bool {
	return len(f.Points) > 0 && !f.late(life) && !slices.ContainsFunc(f.Points, func(p Point) bool { return p.silent })
}

// late reports that nobody spoke for the door when the token was born.
func (f *Finding) late(life span) bool {
	return !slices.ContainsFunc(f.Points, func(p Point) bool { return p.From.Sub(life.from) <= unseen })
}

// worse orders verdicts by what a responder must fear.
func worse(a, b Verdict) bool {
	rank := map[Verdict]int{Refuses: 0, Unknown: 1, Accepts: 2}
	return rank[a] > rank[b]
}

// point judges one enforcement point by everything it said, and by when it said
// nothing.
func (r *Room) point(ctx context.Context, q question, v *voice) Point {
	p := Point{Writer: v.writer, From: v.times[0], To: v.times[len(v.times)-1], Reports: len(v.times)}
	for _, s := range v.statements() {
		one := r.judge(ctx, &q, &s.facts)
		if p.Verdict == "" || !worse(p.Verdict, one.verdict) {
			p.Verdict, p.Reason, p.Near = one.verdict, one.reason, one.near
			p.Mode, p.Digest = s.facts.Mode, s.facts.Digest
			p.Basis = s.basis(v.writer) + one.why
		}
	}
	last, silent := v.silence(r.fresh(), q.life.to)
	if p.silent = silent; silent && p.Verdict == Refuses {
		p.Verdict = Unknown
		p.Basis += fmt.Sprintf("; after %s it was silent for more than %s and may have changed", stamp(last), r.fresh())
	}
	return p
}

// basis says who reported what, and when.
func (s *statement) basis(writer string) string {
	when := "at " + stamp(s.last)
	if s.count > 1 {
		when = fmt.Sprintf("%d times from %s to %s", s.count, stamp(s.first), stamp(s.last))
	}
	return fmt.Sprintf("%s reported mode %s, configuration %s %s", word(writer), word(string(s.facts.Mode)), word(short(s.facts.Digest)), when)
}

func short(digest string) string { return digest[:min(len(digest), 12)] }
