package incident_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

const (
	ours    = "https://issuer.example.test"
	foreign = "https://elsewhere.example.test"
	pay     = "https://pay.example.test"
	crm     = "https://crm.example.test"
)

// born is when the tokens of these tests are minted.
var born = time.Unix(1_800_000_000, 0).UTC()

// scene is an issuer, its book and two doors.
type scene struct {
	t     testing.TB
	book  *storetest.Memory
	press *mint.Press
	room  *incident.Room
	now   time.Time
	wrote int
	sign  *ecdsa.PrivateKey // for letters that the mint does not write
}

func open(t testing.TB) *scene {
	t.Helper()
	s := &scene{t: t, now: born.Add(time.Minute)}
	s.book = storetest.NewMemory(func() time.Time { return s.now })
	private := newKey(t)
	press, key := keysOf(t, ours, "k1", narrowcast.KeyConfig{}, private)
	s.press, s.sign = press, private
	keys, err := jwks.Fixed(key)
	must(t, err)
	s.room = &incident.Room{
		Book: s.book, Issuer: narrowcast.MustIssuer(ours), Keys: keys, Now: func() time.Time { return s.now },
		Doors: []registry.Resource{door(crm, "profiles"), door(pay, "payments")},
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return private
}

func keyPair(t testing.TB, issuer string, id narrowcast.KeyID, c narrowcast.KeyConfig) (*mint.Press, narrowcast.Key) {
	t.Helper()
	return keysOf(t, issuer, id, c, newKey(t))
}

func keysOf(t testing.TB, issuer string, id narrowcast.KeyID, c narrowcast.KeyConfig, private *ecdsa.PrivateKey) (*mint.Press, narrowcast.Key) {
	t.Helper()
	c.ID, c.Algorithm, c.Public = id, narrowcast.ES256, &private.PublicKey
	key, err := narrowcast.NewKey(c)
	must(t, err)
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuer), KeyID: id, Algorithm: narrowcast.ES256, Signer: private})
	must(t, err)
	return press, key
}

func door(audience, name string) registry.Resource {
	return registry.Resource{Audience: narrowcast.MustAudience(audience), Name: name, Owner: "team-" + name}
}

// letter mints a token for payments, after edits.
func (s *scene) letter(edits ...func(*mint.Letter)) string {
	s.t.Helper()
	l := mint.Letter{
		Audience: narrowcast.MustAudience(pay), Subject: "checkout", Client: "checkout", ID: "t1",
		IssuedAt: born, Lifetime: 5 * time.Minute, Scope: narrowcast.MustScope("charge"),
	}
	for _, edit := range edits {
		edit(&l)
	}
	text, err := s.press.Mint(l)
	must(s.t, err)
	return text
}

// keep puts an event into the book as if it came in when it happened.
func (s *scene) keep(e event.Event) {
	s.t.Helper()
	s.wrote++
	e.ID = fmt.Sprint("e", s.wrote)
	now := s.now
	s.now = e.Time
	_, err := s.book.Append(context.Background(), store.Entry{Event: e})
	s.now = now
	must(s.t, err)
}

// issued records the minting of a token.
func (s *scene) issued(text string) {
	s.t.Helper()
	said, err := narrowcast.Inspect(text)
	must(s.t, err)
	s.keep(event.Event{Type: event.Issued, Time: said.IssuedAt, Writer: "issuer/1", Token: event.TokenOf(said)})
}

// report is what an enforcement point says of itself.
type report struct {
	writer, audience string
	mode             event.Mode
	change           func(*narrowcast.Config)
}

// hear records reports, each at every given instant after the birth.
func (s *scene) hear(r report, after ...time.Duration) {
	s.t.Helper()
	c := narrowcast.Config{
		Audience: narrowcast.MustAudience(r.audience), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: narrowcast.MustIssuer(ours), Keys: s.room.Keys}},
	}
	if r.change != nil {
		r.change(&c)
	}
	v, err := narrowcast.NewVerifier(c)
	must(s.t, err)
	if r.mode == "" {
		r.mode = event.Enforce
	}
	for _, d := range after {
		s.keep(event.Event{Type: event.VerifierSeen, Time: born.Add(d), Writer: r.writer, Mode: r.mode, Verifier: event.VerifierOf(v, r.mode)})
	}
}

// locked lets both doors report for as long as the tests look.
func (s *scene) locked() *scene {
	for d := -time.Minute; d <= 10*time.Minute; d += time.Minute {
		s.hear(report{writer: "guard-pay/1", audience: pay}, d)
		s.hear(report{writer: "guard-crm/1", audience: crm}, d)
	}
	return s
}

func (s *scene) where(text string) incident.Answer {
	s.t.Helper()
	a, err := s.room.Where(context.Background(), text)
	must(s.t, err)
	return a
}

// find returns the finding about a door.
func find(t testing.TB, a incident.Answer, audience string) incident.Finding {
	t.Helper()
	for _, f := range append(a.Doors, a.Others...) {
		if f.Resource == audience {
			return f
		}
	}
	t.Fatalf("no finding about %s", audience)
	return incident.Finding{}
}

// check compares a finding with what is wanted; basis is a part of the sentence.
func check(t testing.TB, f incident.Finding, verdict incident.Verdict, reason narrowcast.Reason, basis string) {
	t.Helper()
	if f.Verdict != verdict || f.Reason != reason || !strings.Contains(f.Basis, basis) {
		t.Errorf("%s: %s, %s: %s\nwant %s, %s: …%s…", f.Resource, f.Verdict, f.Reason, f.Basis, verdict, reason, basis)
	}
}

// raw signs nothing: it is a token with any header and payload.
func raw(header, payload string) string {
	b := base64.RawURLEncoding.EncodeToString
	return b([]byte(header)) + "." + b([]byte(payload)) + "." + b(make([]byte, 64))
}

// written is a genuine token with any payload.
func (s *scene) written(typ, payload string) string {
	s.t.Helper()
	b := base64.RawURLEncoding.EncodeToString
	input := b([]byte(`{"alg":"ES256","typ":"`+typ+`","kid":"k1"}`)) + "." + b([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	x, y, err := ecdsa.Sign(rand.Reader, s.sign, sum[:])
	must(s.t, err)
	return input + "." + b(append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...))
}

// forge changes the signature of a token.
func forge(text string) string {
	i := strings.LastIndexByte(text, '.') + 1
	c := byte('A')
	if text[i] == 'A' {
		c = 'B'
	}
	return text[:i] + string(c) + text[i+1:]
}
