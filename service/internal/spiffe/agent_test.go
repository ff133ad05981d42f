package spiffe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

const billing = "spiffe://partner.example/billing"

// cell is an agent with one workload, and our client of it.
type cell struct {
	ours, theirs *spiffetest.Authority
	socket       *spiffetest.Socket
	agent        *spiffe.Agent
	corp         *spiffe.Source
	partner      *spiffe.Source
	told         chan error
}

// newCell starts everything. The clock is the one of the machine: certificates,
// sockets and streams live in it.
func newCell(t *testing.T, now func() time.Time) *cell {
	t.Helper()
	return newCellThatAsks(t, now, time.Second)
}

func newCellThatAsks(t *testing.T, now func() time.Time, ask time.Duration) *cell {
	t.Helper()
	c := &cell{ours: authority(t, corp, now), theirs: authority(t, partner, now), told: make(chan error, 1000)}
	var err error
	if c.socket, err = spiffetest.NewAgent(c.ours, c.theirs).Listen(socketPath(t), checkout); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.socket.Stop)
	t.Cleanup(c.socket.Resume)
	c.agent = must[*spiffe.Agent](t)(spiffe.NewAgent(spiffe.AgentConfig{
		Socket: c.socket.Path(), Now: now, Ask: ask, Timeout: 500 * time.Millisecond, KeepFor: time.Minute,
		Notice: func(err error) { c.told <- err },
	}))
	t.Cleanup(c.agent.Close)
	c.corp = must[*spiffe.Source](t)(c.agent.Source(corp))
	c.partner = must[*spiffe.Source](t)(c.agent.Source(partner))
	return c
}

// run listens to the agent for the rest of the test.
func (c *cell) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.agent.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// until waits for the agent's answers until one makes the condition true.
func (c *cell) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for !holds() {
		select {
		case <-c.told:
		case <-late.C:
			t.Fatalf("%s: not in time; %+v", what, c.agent.Stats())
		}
	}
}

func (c *cell) peeks(s *spiffe.Source, id narrowcast.KeyID) func() bool {
	return func() bool {
		_, held := s.Peek(id)
		return held
	}
}

func TestAgentRotatesAndFederates(t *testing.T) {
	c := newCell(t, time.Now)
	c.run(t)
	first, foreign := keyID(t, c.ours), keyID(t, c.theirs)
	c.until(t, "the first bundle", c.peeks(c.corp, first))
	wants(t, c.corp, first, nil)
	wants(t, c.partner, foreign, nil)
	wants(t, c.corp, foreign, narrowcast.ErrKeyUnknown) // never one pool
	wants(t, c.partner, first, narrowcast.ErrKeyUnknown)

	if id, err := c.corp.Verify(t.Context(), svid(t, c.ours, checkout, nil), time.Now()); err != nil || id.String() != checkout {
		t.Errorf("our workload: %s, %v", id, err)
	}
	if id, err := c.partner.Verify(t.Context(), svid(t, c.theirs, billing, nil), time.Now()); err != nil || id.String() != billing {
		t.Errorf("their workload: %s, %v", id, err)
	}
	if _, err := c.partner.Verify(t.Context(), svid(t, c.ours, billing, nil), time.Now()); !errors.Is(err, spiffe.ErrRefused) {
		t.Errorf("our authority speaks for their workload: %v", err)
	}

	if err := errors.Join(c.theirs.RotateJWT(), c.theirs.RotateX509()); err != nil {
		t.Fatal(err)
	}
	c.theirs.Retire()
	second := keyID(t, c.theirs)
	c.until(t, "the new key", c.peeks(c.partner, second))
	c.until(t, "the end of the old key", func() bool { return !c.peeks(c.partner, foreign)() })
	// Keys and authorities come in two answers, so they change one after the other.
	vouches := func() error {
		_, err := c.partner.Verify(t.Context(), svid(t, c.theirs, billing, nil), time.Now())
		return err
	}
	c.until(t, "the new authority", func() bool { return vouches() == nil })
	c.theirs.Revoke()
	c.until(t, "the end of the last key", func() bool { return !c.peeks(c.partner, second)() })
	c.until(t, "the end of the last authority", func() bool { return errors.Is(vouches(), spiffe.ErrRefused) })
	wants(t, c.corp, first, nil) // one domain's end is not the other's

	stranger := must[*spiffe.Source](t)(c.agent.Source("stranger.example"))
	wants(t, stranger, first, spiffe.ErrUnavailable)
}

// With an hour between two questions only the stream can tell, before and after
// a restart of the agent.
func TestStreamTells(t *testing.T) {
	c := newCellThatAsks(t, time.Now, time.Hour)
	c.run(t)
	c.until(t, "the first bundle", c.peeks(c.corp, keyID(t, c.ours)))
	for range 2 {
		if err := c.ours.RotateJWT(); err != nil {
			t.Fatal(err)
		}
		c.until(t, "the stream", c.peeks(c.corp, keyID(t, c.ours)))
		c.socket.Stop()
		if err := c.socket.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAgentRestarts(t *testing.T) {
	c := newCell(t, time.Now)
	c.run(t)
	first := keyID(t, c.ours)
	c.until(t, "the first bundle", c.peeks(c.corp, first))
	c.socket.Stop()
	c.until(t, "the failure", func() bool { return c.agent.Stats().LastError != nil })
	wants(t, c.corp, first, nil) // what is held goes on to count
	if s := c.agent.Stats(); !s.Usable || s.Age <= 0 {
		t.Errorf("%+v", s)
	}
	if err := c.ours.RotateJWT(); err != nil {
		t.Fatal(err)
	}
	second := keyID(t, c.ours)
	if err := c.socket.Start(); err != nil {
		t.Fatal(err)
	}
	c.until(t, "the key after the restart", c.peeks(c.corp, second))
	if c.ours.RotateJWT() != nil {
		t.Fatal("rotating")
	}
	c.until(t, "the stream after the restart", c.peeks(c.corp, keyID(t, c.ours)))
}

func TestAgentHangs(t *testing.T) {
	at := newClock()
	c := newCell(t, at.now)
	first := keyID(t, c.ours)
	c.socket.Hang()
	c.run(t)
	wants(t, c.corp, first, spiffe.ErrUnavailable) // bounded by Timeout
	c.socket.Resume()
	at.add(2 * time.Second)
	wants(t, c.corp, first, nil)

	c.socket.Hang()
	if err := c.ours.RotateJWT(); err != nil {
		t.Fatal(err)
	}
	second := keyID(t, c.ours)
	at.add(2 * time.Second)
	wants(t, c.corp, first, nil) // at once, from what is held
	wants(t, c.corp, second, spiffe.ErrUnavailable)
	at.add(30 * time.Second)
	if s := c.agent.Stats(); !s.Usable || s.Age < 30*time.Second {
		t.Errorf("the age of what is held is not told: %+v", s)
	}
	at.add(30 * time.Second) // KeepFor
	wants(t, c.corp, first, spiffe.ErrUnavailable)
	c.socket.Resume()
	at.add(2 * time.Second)
	wants(t, c.corp, second, nil)
}

func TestAgentAnswersBadly(t *testing.T) {
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unimplemented, codes.InvalidArgument, codes.Canceled, codes.Internal} {
		at := newClock()
		c := newCell(t, at.now)
		c.socket.Deny(code)
		wants(t, c.corp, keyID(t, c.ours), spiffe.ErrUnavailable)
		c.socket.Deny(codes.OK)
		at.add(2 * time.Second)
		wants(t, c.corp, keyID(t, c.ours), nil)
	}
}

func TestAgentConfigs(t *testing.T) {
	if _, err := spiffe.NewAgent(spiffe.AgentConfig{Socket: "relative.sock", Ask: time.Millisecond}); err == nil {
		t.Error("three faults are accepted")
	}
	c := newCell(t, time.Now)
	c.socket.Stop()
	wants(t, c.corp, "a", spiffe.ErrUnavailable) // no agent, no wait
	c.agent.Close()
	wants(t, c.corp, "a", spiffe.ErrUnavailable)
	if _, err := c.agent.Source("Corp"); err == nil {
		t.Error("a bad domain is accepted")
	}
}
