package guard

import (
	"context"
	"math"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// Flush records the accepted and the folded refused presentations of the minutes
// before now.
func (g *Guard) Flush(now time.Time) {
	if g.folds != nil {
		g.flushBefore(minuteOf(now))
	}
}

func (g *Guard) flushBefore(minute int64) {
	for _, f := range g.folds.before(minute) {
		g.book.record(g.presented(f))
	}
	for _, f := range g.refusals.before(minute) {
		g.recordRefusals(f)
	}
}

// Seen records what the guard is set to do and returns the event. Without such
// events nobody can tell a quiet door from one that was never locked.
func (g *Guard) Seen(now time.Time) event.Event { return g.report(event.VerifierSeen, now) }

// report records an event about the guard itself. It looks at the feed before it
// takes a number, so that the position is one that tokens are judged by already.
func (g *Guard) report(kind event.Type, now time.Time) event.Event {
	if g.verifier == nil {
		return event.Event{}
	}
	seen := event.VerifierOf(g.verifier, g.mode(now))
	seen.Software, seen.Dropped = g.software, g.counts.unrecorded.Load()
	if g.feed != nil {
		known := g.feed.Feed()
		seen.Feed = &known
	}
	e := event.Event{ID: newDecision(), Type: kind, Time: now, Mode: g.mode(now), Verifier: seen}
	if g.observing(now) {
		e.Detail = "the audience check is set aside until " + g.observe.Until.UTC().Format(time.RFC3339) + ", owner " + clip(g.observe.Owner, 128)
	}
	return g.book.record(e)
}

// Run reports the guard at once, at every interval and when the feed brought
// something new, and flushes at every full minute, until ctx is done. Then it flushes
// what is left, also of the minute that has begun, and reports that the guard left.
func (g *Guard) Run(ctx context.Context) {
	if g.verifier == nil {
		return
	}
	news := g.news()
	g.Seen(g.now())
	seen := time.NewTicker(g.every)
	defer seen.Stop()
	minute := time.NewTimer(untilNextMinute(g.now()))
	defer minute.Stop()
	rest := time.NewTimer(restOfNews)
	defer rest.Stop()
	var changed <-chan struct{} // nil while the guard rests
	for {
		select {
		case <-ctx.Done():
			g.flushBefore(math.MaxInt64)
			g.report(event.VerifierLeft, g.now())
			return
		case <-seen.C:
			g.Seen(g.now())
		case <-rest.C:
			changed = news
		case <-changed:
			news, changed = g.news(), nil
			g.Seen(g.now())
			rest.Reset(restOfNews)
		case <-minute.C:
			now := g.now()
			g.Flush(now)
			minute.Reset(untilNextMinute(now))
		}
	}
}

func untilNextMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
