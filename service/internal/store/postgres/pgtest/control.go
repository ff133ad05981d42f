package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds every step of the server's life.
const patience = time.Minute

// errBusy: parts of a killed server still hold its memory.
var errBusy = errors.New("the server that was killed has not ended yet")

// Restart ends the server at once, as a loss of power of the machine would for
// its clients, and starts it again.
func (s *Server) Restart() error {
	return errors.Join(s.Stop(), s.Resume())
}

// Stop ends the server at once: no checkpoint, no farewell. A server that does
// not run is no error.
func (s *Server) Stop() error { return s.end(syscall.SIGQUIT) }

// Kill ends the server's first process with SIGKILL. The others notice and end
// by themselves; Resume waits for that.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(by syscall.Signal) error {
	if s.ended == nil {
		return nil
	}
	if err := s.process.Signal(by); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.ended:
		s.ended = nil
		return nil
	case <-late.C:
		return errors.New("the server does not end")
	}
}

// Resume starts a server that was stopped or killed, on the same port, and
// returns when it answers.
func (s *Server) Resume() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := s.start(ctx)
		if !errors.Is(err, errBusy) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (s *Server) start(ctx context.Context) error {
	out, err := os.Create(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return err
	}
	c := s.command(context.Background(), "postgres", "-D", s.data)
	c.Stdout, c.Stderr = out, out
	err = c.Start()
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	s.process, s.ended = c.Process, ended
	return s.awaitReady(ctx)
}

// awaitReady waits for the last line that the server writes into its file when
// clients may come.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		lines := s.statusLines()
		if len(lines) > 7 && lines[0] == strconv.Itoa(s.process.Pid) && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
		select {
		case <-s.ended:
			s.ended = nil
			text, _ := os.ReadFile(filepath.Join(s.dir, "server.log"))
			if strings.Contains(string(text), "is still in use") {
				return errBusy
			}
			return fmt.Errorf("the server ended:\n%s", text)
		default:
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (s *Server) statusLines() []string {
	text, err := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	if err != nil {
		return nil // not there yet
	}
	return strings.Split(string(text), "\n")
}

func pause(ctx context.Context) error {
	soon := time.NewTimer(20 * time.Millisecond)
	defer soon.Stop()
	select {
	case <-soon.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run runs one of the server's programs to its end.
func (s *Server) run(input, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := s.command(ctx, program, args...)
	c.Stdin = strings.NewReader(input)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// command is a program of the server, in the server's account.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...) //nolint:gosec // G204: the names are ours
	c.Dir = s.dir
	c.Env = []string{"PATH=" + s.programs + ":/usr/bin:/bin", "LC_ALL=C"}
	c.SysProcAttr = s.as.attributes()
	return c
}

// moveToFreePort asks the system for a port that is free just now.
func (s *Server) moveToFreePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	return errors.Join(l.Close(), s.configure([]string{"port = " + strconv.Itoa(s.port)}))
}

// configure adds lines; of two lines for one setting, the later one counts.
func (s *Server) configure(lines []string) error {
	f, err := os.OpenFile(filepath.Join(s.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}
