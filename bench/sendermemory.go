package main

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// memorySteps are the numbers of remembered proofs at which the heap is looked
// at. A table grows in leaps, so one number alone would be luck.
func memorySteps() []int { return []int{8_000, 16_000, 32_000, 48_000, 60_000} }

// memory measures what a remembered proof costs on the heap.
func (s *stage) memory(plan) ([]table, []goal, error) {
	checker, err := newChecker()
	if err != nil {
		return nil, nil, err
	}
	t := table{Title: "What a checker remembers", Columns: []column{{"bytes in all", 0}, {"bytes per proof", 1}}}
	worst := 0.0
	before := heap()
	held := 0
	for _, step := range memorySteps() {
		if err := s.fill(checker, step-held); err != nil {
			return nil, nil, err
		}
		held = step
		used := heap() - before
		t.add(fmt.Sprint(step, " proofs"), used, used/float64(step))
		worst = max(worst, used/float64(step))
	}
	runtime.KeepAlive(checker)
	var reached paper
	reached.atMost("17", "replay memory, bytes per proof, the worst of these", worst, 64)
	return []table{t}, reached.Goals, nil
}

// fill lets a checker see n proofs, on all processors.
func (s *stage) fill(checker *dpop.Checker, n int) error {
	var group sync.WaitGroup
	workers := runtime.NumCPU()
	faults := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			own := stock{prover: s.provers[narrowcast.Ed25519]}
			for range (n + workers - 1 - w) / workers {
				proof, err := own.prover.Prove(http.MethodGet, callURL, "", "", time.Now())
				if err == nil {
					_, err = checker.Check(dpop.Shown{Proofs: []string{proof}, Method: http.MethodGet, URI: callURL})
				}
				if err != nil {
					faults[w] = err
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// heap is the memory in use after everything that can be freed was freed.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
