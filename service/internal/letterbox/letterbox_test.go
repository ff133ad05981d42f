package letterbox_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/letterbox"
)

const (
	us   = "https://issuer.example.test"
	pay  = "https://pay.example.test"
	jkt  = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	leaf = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
)

type ring map[narrowcast.KeyID]narrowcast.Key

func (r ring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, ok := r[id]; ok {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

type dead map[narrowcast.TokenID]narrowcast.Reason

func (d dead) Check(t *narrowcast.Token) narrowcast.Reason { return d[t.ID()] }

type house struct {
	t     *testing.T
	now   time.Time
	press *mint.Press
	dead  dead
	*letterbox.Box
}

func pair(t *testing.T) (*mint.Press, narrowcast.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, errKey := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(us), KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private})
	if err := errors.Join(errKey, err); err != nil {
		t.Fatal(err)
	}
	return press, key
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: time.Unix(1_800_000_000, 0), dead: dead{}}
	var key narrowcast.Key
	h.press, key = pair(t)
	var err error
	h.Box, err = letterbox.New(letterbox.Config{
		Issuer: narrowcast.MustIssuer(us), Keys: ring{"k1": key}, Algorithms: []narrowcast.Algorithm{narrowcast.ES256},
		Now: func() time.Time { return h.now }, Liveness: h.dead, Tenant: "t1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) letter(change func(*mint.Letter)) string {
	h.t.Helper()
	l := mint.Letter{
		Audience: narrowcast.MustAudience(pay), Subject: "job", Client: "job", ID: "t1", IssuedAt: h.now, Lifetime: time.Minute,
		Scope: narrowcast.MustScope("charge"), Tenant: "t1",
	}
	change(&l)
	text, err := h.press.Mint(l)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

const oneRequest = `[{"type":"payment"},{"type":"urn:narrowcast:request","locations":["` + pay + `"],"method":"POST","target":"/charges","digest":"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}]`

func TestRead(t *testing.T) {
	proving := func(key string) narrowcast.Presentation {
		return narrowcast.Presentation{Prove: func() (string, narrowcast.Reason) { return key, 0 }}
	}
	for name, c := range map[string]struct {
		change func(*mint.Letter)
		show   narrowcast.Presentation
		at     string
		late   time.Duration
		dead   narrowcast.Reason
		want   narrowcast.Reason
		open   bool // is readable without the sender
	}{
		"plain":               {open: true},
		"plain, with a proof": {show: proving(jkt), open: true},
		"for one request":     {change: func(l *mint.Letter) { l.Details = oneRequest }, open: true},
		"for no content": {change: func(l *mint.Letter) {
			l.Details = strings.Replace(oneRequest, `,"digest":"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"`, "", 1)
		}, open: true},
		"bound, with details whose words are others'": {change: func(l *mint.Letter) {
			l.Confirmation.Key = jkt
			l.Details = `[{"type":"payment","method":["iban"],"target":{"account":1},"digest":5},` + oneRequest[1:]
		}, show: proving(jkt), open: true},
		"for one use":               {change: func(l *mint.Letter) { l.SingleUse = true }, open: true},
		"bound":                     {change: func(l *mint.Letter) { l.Confirmation.Key = jkt }, show: proving(jkt), open: true},
		"bound, no proof":           {change: func(l *mint.Letter) { l.Confirmation.Key = jkt }, want: narrowcast.Downgrade, open: true},
		"bound, another key":        {change: func(l *mint.Letter) { l.Confirmation.Key = jkt }, show: proving(leaf), want: narrowcast.SenderMismatch, open: true},
		"certificate":               {change: func(l *mint.Letter) { l.Confirmation.Certificate = leaf }, show: narrowcast.Presentation{Certificate: leaf}, open: true},
		"certificate, none came":    {change: func(l *mint.Letter) { l.Confirmation.Certificate = leaf }, want: narrowcast.Downgrade, open: true},
		"certificate, another came": {change: func(l *mint.Letter) { l.Confirmation.Certificate = leaf }, show: narrowcast.Presentation{Certificate: jkt}, want: narrowcast.SenderMismatch, open: true},
		"another door":              {at: "https://crm.example.test", want: narrowcast.AudienceMismatch},
		"another tenant":            {change: func(l *mint.Letter) { l.Tenant = "t2" }, want: narrowcast.TenantMismatch},
		"expired":                   {late: time.Hour, want: narrowcast.Expired},
		"called back":               {dead: narrowcast.Revoked, want: narrowcast.Revoked},
		"task paused":               {dead: narrowcast.TaskPaused, want: narrowcast.TaskPaused},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			change := c.change
			if change == nil {
				change = func(*mint.Letter) {}
			}
			text := h.letter(change)
			if c.dead != 0 {
				h.dead["t1"] = c.dead
			}
			h.now = h.now.Add(c.late)
			at := narrowcast.MustAudience(pay)
			if c.at != "" {
				at = narrowcast.MustAudience(c.at)
			}
			for range 2 { // from a new verifier, and from a remembered one
				token, err := h.Read(t.Context(), text, at, c.show)
				var rej *narrowcast.Rejection
				switch {
				case c.want == 0 && (err != nil || token.ID() != "t1" || token.Fingerprint() != narrowcast.FingerprintOf(text)):
					t.Error(err)
				case c.want != 0 && (!errors.As(err, &rej) || rej.Reason != c.want || !rej.Genuine):
					t.Errorf("err = %v, want %s", err, c.want)
				}
			}
			if _, err := h.Open(t.Context(), text, at); (err == nil) != c.open {
				t.Errorf("open: %v", err)
			}
		})
	}
}

// What a letter says of its sender counts for nothing until its signature does.
func TestAForgedLetterIsNotOpened(t *testing.T) {
	h := open(t)
	h.press, _ = pair(t)
	text := h.letter(func(l *mint.Letter) { l.Confirmation.Key, l.Details = jkt, oneRequest })
	var rej *narrowcast.Rejection
	if _, err := h.Open(t.Context(), text, narrowcast.MustAudience(pay)); !errors.As(err, &rej) || rej.Reason != narrowcast.SignatureInvalid || rej.Genuine {
		t.Error(err)
	}
	for _, text := range []string{"", "x", "..", "a.b.c", "a.e30.c", strings.Repeat("x", 1<<20)} {
		if token, err := h.Open(t.Context(), text, narrowcast.MustAudience(pay)); err == nil || token != nil {
			t.Errorf("%.10q was read", text)
		}
	}
}

func TestTheZeroBoxRefuses(t *testing.T) {
	var zero letterbox.Box
	for _, b := range []*letterbox.Box{nil, &zero} {
		if _, err := b.Read(t.Context(), "x", narrowcast.MustAudience(pay), narrowcast.Presentation{}); err == nil {
			t.Error("read")
		}
	}
	_, err := letterbox.New(letterbox.Config{})
	for _, name := range []string{"Issuer", "Keys", "Algorithms", "Now", "Liveness"} {
		if err == nil || !strings.Contains(err.Error(), name+" is required") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

// More doors than are remembered are still read.
func TestManyDoors(t *testing.T) {
	h := open(t)
	for i := range 1100 {
		name := fmt.Sprintf("https://d%d.example.test", i)
		text := h.letter(func(l *mint.Letter) { l.Audience = narrowcast.MustAudience(name) })
		if _, err := h.Open(t.Context(), text, narrowcast.MustAudience(name)); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.Remembered(); n != 1024 {
		t.Errorf("%d doors are remembered", n)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("a.eyJjbmYiOnsiamt0IjoieCJ9fQ.c")
	f.Fuzz(func(t *testing.T, text string) {
		h := open(t)
		if _, err := h.Open(t.Context(), text, narrowcast.MustAudience(pay)); err == nil {
			t.Error("read")
		}
		if h.Remembered() != 0 {
			t.Error("a stranger fills the memory")
		}
	})
}
