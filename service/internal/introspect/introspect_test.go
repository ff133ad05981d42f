package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/introspect"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const us = "https://issuer.example.test"

// somebody is always the same client.
type somebody struct {
	err  error
	seen *issuer.Credentials
}

func (s somebody) Authenticate(_ context.Context, c issuer.Credentials) (issuer.Identity, error) {
	*s.seen = c
	return issuer.Identity{Client: "pay", Method: "tls_client_auth"}, s.err
}

// letters reads nothing, for the same reason each time.
type letters struct{ err error }

func (l letters) Open(context.Context, string, narrowcast.Audience) (*narrowcast.Token, error) {
	return nil, l.err
}

type ledger struct{ events []event.Event }

func (l *ledger) Append(_ context.Context, e store.Entry) (store.Record, error) {
	l.events = append(l.events, e.Event)
	return store.Record{}, nil
}

// of a token for pay that says it is ours: {"alg":"ES256"} . {"iss","aud","jti"} . x
const claimed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLnRlc3QiLCJhdWQiOiJodHRwczovL3BheS5leGFtcGxlLnRlc3QiLCJqdGkiOiJ0MSJ9.eA"

type desk struct {
	*introspect.Desk
	book *ledger
	now  time.Time
	seen issuer.Credentials
}

func open(t *testing.T, change func(*introspect.Config)) *desk {
	t.Helper()
	d := &desk{book: &ledger{}, now: time.Unix(1_800_000_000, 0)}
	no := func(narrowcast.ClientID, narrowcast.Audience) bool { return false }
	c := introspect.Config{
		Issuer: narrowcast.MustIssuer(us), Authenticator: somebody{seen: &d.seen}, Concerns: no, Serves: no, Ledger: d.book,
		Letters: letters{&narrowcast.Rejection{Reason: narrowcast.Expired, Genuine: true, Claimed: narrowcast.Claimed{Issuer: us}}},
		Seal:    func(string, []byte) (string, error) { return "", errors.New("no key") },
		Now:     func() time.Time { return d.now }, Writer: "introspect/1",
	}
	change(&c)
	var err error
	if d.Desk, err = introspect.New(c); err != nil {
		t.Fatal(err)
	}
	return d
}

func same(*introspect.Config) {}

func TestNewReportsAllFaults(t *testing.T) {
	_, err := introspect.New(introspect.Config{})
	for _, name := range []string{"Issuer", "Authenticator", "Letters", "Concerns", "Serves", "Ledger", "Seal", "Now", "Writer"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	var zero introspect.Desk
	for _, d := range []*introspect.Desk{nil, &zero} {
		if answer, err := d.Introspect(t.Context(), introspect.Request{Token: claimed}); err == nil || answer.Active {
			t.Error("the zero desk answers")
		}
	}
}

// The token that is asked about is no proof of who asks.
func TestTheTokenAuthenticatesNobody(t *testing.T) {
	d := open(t, same)
	r := introspect.Request{Token: claimed, From: event.Request{Peer: "192.0.2.1:1"}}
	r.Credentials.Token = claimed
	answer, err := d.Introspect(t.Context(), r)
	if err != nil || answer.Active || string(answer.Body) != `{"active":false}` || d.seen.Token != "" || d.seen.Peer != "192.0.2.1:1" {
		t.Errorf("%+v, %v, %+v", answer, err, d.seen)
	}
	for _, text := range []string{fmt.Sprint(r), fmt.Sprintf("%#v", r), fmt.Sprintf("%+v", r)} {
		if strings.Contains(text, claimed) {
			t.Error("a request prints its token")
		}
	}
}

// What cannot be found out is not an answer.
func TestWhatCannotBeFoundOut(t *testing.T) {
	for name, change := range map[string]func(*introspect.Config){
		"no keys": func(c *introspect.Config) {
			c.Letters = letters{&narrowcast.Rejection{Reason: narrowcast.KeyUnavailable}}
		},
		"no letters":        func(c *introspect.Config) { c.Letters = letters{errors.New("broken")} },
		"no authentication": func(c *introspect.Config) { c.Authenticator = somebody{errors.New("broken"), &issuer.Credentials{}} },
	} {
		_, err := open(t, change).Introspect(t.Context(), introspect.Request{Token: claimed})
		var refusal *issuer.Refusal
		if !errors.As(err, &refusal) || refusal.Ground != issuer.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := open(t, same)
	if _, err := d.Signed(introspect.Answer{Body: []byte(`{"active":false}`)}); err == nil {
		t.Error("signed without a key")
	}
	if _, err := d.Revoke(t.Context(), introspect.Request{Token: claimed}); err == nil {
		t.Error("called back by nobody")
	}
}

// A client that asks about tokens of others in a loop does not fill the book.
func TestQuestionsDoNotFillTheBook(t *testing.T) {
	d := open(t, same)
	for range 1000 {
		if _, err := d.Introspect(t.Context(), introspect.Request{Token: claimed}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.book.events); n != 200 {
		t.Errorf("%d records of 1000 questions, want 200", n)
	}
	d.now = d.now.Add(time.Second)
	if _, err := d.Introspect(t.Context(), introspect.Request{Token: claimed}); err != nil {
		t.Fatal(err)
	}
	e := d.book.events[len(d.book.events)-1]
	if e.Type != event.OffTarget || !strings.Contains(e.Detail, "800 more") || e.Sequence != 201 || e.Check() != nil {
		t.Errorf("event = %+v", e)
	}
}

// anybody is whoever the parameter client_id says.
type anybody struct{}

func (anybody) Authenticate(_ context.Context, c issuer.Credentials) (issuer.Identity, error) {
	return issuer.Identity{Client: narrowcast.ClientID(c.ClientID), Method: "tls_client_auth"}, nil
}

// Whoever floods the book keeps neither the questions of others out of it nor the
// stolen token that he asks about among the rubbish.
func TestAFloodHidesNoStolenToken(t *testing.T) {
	d := open(t, func(c *introspect.Config) { c.Authenticator = anybody{} })
	ask := func(client, token string) (recorded bool) {
		before := len(d.book.events)
		if _, err := d.Introspect(t.Context(), introspect.Request{Token: token, Credentials: issuer.Credentials{ClientID: client}}); err != nil {
			t.Fatal(err)
		}
		return len(d.book.events) > before
	}
	for range 1000 {
		ask("flood", "rubbish")
	}
	if ask("flood", "rubbish") {
		t.Error("control: there is no bound on rubbish")
	}
	if !ask("other", "rubbish") || !ask("other", claimed) || !ask("flood", claimed) {
		t.Error("a question was hidden by a flood of others")
	}
}

// used is a book in which every assertion was used before.
type used struct{}

func (*used) Append(context.Context, store.Entry) (store.Record, error) {
	return store.Record{}, store.ErrUsed
}

// once proves who it is with what is good for one time.
type once struct{}

func (once) Authenticate(context.Context, issuer.Credentials) (issuer.Identity, error) {
	return issuer.Identity{Client: "pay", Method: "private_key_jwt", Once: []store.Once{{Space: "assertion of pay", ID: "1"}}}, nil
}

// The refusal of an assertion that comes a second time has no decision yet, so
// whoever sends it records it: somebody copied that assertion.
func TestAnAssertionThatWasUsedBefore(t *testing.T) {
	d := open(t, func(c *introspect.Config) { c.Authenticator, c.Ledger = once{}, &used{} })
	_, err := d.Introspect(t.Context(), introspect.Request{Token: "rubbish"})
	var refusal *issuer.Refusal
	if !errors.As(err, &refusal) || refusal.Ground != issuer.Unauthenticated || refusal.Client != "pay" || refusal.Decision != "" {
		t.Errorf("%+v", refusal)
	}
	d = open(t, func(c *introspect.Config) { c.Authenticator = once{} })
	if _, err := d.Introspect(t.Context(), introspect.Request{Token: "rubbish"}); err != nil || len(d.book.events) != 1 {
		t.Errorf("control: %v, %d records", err, len(d.book.events))
	}
}
