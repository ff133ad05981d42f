package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// entrant is one operation that is measured beside others.
type entrant struct {
	name string
	// ready prepares n calls, outside of what is measured; nil when there is
	// nothing to prepare.
	ready func(n int) error
	run   func(i int) error // call i of those that were made ready

	calls  int // for each measurement
	times  []float64
	allocs float64
}

// The calls of one measurement are bounded: what has to be made ready for each
// call lies in memory meanwhile.
const minCalls, maxCalls = 32, 100_000

// race measures all entrants in turn, in every round. Before the first round
// each is called a few times, to find out how many calls fill the time.
func race(field []*entrant, rounds int, each time.Duration) error {
	for _, e := range field {
		e.calls = minCalls
		ns, _, err := e.measure()
		if err != nil {
			return err
		}
		e.calls = int(min(max(float64(each.Nanoseconds())/ns, minCalls), maxCalls))
	}
	for range rounds {
		for _, e := range field {
			ns, allocs, err := e.measure()
			if err != nil {
				return err
			}
			e.times, e.allocs = append(e.times, ns), allocs
		}
	}
	return nil
}

func (e *entrant) ns() float64 { return median(e.times) }

// to is the ratio to another entrant: the median of the ratios of all rounds,
// since machines change their pace from one round to the next.
func (e *entrant) to(floor *entrant) float64 {
	if floor == nil {
		return none
	}
	ratios := make([]float64, 0, len(e.times))
	for i, ns := range e.times {
		ratios = append(ratios, ns/floor.times[i])
	}
	return median(ratios)
}

// above is what an entrant takes more than another one, in nanoseconds.
func (e *entrant) above(floor *entrant) float64 {
	more := make([]float64, 0, len(e.times))
	for i, ns := range e.times {
		more = append(more, ns-floor.times[i])
	}
	return median(more)
}

// measure returns processor time and allocations for each call. Processor time
// counts what the garbage collector does beside, and does not count what other
// programs do meanwhile.
func (e *entrant) measure() (ns, allocs float64, err error) {
	if e.ready != nil {
		if err := e.ready(e.calls); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := ownCPU()
	for i := range e.calls {
		if err := e.run(i); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	took := ownCPU() - began
	runtime.ReadMemStats(&after)
	n := float64(e.calls)
	return float64(max(took, 1).Nanoseconds()) / n, float64(after.Mallocs-before.Mallocs) / n, nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it never fails for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
