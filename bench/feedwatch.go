package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// confirm asks who confirmed, and shows the token to each of them at once.
func (f *faults) confirm(number uint64, token string) {
	for range 8 {
		f.rest(150 * time.Millisecond)
		c, err := f.thief.confirmations(number)
		if f.ctx.Err() != nil {
			return
		}
		if err != nil {
			f.refusals.Add(1)
			continue
		}
		f.asked.Add(1)
		k := 0
		for _, v := range c.Verifiers {
			i := slices.IndexFunc(f.points.all, func(p *point) bool { return p.name == v.Name })
			if v.Standing != "confirmed" {
				continue
			}
			if k++; i < 0 {
				f.say("record %d is confirmed by %q, whom nobody knows", number, v.Name)
				continue
			}
			f.confirmed.Add(1)
			f.mu.Lock()
			f.held[i][number] = true
			f.mu.Unlock()
			if f.points.all[i].opens(token) {
				f.say("record %d is confirmed by %s, which accepts the token", number, v.Name)
			}
		}
		if k != c.Confirmed || len(c.Verifiers) != c.Of {
			f.say("record %d: confirmed by %d of %d, and the list has %d of %d", number, c.Confirmed, c.Of, k, len(c.Verifiers))
		}
		if c.Of > 0 && k == c.Of {
			return
		}
	}
}

// watch shows dead tokens to one point: those of the last seconds and some older.
func (f *faults) watch(i int, p *point) {
	for f.ctx.Err() == nil {
		f.rest(10 * time.Millisecond)
		f.mu.Lock()
		recent := f.recent(time.Now().Add(-faultWatched))
		f.mu.Unlock()
		for _, c := range recent {
			f.present(i, p, c)
		}
	}
}

// recent are the dead since a time, and as many others.
func (f *faults) recent(since time.Time) []*corpse {
	from := len(f.buried)
	for from > 0 && f.buried[from-1].told.After(since) {
		from--
	}
	some := slices.Clone(f.buried[from:])
	for range min(from, 20) {
		some = append(some, f.buried[rand.N(from)])
	}
	return some
}

// present shows one dead token. What counts is how old the knowledge of the point
// truly is: its clock is that of the issuer.
func (f *faults) present(i int, p *point, c *corpse) {
	now := time.Now()
	state, limit := "connected", 2*time.Second
	if asOf := p.follower.Feed().AsOf; now.Sub(asOf) > 2*time.Second {
		state, limit = "stale", f.stale
	}
	f.shown.Add(1)
	if !p.opens(c.token) {
		return
	}
	late := now.Sub(c.told)
	f.mu.Lock()
	f.worst[state] = max(f.worst[state], late)
	held := f.held[i][c.number]
	f.mu.Unlock()
	if held {
		f.say("%s confirmed record %d and accepts the token again", p.name, c.number)
	}
	if late > limit {
		f.say("%s (%s, link: %s) accepts a token %s after it was called back; printed are %s", p.name, state, f.front.links[i].name(), late, limit)
	}
}
