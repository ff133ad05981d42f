package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// survivalBench ends tasks of real runners in several ways and shows their tokens
// to many verifiers meanwhile. It measures from the end of the task to the last
// time that a token opened any door, and compares with what the issuer said.
func survivalBench(p plan) (_ *paper, err error) {
	if p.verifiers == 0 {
		p.verifiers = 100
	}
	ends, err := drawn(p.mix, p.tasks)
	if err != nil {
		return nil, err
	}
	result := newPaper("survival", fmt.Sprintf(
		"%d tasks of \"narrowcast run\" with a lease of %s, %d at a time; %d verifiers in one process follow the feed over HTTP.\n"+
			"From the end of the command, or the instant of SIGKILL or SIGSTOP to its runner, to the last time that any verifier accepted\n"+
			"the token; each is asked about every 2 ms until all refuse, and the dead are shown again to the end of the run.",
		p.tasks, p.lease, p.parallel, p.verifiers))
	t, err := newTown()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	s, err := newSurvival(t, p)
	if err != nil {
		return nil, err
	}
	defer s.points.close()
	if err := s.play(ends); err != nil {
		return nil, err
	}
	s.write(result)
	return result, nil
}

// survival is a run of the harness.
type survival struct {
	plan     plan
	home     *home
	points   *points
	mu       sync.Mutex
	taken    map[string][]*death
	recent   []*death // are shown again
	revivals int
}

// death is what became of one task.
type death struct {
	task, how string
	token     string
	end       time.Time
	last      time.Time // when it opened a door for the last time
	opened    bool      // after the end
	bound     time.Duration
}

// lived is how long the token outlived the task.
func (d *death) lived() time.Duration {
	if !d.opened {
		return 0
	}
	return d.last.Sub(d.end)
}

func newSurvival(t *town, p plan) (*survival, error) {
	h, err := t.home("home", "http")
	if err != nil {
		return nil, err
	}
	if _, err := h.serve(nil); err != nil {
		return nil, err
	}
	if err := h.ready(); err != nil {
		return nil, err
	}
	s := &survival{plan: p, home: h, taken: map[string][]*death{}}
	if s.points, err = h.pointsOf(p.verifiers, nil); err != nil {
		return nil, err
	}
	if err := s.points.connect(30 * time.Second); err != nil {
		return nil, err
	}
	if p.broken == "feed" {
		s.points.close()
	}
	return s, nil
}

// play ends all tasks.
func (s *survival) play(ends []string) error {
	queue := make(chan int)
	over := make(chan struct{})
	var again sync.WaitGroup
	again.Go(func() { s.showAgain(over) })
	var group sync.WaitGroup
	faults := make([]error, s.plan.parallel)
	for w := range s.plan.parallel {
		group.Go(func() {
			for i := range queue {
				if faults[w] == nil {
					faults[w] = s.one(i, ends[i])
				}
			}
		})
	}
	for i := range ends {
		if i%100 == 99 {
			progress("%d tasks of %d", i+1, len(ends))
		}
		queue <- i
	}
	close(queue)
	group.Wait()
	close(over)
	again.Wait()
	return errors.Join(faults...)
}

// one is the life of one task.
func (s *survival) one(i int, how string) (err error) {
	job, err := s.start(i)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, job.close()) }()
	d := &death{task: job.task, how: how, token: job.token, bound: job.bound}
	for _, point := range s.points.all {
		if !point.opens(d.token) {
			return fmt.Errorf("task %s: %s refuses the token of a living task", d.task, point.name)
		}
	}
	if d.end, err = job.end(how); err != nil {
		return err
	}
	s.show(d)
	s.mu.Lock()
	s.taken[how] = append(s.taken[how], d)
	if s.recent = append(s.recent, d); len(s.recent) > 256 {
		s.recent = s.recent[1:]
	}
	s.mu.Unlock()
	return job.ended(how)
}

// show shows the token at all doors until all refuse it, or it has lived far
// too long.
func (s *survival) show(d *death) {
	for late := d.end.Add(d.bound + time.Second); ; time.Sleep(2 * time.Millisecond) {
		open := false
		for _, point := range s.points.all {
			if point.opens(d.token) {
				d.last, d.opened, open = time.Now(), true, true
			}
		}
		if !open || time.Now().After(late) {
			return
		}
	}
}

// showAgain shows tokens that were refused everywhere: none may open a door again.
func (s *survival) showAgain(over <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-over:
			return
		case <-time.After(5 * time.Millisecond):
		}
		s.mu.Lock()
		for _, d := range s.recent {
			if s.points.all[i%len(s.points.all)].opens(d.token) {
				d.last, d.opened = time.Now(), true
				s.revivals++
			}
		}
		s.mu.Unlock()
	}
}

// write puts down what was seen, and what must not have been.
func (s *survival) write(result *paper) {
	of := table{Title: "Survival of a token after the end of its task, ms", Columns: []column{
		{"tasks", 0}, {"p50", 1}, {"p99", 1}, {"max", 1}, {"printed bound", 0}, {"beyond", 0},
	}}
	var explicit []float64
	var failed []error
	for _, how := range endings() {
		deaths := s.taken[how]
		if len(deaths) == 0 {
			continue
		}
		beyond, bound := 0, time.Duration(1<<62)
		var times []float64
		for _, d := range deaths {
			limit := d.bound
			if s.plan.broken == "bound" {
				limit /= 1e6
			}
			times, bound = append(times, float64(d.lived().Microseconds())/1000), min(bound, limit)
			if d.lived() > limit {
				beyond++
				failed = append(failed, fmt.Errorf("task %s (%s): the token opened a door %s after the end, the printed bound is %s", d.task, how, d.lived(), limit))
			}
		}
		if strings.HasPrefix(how, "exit") {
			explicit = append(explicit, times...)
		}
		of.add(how, float64(len(times)), quantile(times, 0.5), quantile(times, 0.99), slices.Max(times), float64(bound.Milliseconds()), float64(beyond))
	}
	result.Tables = []table{of}
	if len(explicit) > 0 {
		result.atMost("survival", "explicit ends, p99 in ms", quantile(explicit, 0.99), 250)
		result.atMost("survival", "explicit ends, the longest in ms", slices.Max(explicit), 2000)
	}
	if s.revivals > 0 {
		failed = append(failed, fmt.Errorf("dead tokens opened a door again %d times", s.revivals))
	}
	if more := len(failed) - 10; more > 0 {
		failed = append(failed[:10], fmt.Errorf("and %d more", more))
	}
	result.failed = errors.Join(failed...)
}

// quantile takes the place above, so that it is never better than it was.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func endings() []string { return []string{"exit0", "exit1", "kill", "freeze"} }

// drawn mixes the ways to end evenly over all tasks.
func drawn(mix string, n int) ([]string, error) {
	var ends []string
	weights, given, all := map[string]int{}, map[string]int{}, 0
	for part := range strings.SplitSeq(mix, ",") {
		how, text, _ := strings.Cut(part, "=")
		weight, err := strconv.Atoi(text)
		if err != nil || weight < 0 || !slices.Contains(endings(), how) {
			return nil, fmt.Errorf("%q is not one of %s with a number", part, strings.Join(endings(), ", "))
		}
		weights[how] = weight
		all += weight
	}
	if all == 0 || n < 1 {
		return nil, errors.New("no task would end")
	}
	for i := range n {
		next, most := "", -1
		for _, how := range endings() {
			if behind := (i+1)*weights[how] - given[how]*all; weights[how] > 0 && (next == "" || behind > most) {
				next, most = how, behind
			}
		}
		given[next]++
		ends = append(ends, next)
	}
	return ends, nil
}
