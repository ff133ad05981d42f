package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
)

// fanRevocations are how many tokens are called back, and fanIdle how long nothing
// but heartbeats is sent.
const (
	fanRevocations = 20
	fanIdle        = 10 * time.Second
	fanToken       = 1000 // connections that come with the same token
)

// fanBench lets many connections follow one issuer and measures what they cost, and
// how long a revocation takes until the last one has it.
func fanBench(p plan) (_ *paper, err error) {
	if p.verifiers == 0 {
		p.verifiers = 10_000
	}
	if err := raiseFiles(p.verifiers + 1000); err != nil {
		return nil, err
	}
	result := newPaper("feed", fmt.Sprintf(
		"%d HTTP connections from one process follow the feed of one resource of an issuer on the same machine, a token for every %d.\n"+
			"They read and parse no more than what tells a revocation. CPU of the issuer over %s of heartbeats; %d revocations, from the request\n"+
			"to the last connection that has it. The readers share the processors with the issuer.", p.verifiers, fanToken, fanIdle, fanRevocations))
	t, err := newTown()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
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
	f := &fan{home: h, pid: t.processes[0].Process.Pid}
	defer f.close()
	of, err := f.measure(p.verifiers)
	result.Tables = of
	return result, err
}

// raiseFiles makes room for connections: the limit is handed on to the issuer.
func raiseFiles(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Max < uint64(n) {
		l.Max = uint64(n)
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("%d connections need as many files: %w", n, err)
	}
	return nil
}

// fan is many connections.
type fan struct {
	home  *home
	pid   int
	lines []*fanLine
	work  sync.WaitGroup

	beats atomic.Int64
	ready atomic.Int64
	lost  atomic.Int64

	wanted atomic.Pointer[fanWanted]
}

// fanWanted is the revocation that everybody waits for.
type fanWanted struct {
	mark  []byte
	mu    sync.Mutex
	times []time.Time
	all   chan struct{}
	of    int
}

type fanLine struct{ conn net.Conn }

func (f *fan) close() {
	for _, l := range f.lines {
		_ = l.conn.Close() // it ends the reading
	}
	f.work.Wait()
}

func (f *fan) measure(n int) ([]table, error) {
	thief, err := f.home.thief()
	if err != nil {
		return nil, err
	}
	if _, err := thief.token(context.Background()); err != nil { // it is warm
		return nil, err
	}
	before, err := residentOf(f.pid)
	if err != nil {
		return nil, err
	}
	began, spent := time.Now(), f.cpu()
	if err := f.connect(n); err != nil {
		return nil, err
	}
	connecting, connectCPU := time.Since(began), f.cpu()-spent
	progress("%d connections after %s", n, connecting)
	pause(2 * time.Second)
	after, err := residentOf(f.pid)
	if err != nil {
		return nil, err
	}
	beats, spent, own := f.beats.Load(), f.cpu(), ownCPU()
	pause(fanIdle)
	beats, spent, own = f.beats.Load()-beats, f.cpu()-spent, ownCPU()-own
	cost := table{Title: "What they cost", Columns: []column{{"in all", 1}, {"for each connection", 3}}}
	each := func(name string, all float64) { cost.add(name, all, all/float64(n)) }
	each("connecting, s", connecting.Seconds())
	each("connecting, issuer CPU ms", float64(connectCPU.Milliseconds()))
	cost.add("issuer before, MiB", before, none)
	each("issuer with them, MiB more", after-before)
	each("a second of heartbeats, issuer CPU ms", float64(spent.Microseconds())/1000/fanIdle.Seconds())
	each("the same, CPU ms of the readers", float64(own.Microseconds())/1000/fanIdle.Seconds())
	each("heartbeats received in a second", float64(beats)/fanIdle.Seconds())
	fanned, err := f.fanOut(thief, n)
	if err != nil {
		return nil, err
	}
	last, err := residentOf(f.pid)
	each("issuer at the end, MiB more", last-before)
	cost.add("connections lost", float64(f.lost.Load()), none)
	return []table{cost, fanned}, err
}

func (f *fan) cpu() time.Duration {
	spent, _ := cpuOf(f.pid) // an issuer that is gone is noticed by whoever asks it
	return spent
}

// connect opens all connections, some at a time.
func (f *fan) connect(n int) error {
	f.lines = make([]*fanLine, 0, n)
	var source *client.Source
	for len(f.lines) < n {
		var err error
		if len(f.lines)%fanToken == 0 {
			if source, err = f.home.source("guard-payments", ""); err != nil {
				return err
			}
		}
		if err := f.dial(source); err != nil {
			return err
		}
		for behind := time.Now().Add(30 * time.Second); int64(len(f.lines))-f.ready.Load() > 64; pause(time.Millisecond) {
			if time.Now().After(behind) {
				return fmt.Errorf("%d of %d connections have no state", int64(len(f.lines))-f.ready.Load(), len(f.lines))
			}
		}
	}
	return within(30*time.Second, "every connection has a state", func() error {
		if have := f.ready.Load(); have < int64(n) {
			return fmt.Errorf("%d of %d have", have, n)
		}
		return nil
	})
}

func (f *fan) dial(source *client.Source) error {
	token, err := source.Token(context.Background(), narrowcast.MustAudience(f.home.issuer+"/feed"), narrowcast.MustScope("follow"))
	if err != nil {
		return err
	}
	address := strings.TrimPrefix(f.home.issuer, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	l := &fanLine{conn}
	f.lines = append(f.lines, l)
	if _, err := fmt.Fprintf(conn, "GET /feed?resource=%s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n",
		strings.ReplaceAll(strings.ReplaceAll(benchResource, ":", "%3A"), "/", "%2F"), address, token.Secret()); err != nil {
		return err
	}
	f.work.Go(func() { f.read(l) })
	return nil
}

// read looks for heartbeats, and for the revocation that is waited for.
func (f *fan) read(l *fanLine) {
	r := bufio.NewReaderSize(l.conn, 1024)
	begun := false
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				f.lost.Add(1)
			}
			_, _ = io.Copy(io.Discard, r) // the rest of it
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("event: at")):
			f.beats.Add(1)
			if !begun {
				begun = true
				f.ready.Add(1)
			}
		case bytes.HasPrefix(line, []byte("data: ")):
			if w := f.wanted.Load(); w != nil && bytes.Contains(line, w.mark) {
				w.have(time.Now())
			}
		}
	}
}

func (w *fanWanted) have(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.times = append(w.times, now); len(w.times) == w.of {
		close(w.all)
	}
}

func (f *fan) fanOut(thief *thief, n int) (table, error) {
	of := table{Title: "From the request to revoke, ms", Columns: []column{{"median", 1}, {"max", 1}}}
	var answered, first, half, all, cpu []float64
	for range fanRevocations {
		token, err := thief.token(context.Background())
		if err != nil {
			return of, err
		}
		id, err := idOf(token)
		if err != nil {
			return of, err
		}
		w := &fanWanted{mark: []byte(`"` + id + `"`), all: make(chan struct{}), of: n}
		f.wanted.Store(w)
		began, spent := time.Now(), f.cpu()
		if _, err := thief.revoke(id); err != nil {
			return of, err
		}
		answered = append(answered, millis(time.Since(began)))
		select {
		case <-w.all:
		case <-time.After(20 * time.Second):
			return of, fmt.Errorf("a revocation reached %d of %d connections within 20 s", len(w.times), n)
		}
		cpu = append(cpu, millis(f.cpu()-spent))
		slices.SortFunc(w.times, time.Time.Compare)
		first, half = append(first, millis(w.times[0].Sub(began))), append(half, millis(w.times[n/2].Sub(began)))
		all = append(all, millis(w.times[n-1].Sub(began)))
		pause(700 * time.Millisecond)
	}
	for _, r := range []struct {
		name   string
		values []float64
	}{{"answer", answered}, {"first connection has it", first}, {"half of them", half}, {"the last one", all}, {"issuer CPU for one revocation, with heartbeats meanwhile", cpu}} {
		of.add(r.name, median(r.values), slices.Max(r.values))
	}
	return of, nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
