package outside_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// attempt is one request and what it came to, as its sender saw it.
type attempt struct {
	Step, At  string // what was tried, and at which guard, or at the issuer
	Status    int
	Error     string // the OAuth code
	Decision  string
	Nonce     bool   // the answer carries a nonce
	Challenge string // WWW-Authenticate
}

// letIn is the step of every control.
const letIn = "let in"

// outcome is what an attempt should come to: what its sender is told, and what
// the event says.
type outcome struct {
	status int
	code   string
	kind   event.Type
	reason narrowcast.Reason // of a guard; the issuer has none
	also   narrowcast.Reason // the check that failed besides
	detail string
}

// refusedFor is a refusal by a guard: its sender learns nothing of the reason.
func refusedFor(reason narrowcast.Reason, detail string) outcome {
	return outcome{status: http.StatusUnauthorized, code: "invalid_token", kind: event.Rejected, reason: reason, detail: detail}
}

// askedForNonce is the one refusal by a guard that tells what is wrong.
func askedForNonce() outcome {
	o := refusedFor(narrowcast.ProofInvalid, "the nonce is missing or not valid any more")
	o.code = "use_dpop_nonce"
	return o
}

// offTarget is a token that came to the wrong resource.
func offTarget(also narrowcast.Reason) outcome {
	return outcome{status: http.StatusUnauthorized, code: "invalid_token", kind: event.OffTarget, reason: narrowcast.AudienceMismatch, also: also}
}

// askedAgain is the demand of the token endpoint for a nonce: the first half of an
// ordinary visit, so the log has it and the book does not.
func askedAgain() outcome {
	return outcome{status: http.StatusBadRequest, code: "use_dpop_nonce", detail: "the nonce is missing or not valid any more"}
}

// ungranted is a refusal of the token endpoint.
func ungranted(status int, code, detail string) outcome {
	return outcome{status: status, code: code, kind: event.Refused, detail: detail}
}

// compare looks up the decision of every attempt. All that were expected must
// have been tried, and nothing else. It returns how many were let in.
func (b *bound) compare(t *testing.T, tried []attempt, want map[string]outcome) (opened int) {
	t.Helper()
	challenges := map[string]string{} // of refusals that tell nothing, by guard
	for _, a := range tried {
		w, known := want[a.Step]
		switch {
		case a.Step == letIn && a.Status == http.StatusNoContent:
			opened++
			continue
		case !known:
			t.Errorf("%s at %s: %d %s %s, and nobody expects it", a.Step, a.At, a.Status, a.Error, a.Decision)
			continue
		}
		delete(want, a.Step)
		if a.Decision == "" {
			t.Errorf("%s at %s: %d, and nobody decided against it", a.Step, a.At, a.Status)
			continue
		}
		b.judge(t, a, w)
		if a.Error != "invalid_token" {
			continue
		}
		if first, met := challenges[a.At]; met && first != a.Challenge || a.Challenge == "" {
			t.Errorf("%s at %s: the challenge differs from others: %s", a.Step, a.At, a.Challenge)
		}
		challenges[a.At] = a.Challenge
	}
	for step := range want {
		t.Errorf("nobody tried %q", step)
	}
	return opened
}

// judge compares one attempt with what it should have come to.
func (b *bound) judge(t *testing.T, a attempt, want outcome) {
	t.Helper()
	e := b.found(t, a)
	got := outcome{status: a.Status, code: a.Error, kind: e.Type, reason: e.Reason, detail: e.Detail}
	if len(e.Also) > 0 {
		got.also = e.Also[0]
	}
	if !strings.Contains(got.detail, want.detail) {
		t.Errorf("%s at %s: the event says %q, want %q", a.Step, a.At, got.detail, want.detail)
	}
	if got.detail = want.detail; got != want {
		t.Errorf("%s at %s: %v, want %v", a.Step, a.At, got, want)
	}
	// A nonce tells that all the rest was right.
	if asked := a.Error == "use_dpop_nonce"; a.Nonce != asked {
		t.Errorf("%s at %s: a nonce in the answer: %t", a.Step, a.At, a.Nonce)
	}
	if b.guards[a.At] == nil {
		return
	}
	elsewhere := want.kind == event.OffTarget
	if !e.Genuine || len(e.Received) != 1 || elsewhere == (e.Received[0] == e.Expected) {
		t.Errorf("%s at %s: genuine %t, expected %s, received %v", a.Step, a.At, e.Genuine, e.Expected, e.Received)
	}
}

// found is what the operator finds about an attempt: of a guard in its events, of
// the issuer in the book, or in the log, when it was only asked to come again.
func (b *bound) found(t *testing.T, a attempt) event.Event {
	t.Helper()
	if b.guards[a.At] != nil || a.Error != "use_dpop_nonce" {
		return b.event(t, a.At, a.Decision)
	}
	var line struct{ Decision, Detail string }
	for text := range bytes.Lines(b.log.bytes()) {
		if json.Unmarshal(text, &line) == nil && line.Decision == a.Decision {
			return event.Event{Detail: line.Detail}
		}
	}
	t.Fatalf("the log of the issuer has no decision %q", a.Decision)
	return event.Event{}
}

// attempts reads what a script printed: one attempt a line, and steps that the
// script judged itself, which end in "ok".
func attempts(t *testing.T, out []byte) (tried []attempt, judged []string) {
	t.Helper()
	for line := range bytes.Lines(out) {
		line = bytes.TrimSpace(line)
		if step, ok := strings.CutSuffix(string(line), " ok"); ok {
			judged = append(judged, step)
			continue
		}
		var a attempt
		must(t, json.Unmarshal(line, &a))
		tried = append(tried, a)
	}
	return tried, judged
}
