package guard

import (
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// State is how a guard is, for health pages and metrics.
type State struct {
	Audience     string
	Digest       string     // of the verifier's configuration
	Mode         event.Mode // empty for the zero Guard, which refuses everything
	ObserveOwner string     // empty unless Mode is observe
	ObserveUntil time.Time

	Accepted         uint64 // presentations
	Rejected         uint64 // refusals of any kind, off-target ones among them
	OffTarget        uint64
	WouldReject      uint64 // let pass by observe mode
	Unrecorded       uint64 // refusals of forged tokens that were only counted
	UpstreamFailures uint64 // requests that a proxy could not pass on
	Folds            int    // token and peer pairs not yet recorded
	Sequence         uint64 // of the last event

	Senders Senders

	Feed     *event.Feed   // what is known of revocations; nil without a Config.Feed
	FeedAge  time.Duration // since the issuer said so, by both clocks
	Degraded uint64        // presentations accepted although that was too old
}

// State returns how the guard is now.
func (g *Guard) State() State {
	if g.verifier == nil {
		return State{}
	}
	now := g.now()
	s := State{
		Audience: g.verifier.Audience().String(), Digest: g.verifier.Digest(), Mode: g.mode(now),
		Accepted: g.counts.accepted.Load(), Rejected: g.counts.rejected.Load(),
		OffTarget: g.counts.offTarget.Load(), WouldReject: g.counts.wouldReject.Load(),
		Unrecorded: g.counts.unrecorded.Load(), UpstreamFailures: g.counts.upstream.Load(),
		Folds: g.folds.len(), Sequence: g.book.last(), Senders: g.senders.totals(),
	}
	if s.Degraded = g.counts.degraded.Load(); g.feed != nil {
		known := g.feed.Feed()
		s.Feed = &known
		if !known.AsOf.IsZero() {
			s.FeedAge = max(0, now.Sub(known.AsOf))
		}
	}
	if s.Mode == event.Observe {
		s.ObserveOwner, s.ObserveUntil = g.observe.Owner, g.observe.Until
	}
	return s
}
