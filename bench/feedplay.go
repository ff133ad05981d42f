package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/narrowcast-io/narrowcast/feed"
)

// faultRound is how long it takes until everything has been broken once, at most.
const faultRound = time.Minute

// play breaks things, one round after the other, and mends them.
func (f *faults) play(all time.Duration) error {
	rounds := max(1, int(all/faultRound))
	for n := range rounds {
		if err := f.round(all/time.Duration(rounds), n); err != nil {
			return err
		}
		f.note(fmt.Sprintf("round %d of %d", n+1, rounds))
	}
	return nil
}

// round breaks each process once. The links change all the time, but for the last
// fifth: there all is well.
func (f *faults) round(length time.Duration, n int) error {
	began := time.Now()
	at := func(percent int) { f.rest(time.Until(began.Add(length * time.Duration(percent) / 100))) }
	a, b := f.front.houses[0], f.front.houses[1]
	steps := []struct {
		at   int
		what string
		do   func() error
	}{
		{12, "replica A is killed", a.kill}, {20, "replica A comes back", a.start},
		{32, "the database is killed", f.db.kill}, {42, "the database comes back", f.db.resume},
		{54, "replica B is killed", b.kill}, {64, "replica B comes back", b.start},
		{80, "the links are well", func() error { f.heal(); return nil }},
	}
	for percent := 2; percent <= 100; percent += 2 {
		at(percent)
		if percent < 80 && percent%10 == 2 {
			f.disturb(n*8 + percent/10)
		}
		for _, s := range steps {
			if s.at != percent {
				continue
			}
			progress("%5.1f s: %s", time.Since(f.began).Seconds(), s.what)
			if err := s.do(); err != nil {
				return fmt.Errorf("%s: %w", s.what, err)
			}
		}
	}
	return nil
}

// disturb gives every link another mode.
func (f *faults) disturb(step int) {
	for i, l := range f.front.links {
		if f.plan.broken == "entries" && i == 0 {
			l.set(linkDrop, 0)
			continue
		}
		l.set(int32((i+step)%linkModes), time.Second+time.Duration(step%4)*1500*time.Millisecond)
	}
}

func (f *faults) heal() {
	for i, l := range f.front.links {
		if f.plan.broken != "entries" || i != 0 {
			l.set(linkPass, 0)
		}
	}
}

func (f *faults) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	progress("%5.1f s: %s; %d tokens called back, %d answers missing, %d findings", time.Since(f.began).Seconds(), what, f.revoked.Load(), f.refusals.Load(), len(f.said))
}

// settle waits until every verifier has come to the truth, and shows everything to
// everybody.
func (f *faults) settle() {
	f.stop()
	f.load.Wait()
	took, limit := time.Now(), 15*time.Second
	if f.plan.broken != "" {
		limit = time.Second // it will not happen
	}
	if err := within(limit, "every verifier comes to the truth", f.truth); err != nil {
		f.say("%v", err)
	}
	f.note(fmt.Sprintf("all verifiers agree after %s", time.Since(took).Round(time.Millisecond)))
}

func (f *faults) truth() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.buried) == 0 || len(f.living) == 0 {
		return errors.New("no token was called back, or none lives")
	}
	for _, p := range f.points.all {
		if s := p.follower.State(); !s.Connected || s.Stale {
			return fmt.Errorf("%s is not connected: %s", p.name, s.LastError)
		}
		for _, c := range f.buried {
			if p.opens(c.token) {
				return fmt.Errorf("%s accepts the token of record %d", p.name, c.number)
			}
		}
		for _, token := range f.living {
			if !p.opens(token) {
				return fmt.Errorf("%s refuses a living token", p.name)
			}
		}
	}
	return nil
}

// Memory may grow by this factor and amount between the beginning and the end: what
// is known of living tokens grows until the first ones have expired.
const (
	growth     = 2
	roomInHeap = 32 << 20
	roomInRSS  = 96 // MiB
)

func (f *faults) write(result *paper, before, after, resident, residentAfter float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := table{Title: "What happened", Columns: []column{{"", 1}}}
	for _, r := range []struct {
		name  string
		value float64
	}{
		{"tokens minted", float64(f.minted.Load())}, {"called back", float64(f.revoked.Load())},
		{"requests without an answer of use", float64(f.refusals.Load())}, {"dead tokens shown", float64(f.shown.Load())},
		{"asked who confirmed", float64(f.asked.Load())}, {"confirmations that were put to the test", float64(f.confirmed.Load())},
		{"longest life after the answer to revoke, s, feed at most 2 s old", f.worst["connected"].Seconds()},
		{"the same, older feed, s", f.worst["stale"].Seconds()},
		{"heap of all verifiers before, MiB", before / (1 << 20)}, {"and after, MiB", after / (1 << 20)},
		{"replica B at the beginning, MiB", resident}, {"and at the end, MiB", residentAfter},
	} {
		of.add(r.name, r.value)
	}
	connects := uint64(0)
	for _, p := range f.points.all {
		connects += p.follower.State().Connects
	}
	of.add("connections that brought a state", float64(connects))
	of.add("entries in one verifier", float64(f.points.all[0].follower.State().Entries[feed.Token]))
	result.Tables = []table{of}
	result.atMost("feed", "longest life with a connected verifier, s", f.worst["connected"].Seconds(), 2)
	result.atMost("feed", "longest life with a stale verifier, s", f.worst["stale"].Seconds(), f.stale.Seconds())
	if after > growth*before+roomInHeap {
		f.said = append(f.said, fmt.Sprintf("the heap grew from %.1f to %.1f MiB", before/(1<<20), after/(1<<20)))
	}
	if residentAfter > growth*resident+roomInRSS {
		f.said = append(f.said, fmt.Sprintf("the issuer grew from %.0f to %.0f MiB", resident, residentAfter))
	}
	if f.revoked.Load() == 0 || f.confirmed.Load() == 0 || f.shown.Load() == 0 {
		f.said = append(f.said, "nothing was put to the test")
	}
	var failed []error
	for _, s := range f.said[:min(len(f.said), 20)] {
		failed = append(failed, errors.New(s))
	}
	if more := len(f.said) - len(failed); more > 0 {
		failed = append(failed, fmt.Errorf("and %d more", more))
	}
	result.failed = errors.Join(failed...)
}
