package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// target is a running server that mints tokens, and how it is asked.
type target struct {
	name     string
	endpoint string
	cpu      func() (time.Duration, error)
	besides  func() (time.Duration, error) // of the database server behind it; nil when there is none
	// asker makes one client's way of asking, for one measurement.
	asker func(endpoint string) (asker, error)
	tls   *tls.Config // nil for plain HTTP

	http *http.Client // the connections live as long as the target
}

// asker makes the next request of a client: its form and, if any, its proof of
// possession.
type asker func() (form url.Values, proof string, err error)

// round is what one measurement of a target gave.
type round struct {
	perSecond float64
	cpuMicros float64 // CPU time of the server per request
	beside    float64 // CPU time of the database server per request
	p99       float64 // milliseconds
}

// connect makes the client of a target: HTTP/1.1, one living connection for each
// client.
func (t *target) connect(clients int) {
	t.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		MaxIdleConns: clients, MaxIdleConnsPerHost: clients, TLSClientConfig: t.tls, IdleConnTimeout: time.Hour,
	}}
}

// load asks for tokens from many clients for a while.
func (t *target) load(clients int, length time.Duration) (round, error) {
	askers := make([]asker, clients)
	for i := range askers {
		var err error
		if askers[i], err = t.asker(t.endpoint); err != nil {
			return round{}, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	ctx, stop := context.WithTimeout(context.Background(), length)
	defer stop()
	before, beside, err := t.spent()
	if err != nil {
		return round{}, err
	}
	start := time.Now()
	waits := make([][]time.Duration, clients)
	faults := make([]error, clients)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() { waits[i], faults[i] = t.keepAsking(ctx, askers[i]) })
	}
	group.Wait()
	took := time.Since(start)
	after, besideAfter, err := t.spent()
	if err != nil {
		return round{}, err
	}
	for _, fault := range faults {
		if fault != nil {
			return round{}, fmt.Errorf("%s: %w", t.name, fault)
		}
	}
	all := slices.Concat(waits...)
	slices.Sort(all)
	return round{
		perSecond: float64(len(all)) / took.Seconds(),
		cpuMicros: float64((after - before).Microseconds()) / float64(len(all)),
		beside:    float64((besideAfter - beside).Microseconds()) / float64(len(all)),
		p99:       float64(all[len(all)*99/100].Microseconds()) / 1000,
	}, nil
}

// spent is the CPU time of the server and of what is behind it so far.
func (t *target) spent() (own, beside time.Duration, err error) {
	if own, err = t.cpu(); err == nil && t.besides != nil {
		beside, err = t.besides()
	}
	return own, beside, err
}

// keepAsking is one client: one request after the other until the time is up.
func (t *target) keepAsking(ctx context.Context, ask asker) (waits []time.Duration, err error) {
	for first := true; first || ctx.Err() == nil; first = false {
		form, proof, err := ask()
		if err != nil {
			return nil, err
		}
		start := time.Now()
		if _, err := t.post(form, proof); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(start))
	}
	return waits, nil
}

// post asks once and returns the answer, which holds a token.
func (t *target) post(form url.Values, proof string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, t.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if proof != "" {
		r.Header.Set("Dpop", proof)
	}
	resp, err := t.http.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "access_token") {
		return nil, fmt.Errorf("status %d: %.200s", resp.StatusCode, body)
	}
	return body, nil
}

// storm is what all rounds of one target gave.
type storm []round

func (s storm) median(of func(round) float64) float64 {
	var all []float64
	for _, r := range s {
		all = append(all, of(r))
	}
	return median(all)
}

func (s storm) perSecond() float64 { return s.median(func(r round) float64 { return r.perSecond }) }
func (s storm) cpu() float64       { return s.median(func(r round) float64 { return r.cpuMicros }) }
func (s storm) beside() float64    { return s.median(func(r round) float64 { return r.beside }) }
func (s storm) p99() float64       { return s.median(func(r round) float64 { return r.p99 }) }

// cpuTo and perSecondTo are ratios to another target: the median of those of all
// rounds.
func (s storm) cpuTo(other storm) float64 {
	return s.to(other, func(r round) float64 { return r.cpuMicros })
}

func (s storm) perSecondTo(other storm) float64 {
	return s.to(other, func(r round) float64 { return r.perSecond })
}

func (s storm) to(other storm, of func(round) float64) float64 {
	if len(other) != len(s) {
		return none
	}
	var all []float64
	for i := range s {
		all = append(all, of(s[i])/of(other[i]))
	}
	return median(all)
}

// storms loads all targets in turn, in every round. The first round warms up.
func storms(targets []*target, p plan) ([]storm, error) {
	for _, t := range targets {
		t.connect(p.clients)
		if err := t.await(); err != nil {
			return nil, err
		}
	}
	results := make([]storm, len(targets))
	for n := range p.loads + 1 {
		progress("round %d of %d", n, p.loads)
		for i, t := range targets {
			r, err := t.load(p.clients, p.load)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				results[i] = append(results[i], r)
			}
		}
	}
	return results, nil
}

// await waits until the server answers anything at all.
func (t *target) await() error {
	late := time.Now().Add(10 * time.Second)
	for {
		resp, err := t.http.Get(t.endpoint)
		if err == nil {
			return resp.Body.Close()
		}
		if time.Now().After(late) {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
