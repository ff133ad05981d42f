// Package runner runs one command as a task: the command's tokens live while it
// runs, come through a socket of its own, and die with it.
package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Lease is the task that the command runs in.
type Lease interface {
	// Renew moves the end of the lease. It returns ErrOver when the task is over,
	// whoever ended it.
	Renew(ctx context.Context) (until time.Time, err error)
	// End says that the work is done, Fail that it failed.
	End(ctx context.Context) error
	Fail(ctx context.Context) error
}

// ErrOver: the task has ended, and its tokens with it.
var ErrOver = errors.New("the task is over")

// Config is what a run is made of. Fields marked required have no default.
type Config struct {
	Command []string // required: a program and its arguments
	Env     []string // of the command; required
	Lease   Lease    // required
	Every   time.Duration
	Until   time.Time // of the lease as it is now; required
	Now     func() time.Time
	Log     *slog.Logger
	// Signals are passed on to the command; the caller fills the channel.
	Signals <-chan os.Signal
	// Grace is how long a command may take to end after it was told to because its
	// task is over; default 10 s. Then it is killed.
	Grace time.Duration
	// Closing bounds the last words to the issuer; default 5 s. What is not said
	// then is said by the end of the lease.
	Closing time.Duration

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(len(c.Command) > 0 && c.Command[0] != "", "Command is required")
	require(c.Lease != nil, "Lease is required")
	require(c.Every > 0, "Every is required")
	require(!c.Until.IsZero(), "Until is required")
	require(c.Now != nil, "Now is required")
	require(c.Log != nil, "Log is required")
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	if c.Closing == 0 {
		c.Closing = 5 * time.Second
	}
	return errors.Join(errs...)
}

// Run runs the command to its end and closes the task. It returns the exit code
// of the command: 128 and the number of the signal that ended it, as shells do.
// The error is why it could not be run at all; the task has failed then.
func Run(ctx context.Context, c Config) (code int, err error) {
	if err := c.check(); err != nil {
		return 0, fmt.Errorf("runner: %w", err)
	}
	child, err := start(c.Command, c.Env)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("starting %s: %w", c.Command[0], err), c.close(ctx, c.Lease.Fail))
	}
	held, stop := context.WithCancel(ctx)
	over := make(chan error, 1)
	go func() { over <- c.hold(held) }()
	code = c.watch(ctx, child, over)
	stop()
	last := c.Lease.End
	if code != 0 {
		last = c.Lease.Fail
	}
	if err := c.close(ctx, last); err != nil && !errors.Is(err, ErrOver) {
		c.Log.Warn("the task could not be closed; it ends with its lease", "error", err.Error())
	}
	return code, nil
}

// close says the last words, also when ctx is done.
func (c *Config) close(ctx context.Context, say func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Closing)
	defer cancel()
	return say(ctx)
}

// hold renews the lease until the task is over.
func (c *Config) hold(ctx context.Context) error {
	until := c.Until
	timer := time.NewTimer(c.Every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		moved, err := c.renew(ctx)
		switch {
		case err == nil:
			until = moved
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrOver):
			return err
		case !c.Now().Before(until):
			return fmt.Errorf("%w: it could not be renewed in time: %w", ErrOver, err)
		default:
			c.Log.Warn("the lease was not renewed; trying again", "until", until.UTC().Format(time.RFC3339), "error", err.Error())
		}
		timer.Reset(min(c.Every, max(c.Every/4, until.Sub(c.Now())/4)))
	}
}

func (c *Config) renew(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Every)
	defer cancel()
	return c.Lease.Renew(ctx)
}

// watch passes signals on until the command has ended. A command whose task is
// over is told to end: what it still does it does without tokens.
func (c *Config) watch(ctx context.Context, child *child, over <-chan error) int {
	kill := time.NewTimer(time.Hour)
	kill.Stop()
	defer kill.Stop()
	done := ctx.Done()
	for {
		select {
		case code := <-child.done:
			return code
		case s := <-c.Signals:
			if !heardAlready(s) {
				child.signal(s)
			}
		case err := <-over:
			if err != nil {
				c.Log.Error("the command is told to end", "error", err.Error())
				child.signal(terminate)
				kill.Reset(c.Grace)
			}
		case <-done:
			done = nil
			child.signal(terminate)
			kill.Reset(c.Grace)
		case <-kill.C:
			c.Log.Error("the command did not end and is killed")
			child.signal(os.Kill)
		}
	}
}
