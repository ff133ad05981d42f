//go:build unix

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/runner"
)

// lease is a task that answers as it is told and remembers what it heard.
type lease struct {
	mu    sync.Mutex
	said  []string
	renew func(n int) error
	n     int
	clock func() time.Time
}

func (l *lease) Renew(context.Context) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	if l.renew != nil {
		if err := l.renew(l.n); err != nil {
			return time.Time{}, err
		}
	}
	return l.clock().Add(time.Minute), nil
}

func (l *lease) say(word string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, word)
	return nil
}

func (l *lease) End(context.Context) error  { return l.say("end") }
func (l *lease) Fail(context.Context) error { return l.say("fail") }

func newLease() *lease { return &lease{clock: time.Now} }

func config(l *lease, command ...string) runner.Config {
	return runner.Config{
		Command: command, Env: os.Environ(), Lease: l, Every: 5 * time.Millisecond, Until: l.clock().Add(time.Minute), Now: l.clock,
		Log: slog.New(slog.DiscardHandler), Grace: 50 * time.Millisecond,
	}
}

func TestTheExitCodeIsTheCommandsAndTheTaskIsClosed(t *testing.T) {
	for script, want := range map[string]struct {
		code int
		said string
	}{
		"exit 0": {0, "end"}, "exit 1": {1, "fail"}, "exit 42": {42, "fail"},
		"kill -TERM $$": {143, "fail"}, "kill -KILL $$": {137, "fail"}, "kill -SEGV $$": {139, "fail"},
	} {
		l := newLease()
		code, err := runner.Run(t.Context(), config(l, "sh", "-c", script))
		if err != nil || code != want.code || strings.Join(l.said, " ") != want.said {
			t.Errorf("%s: exit %d, %v, said %q", script, code, err, l.said)
		}
	}
}

func TestACommandThatDoesNotStartFailsTheTask(t *testing.T) {
	l := newLease()
	if _, err := runner.Run(t.Context(), config(l, filepath.Join(t.TempDir(), "nothing"))); err == nil || strings.Join(l.said, " ") != "fail" {
		t.Errorf("%v, said %q", err, l.said)
	}
	_, err := runner.Run(t.Context(), runner.Config{})
	for _, want := range []string{"Command", "Lease", "Every", "Until", "Now", "Log"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an empty configuration: %v, want it to name %s", err, want)
		}
	}
}

// The command waits for a signal, and says which one came.
const waiting = `trap 'exit 7' TERM; trap 'exit 8' USR1; while :; do sleep 0.01; done`

func TestSignalsArePassedOn(t *testing.T) {
	for s, want := range map[os.Signal]int{syscall.SIGTERM: 7, syscall.SIGUSR1: 8} {
		l, signals, ready := newLease(), make(chan os.Signal, 1), filepath.Join(t.TempDir(), "ready")
		c := config(l, "sh", "-c", strings.Replace(waiting, "while", "touch "+ready+"; while", 1))
		c.Signals = signals
		l.renew = func(int) error {
			if _, err := os.Stat(ready); err == nil && len(signals) == 0 {
				select {
				case signals <- s:
				default:
				}
			}
			return nil
		}
		if code, err := runner.Run(t.Context(), c); err != nil || code != want {
			t.Errorf("%s: exit %d, %v", s, code, err)
		}
	}
}

// Whoever ended the task, the command is told to end, and killed when it does not
// listen.
func TestACommandEndsWithItsTask(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   int
	}{
		"listens": {waiting, 7},
		"is deaf": {"trap '' TERM; while :; do sleep 0.01; done", 137},
	} {
		l, ready := newLease(), filepath.Join(t.TempDir(), "ready")
		l.renew = func(int) error {
			if _, err := os.Stat(ready); err == nil {
				return fmt.Errorf("killed by an administrator: %w", runner.ErrOver)
			}
			return nil
		}
		script := strings.Replace(c.script, "while", "touch "+ready+"; while", 1)
		if code, err := runner.Run(t.Context(), config(l, "sh", "-c", script)); err != nil || code != c.want {
			t.Errorf("%s: exit %d, %v", name, code, err)
		}
	}
}

// An issuer that is away for a moment is no reason to end: until the lease is
// over, it is tried again.
func TestALeaseIsRenewedUntilItIsOver(t *testing.T) {
	l, ready := newLease(), filepath.Join(t.TempDir(), "ready")
	c := config(l, "sh", "-c", "while [ ! -e "+ready+" ]; do sleep 0.01; done")
	l.renew = func(n int) error {
		switch {
		case n < 5:
			return errors.New("the issuer is away")
		case n == 8:
			return os.WriteFile(ready, nil, 0o600)
		}
		return nil
	}
	if code, err := runner.Run(t.Context(), c); err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}

	late, at := newLease(), time.Now()
	late.clock = func() time.Time { return at }
	late.renew = func(int) error { at = at.Add(time.Hour); return errors.New("the issuer is away") }
	c = config(late, "sh", "-c", waiting)
	c.Until = at.Add(time.Minute)
	if code, err := runner.Run(t.Context(), c); err != nil || code != 7 && code != 143 {
		t.Errorf("after the lease: exit %d, %v", code, err)
	}
}

func TestTheCommandEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, ready := newLease(), filepath.Join(t.TempDir(), "ready")
	l.renew = func(int) error {
		if _, err := os.Stat(ready); err == nil {
			cancel()
		}
		return nil
	}
	code, err := runner.Run(ctx, config(l, "sh", "-c", strings.Replace(waiting, "while", "touch "+ready+"; while", 1)))
	if err != nil || code != 7 || strings.Join(l.said, " ") != "fail" {
		t.Errorf("exit %d, %v, said %q", code, err, l.said)
	}
}
