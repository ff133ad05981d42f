package incident_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// golden compares a text with a file, once what differs with every run is
// blanked.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(got, "<64 digits>")
	file := filepath.Join("testdata", name)
	got = regexp.MustCompile(`configuration [0-9a-f]{12}`).ReplaceAllString(got, "configuration <12 digits>")
	if flag.Lookup("update").Value.String() == "true" {
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", file, got)
	}
}

// story is a leaked token with a bit of everything.
func story(t *testing.T) incident.Answer {
	t.Helper()
	s := open(t).locked()
	s.room.Doors = append(s.room.Doors, door("https://data.example.test", "data"))
	s.room.Doors[2].Disabled = true
	s.hear(report{writer: "guard-old/1", audience: "https://old.example.test", mode: event.Observe}, 0)
	text := s.letter()
	s.issued(text)
	s.keep(event.Event{Type: event.Presented, Time: born.Add(20 * time.Second), Writer: "guard-pay/1", Genuine: true, Expected: pay, Token: token(t, text),
		Request: &event.Request{Peer: "192.0.2.7"}, Fold: &event.Fold{Count: 3, First: born.Add(10 * time.Second), Last: born.Add(20 * time.Second)}})
	s.keep(event.Event{Type: event.OffTarget, Time: born.Add(30 * time.Second), Writer: "guard-crm/1", Genuine: true, Expected: crm, Decision: "d1",
		Reason: narrowcast.AudienceMismatch, Token: token(t, text), Request: &event.Request{Peer: "198.51.100.9"}})
	return s.where(text)
}

func TestWhereAsText(t *testing.T) {
	a := story(t)
	var b bytes.Buffer
	must(t, a.WriteText(&b))
	golden(t, "where.txt", b.String())
}

func TestWhereAsJSON(t *testing.T) {
	a := story(t)
	b, err := json.MarshalIndent(a, "", " ")
	must(t, err)
	golden(t, "where.json", string(b)+"\n")
	var again incident.Answer
	must(t, json.Unmarshal(b, &again))
	if second, err := json.MarshalIndent(again, "", " "); err != nil || !bytes.Equal(b, second) {
		t.Errorf("it changes when it is read again: %v\n%s", err, second)
	}
}

// An empty list is a list: programs that read it need no special case.
func TestWhereAsJSONHasLists(t *testing.T) {
	s := open(t)
	b, err := json.Marshal(s.where(s.letter()))
	must(t, err)
	if !bytes.Contains(b, []byte(`"showings":[]`)) {
		t.Errorf("%s", b)
	}
	s.room.Doors = nil
	if b, err = json.Marshal(s.where(s.letter())); err != nil || !bytes.Contains(b, []byte(`"doors":[]`)) {
		t.Errorf("%v %s", err, b)
	}
}

func TestInspectAsText(t *testing.T) {
	s := open(t)
	golden(t, "inspect.txt", inspected(t, s, s.letter()))
	golden(t, "inspect_odd.txt", inspected(t, s, raw(`{"alg":"HS256"}`, `{"iss":"http://x.example.test","aud":["account","b c"],"iat":1800000000,"exp":1800090000}`)))
}

func inspected(t testing.TB, s *scene, text string) string {
	t.Helper()
	i, err := incident.Inspect(t.Context(), text, s.room.Keys, s.now)
	must(t, err)
	var b bytes.Buffer
	must(t, i.WriteText(&b))
	return b.String()
}

func TestRecordAsText(t *testing.T) {
	var b bytes.Buffer
	for i, e := range records(t) {
		must(t, incident.WriteRecord(&b, store.Record{Number: uint64(i + 1), Event: e}))
	}
	golden(t, "records.txt", b.String())
}

func records(t *testing.T) []event.Event {
	t.Helper()
	s := open(t)
	facts := token(t, s.letter())
	return []event.Event{
		{Type: event.Issued, Time: born, Writer: "issuer/1", Token: facts},
		{Type: event.Refused, Time: born, Writer: "issuer/1", Refusal: "invalid_target", Detail: "no caller entry", Decision: "d0", Expected: crm},
		{Type: event.OffTarget, Time: born, Writer: "guard-crm/1", Decision: "d1", Genuine: true, Reason: narrowcast.AudienceMismatch,
			Also: []narrowcast.Reason{narrowcast.Expired}, Expected: crm, Received: []string{pay}, Near: "differs only by the port", Token: facts,
			Request: &event.Request{Method: "GET", Path: "/people/7", Peer: "192.0.2.7"}},
		{Type: event.Rejected, Time: born, Writer: "guard-crm/1", Decision: "d2", Reason: narrowcast.SignatureInvalid, Expected: crm, Token: facts},
		{Type: event.Presented, Time: born, Writer: "guard-pay/1", Genuine: true, Expected: pay, Token: facts,
			Fold: &event.Fold{Count: 7, First: born, Last: born.Add(time.Second)}},
		{Type: event.VerifierSeen, Time: born, Writer: "guard-pay/1", Mode: event.Enforce, Verifier: &event.Verifier{Audience: pay, Mode: event.Enforce,
			Digest: "0123456789abcdef", Issuers: map[string]string{ours: "at+jwt", foreign: "at+jwt"}, Algorithms: []string{"ES256", "RS256"}}},
		{Type: event.KeyActivated, Time: born, Writer: "issuer/1", Key: &event.Key{ID: "k1", Algorithm: "ES256"}},
		{Type: event.VerifierLeft, Time: born, Writer: "guard-pay/1", Verifier: &event.Verifier{Audience: pay, Mode: event.Enforce, Digest: "0123456789abcdef",
			Issuers: map[string]string{ours: "at+jwt"}, Algorithms: []string{"ES256"}, Revocation: true,
			Feed: &event.Feed{Position: 17, AsOf: born, StaleAfter: 10 * time.Second, WhenStale: "refuse"}}},
		{Type: event.VerifierSeen, Time: born, Writer: "guard-pay/1", Verifier: &event.Verifier{Audience: pay, Mode: event.Enforce, Digest: "0123456789abcdef",
			Revocation: true, Feed: &event.Feed{Position: 17, AsOf: born, WhenStale: "accept", Degraded: true}}},
		{Type: event.Exchanged, Time: born, Writer: "issuer/1", Genuine: true, Expected: crm, Token: &event.Token{ID: "t3", Parent: "t2", Lineage: "t1", Task: "job-7",
			Issuer: ours, Subject: "checkout", Client: "orch", Audience: []string{crm}, Actors: []string{"orch", "spiffe://corp.example/plan"}, SingleUse: true,
			StatusList: ours + "/status/1", StatusAt: 4, IssuedAt: born, Expires: born.Add(time.Minute)}},
		{Type: event.Used, Time: born, Writer: "uses/1", Expected: crm, Detail: `told by "guard"`, Token: &event.Token{ID: "t3", Audience: []string{crm}}},
		{Type: event.Revoked, Time: born, Writer: "issuer/1", Revocation: &event.Revocation{Kind: "token", ID: "t1", Until: born.Add(time.Hour), Tokens: 3}},
		{Type: event.Revoked, Time: born, Writer: "issuer/1", Revocation: &event.Revocation{Kind: "party", ID: "spiffe://corp.example/plan", Before: born, Until: born.Add(time.Hour)}},
		{Type: event.TaskOpened, Time: born, Writer: "tasks/1", Task: &event.Task{ID: "job-7", Parent: "job-1", Client: "checkout", Label: "nightly run", Resources: []string{pay, crm},
			Attempt: 2, RetryOf: "job-6", Deadline: born.Add(time.Hour), Lease: 10 * time.Second}},
		{Type: event.TaskEnded, Time: born, Writer: "tasks/1", Task: &event.Task{ID: "job-7", Client: "checkout", Attempt: 2, Outcome: "killed"}},
		{Type: event.RegistryApplied, Time: born, Writer: "apply/1", Registry: &event.Registry{Revision: 3, Digest: "0123456789abcdef", Author: "ops"}},
	}
}

// hostile are texts that would like to be a terminal's commands, another line,
// or the end of their own place.
func hostile() []string {
	return []string{
		"\x1b[2J\x1b[1;1HConfined", "a\r\nConfined: no door but its own would have accepted it.", "a\nsignature  checked and right",
		"\x9b31m", "\u009b31m", "\u202egnihton", "\x00", "\x7f\b\b\b", "a\tb", "\u2028x", "x\xff", "]0;title\a", "-", "a b, c", `"quoted"`,
		strings.Repeat("x", 530),
	}
}

// Attack: every text that a stranger can choose is hostile. No line begins, ends
// or looks other than it would.
func TestNoTextEscapesItsPlace(t *testing.T) {
	for _, bad := range hostile() {
		s := open(t).locked()
		q, err := json.Marshal(bad)
		must(t, err)
		text := s.written("at+jwt", strings.ReplaceAll(`{"iss":Q,"aud":[Q,Q],"sub":Q,"client_id":Q,"jti":Q,"scope":Q,"tenant":Q,"environment":Q,"iat":1800000000,"exp":1800000300}`, "Q", string(q)))
		facts := token(t, text)
		hear := event.Event{Type: event.VerifierSeen, Time: born, Writer: "w" + bad, Verifier: &event.Verifier{Audience: crm, Digest: bad, Mode: event.Mode(bad)}}
		show := event.Event{Type: event.Rejected, Time: born, Writer: "w" + bad, Decision: bad, Refusal: bad, Detail: bad, Near: bad, Expected: bad, Received: []string{bad},
			Token: facts, Request: &event.Request{Method: bad, Path: bad, Peer: bad}, Key: &event.Key{ID: bad, Algorithm: bad},
			Revocation: &event.Revocation{Kind: bad, ID: bad, Before: born}, Task: &event.Task{ID: bad, Parent: bad, Client: bad, Label: bad, Resources: []string{bad}, RetryOf: bad, Outcome: bad},
			Registry: &event.Registry{Digest: bad, Author: bad}, Verifier: &event.Verifier{Audience: bad, Mode: event.Mode(bad), Issuers: map[string]string{bad: bad}, Algorithms: []string{bad}, Feed: &event.Feed{WhenStale: bad}}}
		show.Token.Parent, show.Token.Actors, show.Token.StatusList, show.Token.Task, show.Token.SingleUse = bad, []string{bad, bad}, bad, bad, true
		s.room.Book = pages{hear, show} // a book would not take some of them
		a := s.where(text)
		var b bytes.Buffer
		must(t, a.WriteText(&b))
		b.WriteString(inspected(t, s, text))
		must(t, incident.WriteRecord(&b, store.Record{Event: show}))
		harmless(t, bad, b.String())
	}
}

// pages is a book in which anything may stand.
type pages []event.Event

func (p pages) Find(_ context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for i, e := range p {
			fits := slices.Contains(q.Types, e.Type) || e.Token != nil && (e.Token.Fingerprint == q.Fingerprint || e.Token.ID == q.TokenID)
			if fits && !yield(store.Record{Number: uint64(i + 1), Received: e.Time, Event: e}, nil) {
				return
			}
		}
	}
}

// begins are the ways in which a line of ours may begin.
var begins = regexp.MustCompile(`^(token  |addressed|issued by|life  |signature|record|what  |reason|also|expected|received|near miss|detail|says  |request|decision|verifier|trusts|key  |registry|type  |issuer|audience|subject|scope|tenant|id  |SHA-256|odd  |survival|ended|parent|acting|task|further|called|before|tokens|label|outcome|inside|retry of|for  |time  |revoked|           [a-z0-9]|  [a-z0-9]|Where it|Doors that|Not confined|$)`)

func harmless(t testing.TB, bad, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if !begins.MatchString(line) || len(line) > 8*1024 {
			t.Errorf("%q makes the line %q", bad, line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r != '×' && r != '…' && (r > unicode.MaxASCII || !unicode.IsPrint(r)) }); i >= 0 {
			t.Errorf("%q gets through: %q", bad, line)
		}
		if strings.HasPrefix(line, "signature") && strings.Contains(line, "checked and right") {
			t.Errorf("%q claims a signature: %q", bad, line)
		}
	}
}
