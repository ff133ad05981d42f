package issuer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

type who struct {
	identity issuer.Identity
	err      error
}

func (w who) Authenticate(context.Context, issuer.Credentials) (issuer.Identity, error) {
	return w.identity, w.err
}

type rules policy.Decision

func (r rules) Decide(policy.Request) policy.Decision { return policy.Decision(r) }

type press struct{ err error }

// Mint writes a letter that can be read and that nobody signed.
func (p press) Mint(l mint.Letter) (string, error) {
	// {"alg":"ES256","kid":"k1","typ":"at+jwt"} . {"jti":"t"} . x
	return "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiYXQrand0In0.eyJqdGkiOiJ0In0.eA", p.err
}

type ledger struct {
	mu     sync.Mutex
	events []event.Event
	used   map[string]bool
	err    error
}

func (l *ledger) Append(_ context.Context, e store.Entry) (store.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return store.Record{}, l.err
	}
	for _, once := range e.Once {
		if l.used[once.ID] {
			return store.Record{}, store.ErrUsed
		}
	}
	for _, once := range e.Once {
		l.used[once.ID] = true
	}
	l.events = append(l.events, e.Event)
	return store.Record{}, nil
}

const pay = "https://pay.example.test"

var allowed = rules{
	Allowed: true, Audience: narrowcast.MustAudience(pay), Scope: narrowcast.MustScope("charge"), Lifetime: time.Minute,
	Reasons: []policy.Reason{{Text: "a caller", Position: "pay.yaml:3"}},
}

func open(t *testing.T, change func(*issuer.Config)) (*issuer.Desk, *ledger) {
	t.Helper()
	book := &ledger{used: map[string]bool{}}
	c := issuer.Config{
		Issuer: narrowcast.MustIssuer("https://issuer.example.test"), Ledger: book, Writer: "issuer/1", Tenant: "t1",
		Authenticator: who{identity: issuer.Identity{Client: "checkout", Method: "private_key_jwt"}},
		Rules:         func() issuer.Rules { return allowed }, Press: func() issuer.Press { return press{} },
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
	change(&c)
	d, err := issuer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d, book
}

var request = issuer.Request{GrantType: "client_credentials", Resources: []string{pay}}

func ground(t *testing.T, err error) issuer.Ground {
	t.Helper()
	var refusal *issuer.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("err = %v, want a refusal", err)
	}
	return refusal.Ground
}

func TestGrant(t *testing.T) {
	d, book := open(t, func(*issuer.Config) {})
	answer, err := d.Grant(t.Context(), request)
	if err != nil || answer.Token == "" || answer.Resource.String() != pay || answer.ExpiresIn != 60 || answer.Cut {
		t.Fatalf("%+v, %v", answer, err)
	}
	e := book.events[0]
	if e.Type != event.Issued || e.Tenant != "t1" || e.Decision != answer.Decision || e.Detail != "private_key_jwt; a caller (pay.yaml:3)" || e.Token.KeyID != "k1" {
		t.Errorf("event = %+v", e)
	}
}

func TestWhatFailsIsRefused(t *testing.T) {
	broken := errors.New("broken")
	refuses := func(code string) func(*issuer.Config) {
		return func(c *issuer.Config) {
			c.Rules = func() issuer.Rules { return rules{Refusal: code, KeyMissing: code == "invalid_request"} }
		}
	}
	for name, c := range map[string]struct {
		change func(*issuer.Config)
		want   issuer.Ground
		kept   int
	}{
		"authentication cannot answer": {func(c *issuer.Config) { c.Authenticator = who{err: broken} }, issuer.Unavailable, 1},
		"nobody":                       {func(c *issuer.Config) { c.Authenticator = who{err: &issuer.Refusal{Ground: issuer.Unauthenticated}} }, issuer.Unauthenticated, 1},
		"no rules":                     {func(c *issuer.Config) { c.Rules = func() issuer.Rules { return nil } }, issuer.Unavailable, 1},
		"no press":                     {func(c *issuer.Config) { c.Press = func() issuer.Press { return nil } }, issuer.Unavailable, 1},
		"the press fails":              {func(c *issuer.Config) { c.Press = func() issuer.Press { return press{broken} } }, issuer.Broken, 1},
		"the book fails":               {func(c *issuer.Config) { c.Ledger = &ledger{err: broken} }, issuer.Unavailable, 0},
		"the zero decision":            {refuses(""), issuer.Broken, 1},
		"a code nobody knows":          {refuses("invalid_weather"), issuer.Broken, 1},
		"target":                       {refuses("invalid_target"), issuer.TargetRefused, 1},
		"scope":                        {refuses("invalid_scope"), issuer.ScopeRefused, 1},
		"binding":                      {refuses("invalid_request"), issuer.ProofOfKeyMissing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d, book := open(t, c.change)
			answer, err := d.Grant(t.Context(), request)
			if got := ground(t, err); got != c.want || answer.Token != "" {
				t.Errorf("%v, want %s", err, c.want.Sentence())
			}
			if len(book.events) != c.kept {
				t.Errorf("%d records, want %d", len(book.events), c.kept)
			}
		})
	}
}

func TestTheZeroDeskRefuses(t *testing.T) {
	for _, d := range []*issuer.Desk{nil, {}} {
		if _, err := d.Grant(t.Context(), request); ground(t, err) != issuer.Broken {
			t.Error(err)
		}
		if r := d.TurnAway(t.Context(), request, &issuer.Refusal{}); r.Ground != issuer.Broken {
			t.Error(r)
		}
	}
	_, err := issuer.New(issuer.Config{})
	for _, name := range []string{"Issuer", "Authenticator", "Rules", "Press", "Ledger", "Now", "Writer"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

// TestOneOfManyWins shows one proof to the desk from many sides at once.
func TestOneOfManyWins(t *testing.T) {
	d, book := open(t, func(c *issuer.Config) {
		c.Authenticator = who{identity: issuer.Identity{Client: "checkout", Once: []store.Once{{Space: "s", ID: "a-1"}}}}
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for range 40 {
		wg.Go(func() {
			if _, err := d.Grant(t.Context(), request); err == nil {
				mu.Lock()
				granted++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if granted != 1 || d.Counts().Issued != 1 || d.Counts().Refused != 39 {
		t.Errorf("%d were granted; counts = %+v", granted, d.Counts())
	}
	var numbers []uint64
	for _, e := range book.events {
		numbers = append(numbers, e.Sequence)
	}
	slices.Sort(numbers)
	if len(numbers) != 40 || numbers[0] != 1 || numbers[39] != 40 {
		t.Errorf("sequence = %v", numbers)
	}
}

func TestEveryGroundHasACodeAndASentence(t *testing.T) {
	known := []string{"invalid_request", "invalid_client", "invalid_target", "invalid_scope", "unsupported_grant_type", "temporarily_unavailable", "server_error",
		"invalid_dpop_proof", "use_dpop_nonce", "invalid_grant"}
	for g := issuer.Unavailable; g <= issuer.TooMany; g++ {
		if !slices.Contains(known, g.Code()) || !strings.HasSuffix(g.Sentence(), ".") {
			t.Errorf("%d: %q %q", g, g.Code(), g.Sentence())
		}
	}
	if issuer.Ground(200).Code() != "server_error" {
		t.Error("a ground outside the list is not a fault of ours")
	}
}

func TestStrayTokensStayOutOfTheBook(t *testing.T) {
	stray, _ := press{}.Mint(mint.Letter{})
	stray += strings.Repeat("A", 84)
	for _, place := range []string{
		stray, "https://pay.example.test/" + stray, "Bearer " + stray, pay + "?t=" + stray,
		"https://pay.example.test/" + stray + ".html", "https://pay.example.test/v1." + stray, "https://pay.example.test/token-" + stray,
	} {
		d, book := open(t, func(c *issuer.Config) { c.Rules = func() issuer.Rules { return rules{Refusal: "invalid_target"} } })
		_, err := d.Grant(t.Context(), issuer.Request{GrantType: "client_credentials", Resources: []string{place}})
		text, _ := event.Encode(book.events[0])
		if ground(t, err) != issuer.TargetRefused || strings.Contains(string(text), stray[:60]) || strings.Contains(err.Error(), stray[:60]) {
			t.Errorf("%s: %v, %s", place[:20], err, text)
		}
	}
}
