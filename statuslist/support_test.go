package statuslist_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

const (
	base = "https://issuer.example.test/status"
	uri  = base + "/l1"
)

// house is an issuer of status lists and a clock.
type house struct {
	press   *mint.Press
	private *ecdsa.PrivateKey
	keys    narrowcast.KeySource

	mu  sync.Mutex
	now time.Time
}

func newHouse(t testing.TB) *house {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.Fixed(key)
	if err != nil {
		t.Fatal(err)
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private})
	if err != nil {
		t.Fatal(err)
	}
	return &house{
		press: press, private: private, keys: keys, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
	}
}

func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) config() statuslist.Config {
	return statuslist.Config{Keys: h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, URI: uri, Now: h.Now}
}

// letter is a list of eight places: 1 dead, 2 suspended, 3 something else.
func (h *house) letter(t testing.TB, edits ...func(*statuslist.Letter)) string {
	t.Helper()
	l := statuslist.Letter{
		URI: uri, List: listOf(t, 2, 8, []statuslist.Value{0, 1, 2, 3}), IssuedAt: h.Now(),
		Lifetime: 5 * time.Minute, TTL: 30 * time.Second, Aggregation: base,
	}
	for _, edit := range edits {
		edit(&l)
	}
	text, err := statuslist.Write(h.press, l)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sign signs anything.
func (h *house) sign(t testing.TB, header, payload string) string {
	t.Helper()
	input := jose.Join(header, payload)
	signature, err := jose.Sign(jose.ES256, h.private, input)
	if err != nil {
		t.Fatal(err)
	}
	return jose.Seal(input, signature)
}

// taken apart: the header and the payload of a token.
func apart(t testing.TB, text string) (header, payload string) {
	t.Helper()
	parts := strings.Split(text, ".")
	var both [2]string
	for i := range both {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		both[i] = string(b)
	}
	return both[0], both[1]
}

// wire is a network with documents at addresses.
type wire struct {
	mu    sync.Mutex
	pages map[string]string
	asked []string
	down  bool
}

func (w *wire) put(address, page string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pages == nil {
		w.pages = map[string]string{}
	}
	w.pages[address] = page
}

func (w *wire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.asked...)
}

// RoundTrip answers from the pages. A page that begins with "to " is a redirect.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r.URL.String())
	if w.down {
		return nil, io.ErrUnexpectedEOF
	}
	page, found := w.pages[r.URL.String()]
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page)), Request: r}
	if to, redirect := strings.CutPrefix(page, "to "); redirect {
		answer.StatusCode = http.StatusFound
		answer.Header.Set("Location", to)
	} else if !found {
		answer.StatusCode = http.StatusNotFound
	}
	return answer, nil
}
