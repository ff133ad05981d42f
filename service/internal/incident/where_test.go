package incident_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

func TestATokenOpensItsOwnDoorAndNoOther(t *testing.T) {
	s := open(t).locked()
	text := s.letter()
	s.issued(text)
	a := s.where(text)
	own, other := find(t, a, pay), find(t, a, crm)
	check(t, own, incident.Accepts, 0, "guard-pay/1 reported mode enforce")
	check(t, other, incident.Refuses, narrowcast.AudienceMismatch, "guard-crm/1 reported mode enforce")
	if !own.Own || other.Own || own.Evidence != incident.Observed || !a.Genuine || !a.Alive || !a.Confined {
		t.Errorf("%+v", a)
	}
	if a.Issued == nil || a.Issued.Number == 0 || a.Issued.Client != "checkout" || a.Issued.OtherBytes {
		t.Errorf("issued = %+v", a.Issued)
	}
	if !other.From.Equal(born.Add(-time.Minute)) || !other.To.Equal(born.Add(time.Minute)) {
		t.Errorf("evidence from %s to %s; what came later must not count", other.From, other.To)
	}
}

func TestANearMissIsNamed(t *testing.T) {
	s := open(t).locked()
	a := s.where(s.letter(func(l *mint.Letter) { l.Audience = narrowcast.MustAudience(crm + "/v2") }))
	if f := find(t, a, crm); f.Verdict != incident.Refuses || f.Near != "same host, another path" {
		t.Errorf("%+v", f)
	}
	if !a.Confined {
		t.Error("no door accepts it, and it is not called confined")
	}
}

// Law 7: nobody has spoken for the door, so the answer is neither yes nor no.
func TestNoReportIsNoAnswer(t *testing.T) {
	s := open(t)
	s.hear(report{writer: "guard-pay/1", audience: pay}, 0)
	a := s.where(s.letter())
	f := find(t, a, crm)
	check(t, f, incident.Unknown, 0, "no verifier has reported")
	if f.Evidence != incident.Declared || a.Confined || len(a.Exclusion) != 1 || a.Exclusion[0] != crm || !f.To.IsZero() {
		t.Errorf("%+v", a)
	}
	if a = open(t).locked().where(s.letter()); !a.Confined {
		t.Error("the control is not confined")
	}
}

func TestAnEmptyRegistryProvesNothing(t *testing.T) {
	s := open(t)
	s.room.Doors = nil
	if a := s.where(s.letter()); a.Confined || a.Coverage != "no door is registered, so nobody reports" {
		t.Errorf("%+v", a)
	}
}

func TestForeignToken(t *testing.T) {
	s := open(t).locked()
	press, _ := keyPair(t, foreign, "f1", narrowcast.KeyConfig{})
	s.press = press
	text := s.letter()
	a := s.where(text)
	check(t, find(t, a, pay), incident.Refuses, narrowcast.IssuerUnknown, "enforce")
	if a.Genuine || a.Doubt == "" || a.Issued != nil || !a.Confined {
		t.Errorf("%+v", a)
	}

	// A door that trusts the other issuer has keys that are not at hand here.
	trust := func(c *narrowcast.Config) {
		c.Issuers = append(c.Issuers, narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(foreign), Keys: s.room.Keys})
	}
	s.hear(report{writer: "guard-crm/2", audience: crm, change: trust}, 0, time.Minute)
	a = s.where(text)
	check(t, find(t, a, crm), incident.Unknown, 0, "it trusts this issuer")
	if a.Confined {
		t.Error("a token that another door may accept is called confined")
	}
	// Our own tokens are judged at that door as before.
	own := open(t)
	own.hear(report{writer: "guard-crm/2", audience: crm, change: trust}, 0, time.Minute)
	check(t, find(t, own.where(own.letter()), crm), incident.Refuses, narrowcast.AudienceMismatch, "")
}

func TestForgedToken(t *testing.T) {
	s := open(t).locked()
	text := s.letter()
	s.issued(text)
	a := s.where(forge(text))
	check(t, find(t, a, pay), incident.Refuses, narrowcast.SignatureInvalid, "no keys but the issuer's own")
	if a.Genuine || a.Doubt != narrowcast.SignatureInvalid.Sentence() || a.Issued != nil {
		t.Errorf("%+v", a)
	}
	// It names a key that the issuer never had.
	s.press, _ = keyPair(t, ours, "k9", narrowcast.KeyConfig{})
	a = s.where(s.letter())
	check(t, find(t, a, pay), incident.Refuses, narrowcast.KeyUnknown, "no keys but the issuer's own")
}

// The archive says that a key had left the set. A verifier that kept an old set
// would not know.
func TestAWithdrawnKeyIsNoRefusal(t *testing.T) {
	s := open(t).locked()
	press, key := keyPair(t, ours, "old", narrowcast.KeyConfig{NotAfter: born.Add(-time.Hour)})
	s.press, s.room.Keys = press, fixed(t, key)
	a := s.where(s.letter())
	check(t, find(t, a, crm), incident.Unknown, narrowcast.KeyWindow, "does not report which keys it holds")
	if a.Genuine || a.Confined {
		t.Errorf("%+v", a)
	}
}

func TestKeysThatCannotBeReadAreNoRefusal(t *testing.T) {
	s := open(t).locked()
	text := s.letter()
	s.room.Keys = broken{}
	a := s.where(text)
	if f := find(t, a, crm); f.Verdict != incident.Unknown || a.Genuine || a.Confined {
		t.Errorf("%+v", f)
	}
}

type broken struct{}

func (broken) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, errors.New("the archive is away")
}

func TestNoRecordOfTheMinting(t *testing.T) {
	s := open(t).locked()
	if a := s.where(s.letter()); !a.Genuine || a.Issued != nil {
		t.Errorf("%+v", a)
	}
}

// An ES256 signature can be written in two ways, so the same letter can come
// with bytes that the issuer never sent.
func TestTheSameLetterInOtherBytes(t *testing.T) {
	s := open(t).locked()
	first, again := s.letter(), s.letter() // signatures are random
	s.issued(first)
	s.keep(event.Event{Type: event.OffTarget, Time: born.Add(time.Second), Writer: "guard-crm/1", Genuine: true, Expected: crm,
		Reason: narrowcast.AudienceMismatch, Token: token(t, first)})
	s.keep(event.Event{Type: event.Rejected, Time: born.Add(time.Second), Writer: "guard-crm/1", Expected: crm,
		Reason: narrowcast.SignatureInvalid, Token: token(t, forge(first))})
	a := s.where(again)
	if a.Issued == nil || !a.Issued.OtherBytes || len(a.Showings) != 1 || a.Showings[0].Outcome != event.OffTarget {
		t.Errorf("%+v, showings %+v", a.Issued, a.Showings)
	}
	if a = s.where(first); a.Issued == nil || a.Issued.OtherBytes {
		t.Errorf("%+v", a.Issued)
	}
	// What a forged copy says is hearsay: it finds nothing by its id.
	if a = s.where(forge(again)); a.Issued != nil || len(a.Showings) > 1 {
		t.Errorf("%+v, showings %+v", a.Issued, a.Showings)
	}
}

func TestNotAToken(t *testing.T) {
	for _, text := range []string{"", "x", "a.b.c", raw("{}", "[]")} {
		if _, err := open(t).room.Where(context.Background(), text); !errors.Is(err, incident.ErrNotAToken) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAFaultyBookIsAnError(t *testing.T) {
	s := open(t)
	must(t, s.book.Close())
	if _, err := s.room.Where(context.Background(), s.letter()); err == nil {
		t.Error("an answer without a book")
	}
}
