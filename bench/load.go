package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// target is a running server that mints tokens.
type target struct {
	name     string
	pid      int
	endpoint string
	issuer   narrowcast.Audience // the audience of client assertions
	client   *mint.Press
}

// round is what one measurement of a target gave.
type round struct {
	perSecond float64
	cpuMicros float64 // CPU time of the server per request
	p99       time.Duration
}

// load asks for tokens from many clients for a while. Each request carries a
// fresh assertion, signed on the way.
func load(t target, clients int, length time.Duration) (round, error) {
	ctx, stop := context.WithTimeout(context.Background(), length)
	defer stop()
	httpClient := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 10 * time.Second}
	before, err := cpuOf(t.pid)
	if err != nil {
		return round{}, err
	}
	start := time.Now()
	var mu sync.Mutex
	var waits []time.Duration
	var firstErr error
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			own, err := t.client1(ctx, httpClient)
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, own...)
			if err != nil && firstErr == nil {
				firstErr = err
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	after, err := cpuOf(t.pid)
	if err == nil {
		err = firstErr
	}
	if err != nil || len(waits) == 0 {
		return round{}, fmt.Errorf("%s: %w", t.name, err)
	}
	slices.Sort(waits)
	return round{
		perSecond: float64(len(waits)) / took.Seconds(),
		cpuMicros: float64((after - before).Microseconds()) / float64(len(waits)),
		p99:       waits[len(waits)*99/100],
	}, nil
}

// client1 is one client: one request after the other until the time is up.
func (t target) client1(ctx context.Context, c *http.Client) ([]time.Duration, error) {
	var waits []time.Duration
	for ctx.Err() == nil {
		assertion, err := t.client.Mint(mint.Letter{
			Class: narrowcast.ClientAssertion, Audience: t.issuer, Subject: "checkout", ID: mint.TokenIDAt(time.Now()),
			IssuedAt: time.Now(), Lifetime: time.Minute,
		})
		if err != nil {
			return nil, err
		}
		form := url.Values{
			"grant_type": {"client_credentials"}, "resource": {benchResource}, "scope": {"charge"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
		}
		start := time.Now()
		resp, err := c.PostForm(t.endpoint, form)
		if err != nil {
			return waits, err
		}
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "access_token") {
			return waits, fmt.Errorf("status %d: %.200s", resp.StatusCode, body)
		}
		waits = append(waits, time.Since(start))
	}
	return waits, nil
}

// cpuOf reads the CPU time of a process from /proc (Linux only).
func cpuOf(pid int) (time.Duration, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, err
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	return time.Duration(user+system) * tick, nil
}
