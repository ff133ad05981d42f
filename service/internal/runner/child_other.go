//go:build !unix

package runner

import (
	"errors"
	"os"
	"os/exec"
)

// terminate asks a command to end; there is no gentler way here.
var terminate = os.Kill

// child is the command. done gets its exit code once.
type child struct {
	process *os.Process
	done    chan int
}

func start(command, env []string) (*child, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{process: cmd.Process, done: make(chan int, 1)}
	go func() {
		var exit *exec.ExitError
		switch err := cmd.Wait(); {
		case err == nil:
			c.done <- 0
		case errors.As(err, &exit):
			c.done <- exit.ExitCode()
		default:
			c.done <- 1
		}
	}()
	return c, nil
}

func (c *child) signal(s os.Signal) { _ = c.process.Signal(s) }
