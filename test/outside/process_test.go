package outside_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary keeps what a process prints and tells when it has said a thing often
// enough.
type diary struct {
	mu    sync.Mutex
	text  bytes.Buffer
	want  string
	times int
	ready chan struct{}
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := bytes.Count(d.text.Bytes(), []byte(d.want))
	n, err := d.text.Write(p)
	if before < d.times && bytes.Count(d.text.Bytes(), []byte(d.want)) >= d.times {
		close(d.ready)
	}
	return n, err
}

func (d *diary) bytes() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.text.Bytes())
}

// says waits until a line has all of these words.
func (d *diary) says(t *testing.T, words ...string) bool {
	t.Helper()
	patience, enough := context.WithTimeout(t.Context(), 10*time.Second)
	defer enough()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		for line := range strings.Lines(string(d.bytes())) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				return true
			}
		}
		select {
		case <-patience.Done():
			return false
		case <-again.C:
		}
	}
}

// serve runs a program until the test ends. It returns when the program has
// printed want as often as told. An interrupt must end it in good order.
func serve(t *testing.T, want string, times int, environment []string, program string, args ...string) *diary {
	t.Helper()
	d := &diary{want: want, times: times, ready: make(chan struct{})}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env, c.Stdout, c.Stderr = environment, d, d
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 20 * time.Second
	must(t, c.Start())
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // the exit code is what counts
		close(ended)
	}()
	t.Cleanup(func() {
		<-ended
		if code := c.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s ended with %d:\n%s", program, code, d.bytes())
		}
	})
	patience, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	select {
	case <-d.ready:
	case <-ended:
		t.Fatalf("%s ended before it was ready", program)
	case <-patience.Done():
		t.Fatalf("%s was not ready within a minute:\n%s", program, d.bytes())
	}
	return d
}

// freeAddresses returns loopback addresses that nobody listens on.
func freeAddresses(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close() // only at the end, so that all differ
		all = append(all, l.Addr().String())
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
