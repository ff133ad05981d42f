package feed

import "time"

const (
	// clockTolerance is how far the issuer's clock may differ.
	clockTolerance = 5 * time.Second
	// unsaid is the limit until the issuer has named one.
	unsaid = time.Minute
)

// clocks is how far the issuer's clock is ahead of ours. What it says on a connection
// was written after we had asked, so it is ahead by no more than the difference, and
// before we read it, so it is ahead by no less. Who repeats what is old says less than
// was true before, and is not believed.
type clocks struct {
	most, least time.Duration
	known       bool
	since       time.Time
}

// clocksFor is how long a difference counts beside newer ones that are not as near.
const clocksFor = 10 * time.Minute

// hear takes what the issuer said and we read now. Asked is when we asked, for the
// first word on a connection, and otherwise zero.
func (c *clocks) hear(said, asked, now time.Time) {
	if first := !asked.IsZero(); first && (!c.known || now.Sub(c.since) > clocksFor) {
		*c = clocks{most: said.Sub(asked), least: said.Sub(now), known: true, since: now}
	} else if first {
		c.most = min(c.most, said.Sub(asked))
	}
	c.least = max(c.least, said.Sub(now))
	c.most = max(c.most, c.least)
}

// delay is how old a message is at most that arrives now: a network that holds it
// back makes it older. Without it, only clockTolerance bounds what nobody sees.
func (c *clocks) delay(asOf, now time.Time) time.Duration {
	if !c.known {
		return 0
	}
	return max(0, now.Sub(asOf)+c.most)
}

// age is how old a state is: by when the last At arrived, and by what it says itself,
// whichever is more. The first alone would believe somebody who repeats what is old,
// the second alone would suffer from clocks that differ. It is false when nobody can
// tell, because the clock went back behind the arrival.
func (k *known) age(now time.Time) (time.Duration, bool) {
	if k.set == nil || now.Before(k.received.Add(-clockTolerance)) {
		return 0, false
	}
	return max(0, now.Sub(k.received), now.Sub(k.at.AsOf)-clockTolerance), true
}

func (f *Follower) isStale(k *known, now time.Time) bool {
	age, told := k.age(now)
	return !told || age > f.limit(k)
}

// limit is the shorter one of what the issuer and the operator say.
func (f *Follower) limit(k *known) time.Duration {
	said := k.at.staleAfter()
	switch {
	case k.set == nil && f.staleAfter == 0:
		return unsaid
	case k.set == nil || f.staleAfter != 0 && f.staleAfter < said:
		return f.staleAfter
	}
	return said
}

// accepts reports whether nobody says to refuse.
func (f *Follower) accepts(k *known) bool { return f.mode(k) == Accept }

func (f *Follower) mode(k *known) WhenStale {
	switch {
	case f.whenStale == Refuse || k.set != nil && k.at.WhenStale == Refuse:
		return Refuse
	case f.whenStale == Accept || k.set != nil:
		return Accept
	}
	return Refuse
}
