//go:build !fast

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// harnessTime ends a hopeless wait.
const harnessTime = 4 * time.Minute

// TestSurvival ends two dozen tasks in every way and shows their tokens to ten
// verifiers. No token opens a door for longer than the issuer printed. The whole
// harness is "go run . survival" in bench.
func TestSurvival(t *testing.T) {
	h := newHarness(t)
	h.mustPass(t, "survival", "-tasks", "24", "-verifiers", "10")
	h.mustFail(t, "the printed bound is", "survival", "-tasks", "4", "-verifiers", "2", "-break", "bound")
}

// TestFeedFaults puts faults between eight verifiers and two replicas on PostgreSQL.
// No revoked token opens a door for longer than was printed, every confirmation is
// true, memory stays, and all come to the truth. The longer one is
// "go run . feed -minutes 10" in bench.
func TestFeedFaults(t *testing.T) {
	h := newHarness(t)
	h.mustPass(t, "feed", "-minutes", "0.4")
	h.mustFail(t, "accepts the token", "feed", "-minutes", "0.1", "-break", "entries")
}

// harness is the program in bench that runs this binary.
type harness struct{ program, binary string }

func newHarness(t *testing.T) harness {
	t.Helper()
	binary, err := exec.LookPath("narrowcast")
	if err != nil {
		t.Fatal(err)
	}
	h := harness{filepath.Join(t.TempDir(), "bench"), binary}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", h.program, ".")
	build.Dir = filepath.Join("..", "..", "..", "bench")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the harness cannot be built: %v\n%s", err, out)
	}
	return h
}

func (h harness) run(t *testing.T, args []string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harnessTime)
	defer cancel()
	c := exec.CommandContext(ctx, h.program, args...)
	c.Env = append(os.Environ(), "NARROWCAST_BINARY="+h.binary)
	// It ends what it started when it is asked to.
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

func (h harness) mustPass(t *testing.T, args ...string) {
	t.Helper()
	out, err := h.run(t, args)
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		return
	}
	t.Log(out)
}

// mustFail breaks something, and wants the harness to notice.
func (h harness) mustFail(t *testing.T, say string, args ...string) {
	t.Helper()
	if out, err := h.run(t, args); err == nil || !strings.Contains(out, say) {
		t.Errorf("%s: nothing was noticed, %v\n%s", strings.Join(args, " "), err, out)
	}
}
