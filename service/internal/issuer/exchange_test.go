package issuer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Story C1: the addressee exchanges, the subject stays, and nothing widens.
func TestTheAddresseeExchanges(t *testing.T) {
	w := openWorks(t)
	first := w.grant(asking("job", orch))
	w.now = w.now.Add(time.Minute)
	answer := w.grant(exchanging("orch", first.Token, data))
	if w.shown {
		t.Error("the subject token was shown to the authenticator")
	}
	was, is := claims(t, first.Token), claims(t, answer.Token)
	if !slices.Equal(is.Audience, []string{data}) || is.Subject != "job" || is.ClientID != "orch" || !slices.Equal(is.Actors, []string{"orch"}) ||
		is.Scope != "read" || is.Expires.After(was.Expires) || is.Parent != was.TokenID || is.Lineage != was.TokenID || !is.SingleUse || is.StatusAt != 1 {
		t.Errorf("token = %+v", is)
	}
	if !answer.Exchanged || answer.ExpiresIn != 240 || answer.Scope.String() != "read" {
		t.Errorf("answer = %+v", answer)
	}
	e := w.last()
	if e.Type != event.Exchanged || !e.Genuine || e.Expected != data || e.Token.Parent != was.TokenID || e.Token.Lineage != was.TokenID ||
		!slices.Equal(e.Token.Actors, []string{"orch"}) || e.Token.ID != is.TokenID || e.Token.Fingerprint != is.Fingerprint || e.Check() != nil {
		t.Errorf("event = %+v, %+v", e, e.Token)
	}
	w.noTokenInTheBook(first.Token, answer.Token)
}

func (w *works) noTokenInTheBook(tokens ...string) {
	w.t.Helper()
	for record := range w.book.Find(w.t.Context(), store.Query{}) {
		for _, token := range tokens {
			for _, part := range strings.Split(token, ".") {
				if strings.Contains(string(record.Encoded), part) {
					w.t.Errorf("record %d holds a part of a token: %s", record.Number, record.Encoded)
				}
			}
		}
	}
}

// The holder of a token for the issuer exchanges it, and nobody else does.
func TestATokenForTheIssuerIsItsHolders(t *testing.T) {
	w := openWorks(t)
	hand := w.grant(asking("job", us))
	_, err := w.Grant(t.Context(), exchanging("orch", hand.Token, data))
	if ground(t, err) != issuer.NotAddressed {
		t.Error(err)
	}
	// Its scope "hand" is none of the orchestrator's, so there is nothing to hand on.
	if _, err := w.Grant(t.Context(), exchanging("job", hand.Token, orch)); ground(t, err) != issuer.ScopeRefused {
		t.Error(err)
	}
}

func TestExchangesThatAreRefused(t *testing.T) {
	scope := func(s string) func(*issuer.Request) { return func(r *issuer.Request) { r.Scope = s } }
	for name, c := range map[string]struct {
		client, target string
		edit           func(*issuer.Request)
		spoil          func(w *works, first issuer.Answer) (token string)
		want           issuer.Ground
		code           string
		offTarget      bool
	}{
		"by somebody else":          {client: "other", want: issuer.NotAddressed, code: "invalid_grant", offTarget: true},
		"by the client that got it": {client: "job", want: issuer.NotAddressed, code: "invalid_grant", offTarget: true},
		"by nobody":                 {client: "-", want: issuer.ProofMissing, code: "invalid_client"},
		"no edge":                   {target: crm, want: issuer.TargetRefused, code: "invalid_target"},
		"unknown target":            {target: "https://nowhere.example.test", want: issuer.TargetRefused, code: "invalid_target"},
		"scope of the edge only":    {edit: scope("admin"), want: issuer.ScopeRefused, code: "invalid_scope"},
		"scope of the parent only":  {edit: scope("write"), want: issuer.ScopeRefused, code: "invalid_scope"},
		"longer life":               {edit: func(r *issuer.Request) { r.Lifetime = "301" }, want: issuer.LifetimeRefused, code: "invalid_request"},
		"as an id_token":            {edit: func(r *issuer.Request) { r.SubjectTokenType = issuer.IDTokenType }, want: issuer.TokenTypeRefused, code: "invalid_request"},
		"with an actor_token":       {edit: func(r *issuer.Request) { r.ActorToken = "x" }, want: issuer.ActorRefused, code: "invalid_request"},
		"as an assertion":           {edit: func(r *issuer.Request) { r.GrantType = issuer.JWTBearer }, want: issuer.TokenRefused, code: "invalid_grant"},
		"revoked": {spoil: func(w *works, first issuer.Answer) string {
			w.dead[first.ID] = true
			return first.Token
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
		"revoked, and by somebody else": {client: "other", spoil: func(w *works, first issuer.Answer) string {
			w.dead[first.ID] = true
			return first.Token
		}, want: issuer.SubjectTokenRefused, code: "invalid_request", offTarget: true},
		"expired": {spoil: func(w *works, first issuer.Answer) string {
			w.now = w.now.Add(time.Hour)
			return first.Token
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
		"another signature": {spoil: func(w *works, first issuer.Answer) string {
			forger, _ := pair(w.t, "k1")
			return w.letter(forger, func(*mint.Letter) {})
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
		"unknown to the book": {spoil: func(w *works, first issuer.Answer) string {
			return w.letter(w.press, func(*mint.Letter) {})
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
		"another token under a known id": {spoil: func(w *works, first issuer.Answer) string {
			return w.letter(w.press, func(l *mint.Letter) { l.ID = first.ID })
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
		"another tenant": {spoil: func(w *works, first issuer.Answer) string {
			return w.letter(w.press, func(l *mint.Letter) { l.ID, l.Tenant = first.ID, "other" })
		}, want: issuer.SubjectTokenRefused, code: "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorks(t)
			first := w.grant(asking("job", orch))
			token, client, target, edit := first.Token, "orch", data, func(*issuer.Request) {}
			if c.spoil != nil {
				token = c.spoil(w, first)
			}
			if c.client != "" {
				client = strings.Trim(c.client, "-")
			}
			if c.target != "" {
				target = c.target
			}
			if c.edit != nil {
				edit = c.edit
			}
			_, err := w.Grant(t.Context(), exchanging(client, token, target, edit))
			if name == "as an assertion" { // the fake authenticator believes a name; the desk wants a token that somebody vouched for
				if got := ground(t, err); got != c.want {
					t.Error(err)
				}
				return
			}
			if got := ground(t, err); got != c.want || got.Code() != c.code {
				t.Fatalf("%v, want %s", err, c.want.Sentence())
			}
			e := w.last()
			if e.Type != event.Refused || e.Refusal != c.code || strings.HasPrefix(e.Detail, "off-target exchange") != c.offTarget || e.Check() != nil {
				t.Errorf("event = %+v", e)
			}
			if c.offTarget && (!e.Genuine || e.Token.ID != string(first.ID) || !slices.Equal(e.Received, []string{orch}) || e.Token.Client != "job" || !strings.Contains(e.Detail, "by client "+client)) {
				t.Errorf("event = %+v, %+v", e, e.Token)
			}
			if name == "another signature" && e.Genuine {
				t.Error("a forged token is called genuine")
			}
			w.noTokenInTheBook(token)
			// The control: nothing but that was wrong.
			if c.spoil == nil {
				w.grant(exchanging("orch", first.Token, data))
			}
		})
	}
}

// letter writes one that never went through the desk.
func (w *works) letter(press *mint.Press, change func(*mint.Letter)) string {
	w.t.Helper()
	l := mint.Letter{
		Audience: narrowcast.MustAudience(orch), Subject: "job", Client: "job", ID: mint.NewTokenID(), IssuedAt: w.now,
		Lifetime: time.Minute, Scope: narrowcast.MustScope("plan read"),
	}
	change(&l)
	text, err := press.Mint(l)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// A token that is bound to a key is exchanged with the proof of that key.
func TestABoundTokenNeedsItsProof(t *testing.T) {
	w := openWorks(t)
	proving := func(proof string) func(*issuer.Request) {
		return func(r *issuer.Request) { r.Proofs = []string{proof} }
	}
	first := w.grant(asking("job", orch, proving("proof 1")))
	if _, err := w.Grant(t.Context(), exchanging("orch", first.Token, data)); ground(t, err) != issuer.SubjectTokenRefused || !strings.Contains(err.Error(), "downgrade") {
		t.Error(err)
	}
	if answer := w.grant(exchanging("orch", first.Token, data, proving("proof 2"))); answer.Type != "DPoP" {
		t.Errorf("answer = %+v", answer)
	}
	w.dead[first.ID] = true // and the proof heals nothing else
	if _, err := w.Grant(t.Context(), exchanging("orch", first.Token, data, proving("proof 3"))); ground(t, err) != issuer.SubjectTokenRefused {
		t.Error(err)
	}
	// A proof beside a bearer token binds the new one.
	bearer := w.grant(asking("job", orch))
	if answer := w.grant(exchanging("orch", bearer.Token, data, proving("proof 4"))); answer.Type != "DPoP" {
		t.Errorf("answer = %+v", answer)
	}
}

func TestDepthAndLoops(t *testing.T) {
	w := openWorks(t)
	first := w.grant(asking("job", orch))
	second := w.grant(exchanging("orch", first.Token, data))
	// The door of data takes tokens that were handed on once, that of crm twice.
	if _, err := w.Grant(t.Context(), exchanging("store", second.Token, data)); ground(t, err) != issuer.TargetRefused {
		t.Error(err)
	}
	third := claims(t, w.grant(exchanging("store", second.Token, crm)).Token)
	if !slices.Equal(third.Actors, []string{"store", "orch"}) || third.Lineage != string(first.ID) || third.Parent != string(second.ID) || third.Subject != "job" {
		t.Errorf("token = %+v", third)
	}
	own := w.grant(asking("store", data))
	if _, err := w.Grant(t.Context(), exchanging("store", own.Token, crm)); ground(t, err) != issuer.DelegationRefused {
		t.Errorf("store acts for store: %v", err)
	}
	other := w.grant(asking("other", data))
	w.grant(exchanging("store", other.Token, crm))
}

// The claim may_act is a limit (RFC 8693 section 4.4).
func TestTheTokenSaysWhoMayAct(t *testing.T) {
	w := openWorks(t)
	waiting := w.grant(asking("other", orch))
	if _, err := w.Grant(t.Context(), exchanging("orch", waiting.Token, data)); ground(t, err) != issuer.DelegationRefused {
		t.Error(err)
	}
	w.grant(exchanging("orch", w.grant(asking("job", orch)).Token, data))
}

// The record of a revocation and that of an exchange meet in the book: one of
// them is first, and no descendant lives.
func TestARevocationInTheMeantime(t *testing.T) {
	for _, which := range []string{"none", "the subject token", "the one before it"} {
		t.Run(which, func(t *testing.T) {
			w := openWorks(t)
			root := w.grant(asking("job", orch))
			child := w.grant(exchanging("orch", root.Token, data))
			revoked := map[string]narrowcast.TokenID{"none": "another", "the subject token": child.ID, "the one before it": root.ID}[which]
			w.before = func() {
				e := event.Event{Version: event.Version, ID: "r1", Type: event.Admin, Time: w.now, Writer: "test", Sequence: 1}
				once := store.Once{Space: issuer.RevokedToken, ID: string(revoked), Until: w.now.Add(time.Hour)}
				if _, err := w.book.Append(t.Context(), store.Entry{Event: e, Once: []store.Once{once}}); err != nil {
					t.Error(err)
				}
			}
			_, err := w.Grant(t.Context(), exchanging("store", child.Token, crm))
			switch {
			case which == "none":
				if err != nil {
					t.Error(err)
				}
			case ground(t, err) != issuer.SubjectTokenRefused || w.last().Type != event.Refused:
				t.Errorf("%v, event = %+v", err, w.last())
			}
		})
	}
}

// So many tokens stand behind one as the book can be asked about at a time.
func TestALongLine(t *testing.T) {
	w := openWorks(t)
	hand := w.grant(asking("job", us)).Token
	for range store.MaxOnce {
		hand = w.grant(exchanging("job", hand, us)).Token
	}
	if _, err := w.Grant(t.Context(), exchanging("job", hand, us)); ground(t, err) != issuer.DelegationRefused {
		t.Error(err)
	}
}

func TestOwnAndPastGoTogether(t *testing.T) {
	_, err := issuer.New(issuer.Config{Past: openWorks(t).book})
	if err == nil || !strings.Contains(err.Error(), "Own and Past") {
		t.Error(err)
	}
}
