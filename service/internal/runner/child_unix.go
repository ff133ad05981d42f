//go:build unix

package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// terminate asks a command to end.
const terminate = syscall.SIGTERM

// child is the command. done gets its exit code once.
type child struct {
	pid  int
	done chan int
}

// start runs the command and waits for it, and for whatever else becomes a child
// of ours: the first process of a container inherits every orphan in it, and
// nobody else would take their exit codes.
func start(command, env []string) (*child, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	pid, err := syscall.ForkExec(path, command, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
	if err != nil {
		return nil, err
	}
	c := &child{pid: pid, done: make(chan int, 1)}
	go c.reap()
	return c, nil
}

func (c *child) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			c.done <- 1 // there is no child left, and ours was not seen to end
			return
		case pid == c.pid && status.Signaled():
			c.done <- 128 + int(status.Signal())
			return
		case pid == c.pid && status.Exited():
			c.done <- status.ExitStatus()
			return
		}
	}
}

func (c *child) signal(s os.Signal) {
	if number, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(c.pid, number) // it may be gone already
	}
}
