package signer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How long it takes until a program is started again. The wait doubles until one
// has answered a question.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = 10 * time.Second
)

// supervise keeps a link up until ctx ends. first is told how the first
// greeting went.
func (c *Client) supervise(ctx context.Context, first chan<- error) {
	defer close(c.done)
	wait := firstWait
	for {
		l, err := c.greet(ctx)
		if err == nil {
			c.set(l, nil)
		}
		if first != nil {
			first <- err
			first = nil
		}
		if err == nil {
			err = c.watch(ctx, l)
			if l.useful() {
				wait = firstWait
			}
		}
		c.set(nil, err)
		if !errors.Is(err, ErrClosed) {
			c.config.Log("the signer failed: " + err.Error())
		}
		if ctx.Err() != nil {
			c.set(nil, ErrClosed)
			return
		}
		if errors.Is(err, ErrLocked) && c.config.Command != "" {
			return // each start is a wrong PIN more, and the module counts them
		}
		pause(ctx, wait)
		wait = min(2*wait, lastWait)
	}
}

// watch waits until the link or the client ends, and ends the program.
func (c *Client) watch(ctx context.Context, l *link) error {
	select {
	case <-l.dead:
	case <-ctx.Done():
		l.fail(ErrClosed)
	}
	l.stream.end()
	return l.reason()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// greet starts or reaches the program and agrees on a version.
func (c *Client) greet(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	s, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	l := newLink(s, c.config.Concurrent)
	a, err := l.ask(ctx, question{Op: "hello", Versions: []int{Version}})
	switch {
	case errors.Is(err, errLost):
		err = fmt.Errorf("%w: %w", ErrAway, l.reason())
	case err != nil:
		err = fmt.Errorf("%w: no greeting: %w", ErrAway, err)
	case a.Error != nil:
		err = fault(a.Error.Code)
	case a.Version != Version:
		err = ErrVersion
	}
	if err != nil {
		l.fail(err)
		s.end()
		return nil, err
	}
	offers := make(map[string]bool)
	for _, name := range a.Algorithms {
		offers[name] = true
	}
	c.lock.Lock()
	c.offers = offers
	c.lock.Unlock()
	return l, nil
}

func (c *Client) set(l *link, why error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.why == ErrClosed {
		return
	}
	c.now, c.why = l, why
	close(c.changed)
	c.changed = make(chan struct{})
}

// reach waits for a link.
func (c *Client) reach(ctx context.Context) (*link, error) {
	for {
		c.lock.Lock()
		l, why, changed := c.now, c.why, c.changed
		c.lock.Unlock()
		switch {
		case changed == nil:
			return nil, errors.New("the signer was never opened")
		case l != nil && l.reason() == nil:
			return l, nil
		case errors.Is(why, ErrClosed) || errors.Is(why, ErrLocked):
			return nil, why
		case l != nil:
			why = l.reason()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrAway, errors.Join(why, ctx.Err()))
		}
	}
}

// tries is how often a question is asked when the program dies over it.
const tries = 3

var errSilent = errors.New("the signer was silent for too long")

// ask asks a question that may be asked again without harm. A program that in
// all this time answered nobody is started again.
func (c *Client) ask(ctx context.Context, q question) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, errSilent)
	defer cancel()
	var err error
	for range tries {
		var l *link
		if l, err = c.reach(ctx); err != nil {
			return answer{}, err
		}
		heard := l.answers()
		var a answer
		if a, err = l.ask(ctx, q); err == nil {
			return check(a)
		}
		if context.Cause(ctx) == errSilent && l.answers() == heard {
			l.fail(errSilent)
		}
		if !errors.Is(err, errLost) {
			break
		}
	}
	return answer{}, fmt.Errorf("%w: %w", ErrAway, err)
}

// askOnce asks a question that must not be asked twice.
func (c *Client) askOnce(ctx context.Context, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.GenerateWithin)
	defer cancel()
	l, err := c.reach(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := l.ask(ctx, q)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrAway, err)
	}
	return check(a)
}

func check(a answer) (answer, error) {
	if a.Error != nil {
		return answer{}, fault(a.Error.Code)
	}
	return a, nil
}
