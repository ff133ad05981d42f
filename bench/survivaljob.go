package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// job is one runner with a command that waits to be told how to end.
type job struct {
	command  *exec.Cmd
	orders   *os.File // a pipe that the command reads
	dir      string
	waited   bool
	task     string
	token    string
	bound    time.Duration
	messages strings.Builder
}

// waits tells the socket and the task, and ends with the code that it reads.
const waits = `printf '%s\n%s\n' "$NARROWCAST_SOCKET" "$NARROWCAST_TASK" > "$0/said.new"; mv "$0/said.new" "$0/said"; read -r code < "$0/orders"; exit "$code"`

// start starts a runner and copies the token of its task, as a thief would.
func (s *survival) start(i int) (_ *job, err error) {
	j := &job{dir: filepath.Join(s.home.town.dir, fmt.Sprintf("job-%d", i))}
	if err := os.Mkdir(j.dir, 0o700); err != nil {
		return nil, err
	}
	pipe := filepath.Join(j.dir, "orders")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		return nil, err
	}
	if j.orders, err = os.OpenFile(pipe, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	j.command = command(s.home.town.binary, "run", "--for", "pay="+benchResource, "--lease", s.plan.lease.String(),
		"--credential", filepath.Join(s.home.dir, "credentials", "checkout.json"), "--", "sh", "-c", waits, j.dir)
	j.command.Stderr = &j.messages
	if err := j.command.Start(); err != nil {
		return nil, errors.Join(err, j.orders.Close())
	}
	if err := j.steal(s); err != nil {
		_ = j.command.Process.Kill() // the error that counts is err
		return nil, errors.Join(fmt.Errorf("job %d: %w\n%s", i, err, j.messages.String()), j.close())
	}
	return j, nil
}

// steal asks the socket for a token, and the issuer how long it may survive.
func (j *job) steal(s *survival) error {
	var socket string
	if err := within(30*time.Second, "the command runs", func() error {
		text, err := os.ReadFile(filepath.Join(j.dir, "said"))
		if err == nil {
			lines := strings.Split(string(text), "\n")
			socket, j.task = lines[0], lines[1]
		}
		return err
	}); err != nil {
		return err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get("http://task/token?for=pay")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the socket answers %d: %.100s %w", resp.StatusCode, text, err)
	}
	j.token = string(text)
	return j.ask(s)
}

// ask fetches another token of the task, only for what comes with it.
func (j *job) ask(s *survival) error {
	source, err := s.home.source("checkout", narrowcast.TaskID(j.task))
	if err != nil {
		return err
	}
	token, err := source.Token(context.Background(), narrowcast.MustAudience(benchResource), narrowcast.Scope{})
	if err != nil {
		return err
	}
	if j.bound = token.Survival().Connected; j.bound <= 0 {
		return errors.New("the token response does not say how long a token may survive")
	}
	return nil
}

// end ends the task and returns when that was, never later than it was.
func (j *job) end(how string) (time.Time, error) {
	now := time.Now()
	var err error
	switch how {
	case "exit0":
		_, err = j.orders.WriteString("0\n")
	case "exit1":
		_, err = j.orders.WriteString("1\n")
	case "kill":
		err = j.command.Process.Signal(syscall.SIGKILL)
	case "freeze":
		err = j.command.Process.Signal(syscall.SIGSTOP)
	}
	return now, err
}

// ended waits for the runner and compares its exit code with that of the command.
func (j *job) ended(how string) error {
	if how == "kill" || how == "freeze" {
		return nil
	}
	j.waited = true
	err := j.command.Wait()
	if code := j.command.ProcessState.ExitCode(); code != int(how[4]-'0') {
		return fmt.Errorf("task %s: the runner ended with %d, %v\n%s", j.task, code, err, j.messages.String())
	}
	return nil
}

// close lets nothing run on.
func (j *job) close() error {
	if !j.waited {
		_ = j.command.Process.Kill() // it may have ended
		_, _ = j.orders.WriteString("0\n")
		_ = j.command.Wait()
	}
	return errors.Join(j.orders.Close(), os.RemoveAll(j.dir))
}
