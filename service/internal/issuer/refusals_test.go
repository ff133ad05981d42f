package issuer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// callers names the client in the credentials, with a proof good for one use.
type callers struct{ now *time.Time }

func (c callers) Authenticate(_ context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	client, proof, _ := strings.Cut(shown.Assertion, " ")
	return issuer.Identity{
		Client: narrowcast.ClientID(client), Method: "private_key_jwt",
		Once: []store.Once{{Space: "client_assertion " + client, ID: proof, Until: c.now.Add(time.Minute)}},
	}, nil
}

// loop is a desk of which the rules say yes or no, and a clock.
type loop struct {
	*issuer.Desk
	book *ledger
	now  time.Time
	rule rules
}

func openLoop(t *testing.T) *loop {
	t.Helper()
	l := &loop{now: time.Unix(1_800_000_000, 0), rule: rules{Refusal: "invalid_target"}}
	l.Desk, l.book = open(t, func(c *issuer.Config) {
		c.Authenticator = callers{&l.now}
		c.Rules = func() issuer.Rules { return l.rule }
		c.Now = func() time.Time { return l.now }
	})
	return l
}

func (l *loop) ask(t *testing.T, client, proof string) error {
	t.Helper()
	r := request
	r.Credentials.Assertion = client + " " + proof
	_, err := l.Grant(t.Context(), r)
	return err
}

// ask n times with new proofs; all are refused for the target.
func (l *loop) refusedTimes(t *testing.T, client, proof string, n int) {
	t.Helper()
	for i := range n {
		if got := ground(t, l.ask(t, client, fmt.Sprint(proof, i))); got != issuer.TargetRefused {
			t.Fatal(got.Sentence())
		}
	}
}

func TestAClientInALoopDoesNotFillTheBook(t *testing.T) {
	l := openLoop(t)
	l.refusedTimes(t, "checkout", "a", 1000)
	if n := len(l.book.events); n != 200 {
		t.Errorf("%d records of 1 000 refusals, want 200", n)
	}
	if c := l.Counts(); c.Refused != 1000 || c.Unrecorded != 800 {
		t.Errorf("counts = %+v", c)
	}
	l.refusedTimes(t, "legacy", "b", 1)
	if n := len(l.book.events); n != 201 {
		t.Error("the loop of one client hides the refusal of another")
	}
	l.now = l.now.Add(time.Second)
	l.refusedTimes(t, "checkout", "c", 1)
	last := l.book.events[len(l.book.events)-1]
	if !strings.Contains(last.Detail, "800 more before this one") || last.Sequence != 202 {
		t.Errorf("record %d says %q", last.Sequence, last.Detail)
	}
}

func TestAProofIsUsedUpWithoutARecord(t *testing.T) {
	l := openLoop(t)
	l.refusedTimes(t, "checkout", "a", 300)
	if got := ground(t, l.ask(t, "checkout", "a299")); got != issuer.Unauthenticated {
		t.Errorf("a proof that was refused was looked at again: %s", got.Sentence())
	}
	l.rule = allowed
	for name, proof := range map[string]string{"recorded": "a0", "only counted": "a298"} {
		err := l.ask(t, "checkout", proof)
		if err == nil {
			t.Errorf("%s: a proof that was refused brought a token", name)
		} else if got := ground(t, err); got != issuer.Unauthenticated {
			t.Errorf("%s: %s", name, got.Sentence())
		}
	}
	if err := l.ask(t, "checkout", "new"); err != nil {
		t.Errorf("control: %v", err)
	}
	if e := l.book.events[len(l.book.events)-1]; e.Type != event.Issued {
		t.Errorf("the last record is %s", e.Type)
	}
}

// What the memory cannot hold is recorded, so that the book remembers.
func TestRefusalsAreRecordedWhenTheMemoryIsFull(t *testing.T) {
	l := openLoop(t)
	const memory = 65_536
	l.refusedTimes(t, "checkout", "a", 200+memory+10)
	if n := len(l.book.events); n != 210 {
		t.Errorf("%d records, want 210", n)
	}
	l.now = l.now.Add(time.Minute) // the proofs have ended; the bucket is full again
	l.refusedTimes(t, "checkout", "b", 1000)
	if n := len(l.book.events); n != 410 {
		t.Errorf("%d records, want 410", n)
	}
}

type peers struct{ seen string }

func (p *peers) Authenticate(_ context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	p.seen = shown.Peer
	return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unauthenticated}
}

// Whoever counts wrong secrets must know where they come from.
func TestCredentialsComeWithTheirPeer(t *testing.T) {
	var p peers
	d, _ := open(t, func(c *issuer.Config) { c.Authenticator = &p })
	r := request
	r.From.Peer = "192.0.2.1:4001"
	if _, err := d.Grant(t.Context(), r); err == nil || p.seen != r.From.Peer {
		t.Errorf("peer = %q, %v", p.seen, err)
	}
}
