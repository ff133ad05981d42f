package status_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// house is a house with one book, a clock and a key.
type house struct {
	mu    sync.Mutex
	now   time.Time
	asOf  time.Time // zero: now
	dead  []status.Place
	named []string
	built int

	signer statuslist.Sealer
	keys   narrowcast.KeySource
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
	return &house{now: noon, keys: keys, signer: press}
}

func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) change(f func(*house)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

func (h *house) Dead() (time.Time, iter.Seq[status.Place]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.built++
	if h.asOf.IsZero() {
		return h.now, slices.Values(slices.Clone(h.dead))
	}
	return h.asOf, slices.Values(slices.Clone(h.dead))
}

func (h *house) Lists() iter.Seq[string] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Values(slices.Clone(h.named))
}

func (h *house) DeadAt(_ context.Context, uri string, at time.Time) ([]status.Place, error) {
	if at.Before(noon.Add(-time.Hour)) {
		return nil, status.ErrUnknown
	}
	return []status.Place{{URI: uri, Index: 9, Value: statuslist.Invalid}}, nil
}

func (h *house) publisher(t testing.TB, edits ...func(*status.PublisherConfig)) *status.Publisher {
	t.Helper()
	c := status.PublisherConfig{Base: base, Source: h, Sealer: func() (statuslist.Sealer, error) { return h.signer, nil }, Now: h.Now}
	for _, edit := range edits {
		edit(&c)
	}
	p, err := status.NewPublisher(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) read(t testing.TB, d status.Document, name string) *statuslist.Token {
	t.Helper()
	token, err := statuslist.Read(t.Context(), d.Text, statuslist.Config{
		Keys: h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, URI: base + "/" + name, Now: h.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

const (
	one = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	two = "bbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestAnyReplicaServesAnyList(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one, base + "/" + two, base + "/" + one, "https://former.example.test/status/" + one, base + "/../x"}
	own := newAllocator(t)
	p := h.publisher(t, func(c *status.PublisherConfig) { c.Own = own.Lists })
	mine := own.Lists()[0]
	want := []string{mine, base + "/" + one, base + "/" + two}
	slices.Sort(want)
	if got := p.Lists(); !slices.Equal(got, want) {
		t.Errorf("lists = %v, want %v", got, want)
	}
	index, err := p.Aggregation()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := statuslist.ParseAggregation(string(index)); err != nil || !slices.Equal(got, want) {
		t.Errorf("aggregation = %s, %v", index, err)
	}
	for _, uri := range want {
		name := strings.TrimPrefix(uri, base+"/")
		if token := h.read(t, list(t, p, name), name); token.Len() != status.Places || token.TTL != 30*time.Second || token.Aggregation != base {
			t.Errorf("list %s = %+v", name, token)
		}
	}
	for _, name := range []string{"", "cccccccccccccccccccccccccc", "../" + one, strings.ToUpper(one)} {
		if _, err := p.List(name); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("list %q: %v", name, err)
		}
	}
}

func TestWhatIsDeadStandsInTheList(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one, base + "/" + two}
	h.dead = []status.Place{
		{URI: base + "/" + one, Index: 1, Value: statuslist.Invalid, Until: noon.Add(time.Minute)},
		{URI: base + "/" + one, Index: 2, Value: statuslist.Suspended},
		{URI: base + "/" + one, Index: 3, Value: statuslist.Invalid, Until: noon.Add(-time.Second)},
		{URI: base + "/" + one, Index: 4, Value: statuslist.Invalid},
		{URI: base + "/" + one, Index: 4, Value: statuslist.Suspended},
		{URI: base + "/" + one, Index: 5, Value: 7},
		{URI: base + "/" + one, Index: status.Places, Value: statuslist.Invalid},
		{URI: base + "/cccccccccccccccccccccccccc", Index: 6, Value: statuslist.Invalid},
	}
	p := h.publisher(t)
	token := h.read(t, list(t, p, one), one)
	for index, want := range []statuslist.Value{0, 1, 2, 0, 1, 1, 0} {
		if got, err := token.Status(uint64(index)); err != nil || got != want {
			t.Errorf("place %d is %d, %v, want %d", index, got, err, want)
		}
	}
	other := h.read(t, list(t, p, two), two)
	for index := range uint64(8) {
		if got, err := other.Status(index); err != nil || got != 0 {
			t.Errorf("place %d of the other list is %d, %v", index, got, err)
		}
	}
}

func TestAListIsWrittenAnewAfterHalfItsTTL(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one}
	p := h.publisher(t)
	first := list(t, p, one)
	h.change(func(h *house) {
		h.now = h.now.Add(14 * time.Second)
		h.dead = []status.Place{{URI: base + "/" + one, Index: 1, Value: statuslist.Invalid}}
	})
	if again := list(t, p, one); again.Text != first.Text || again.Fresh != 16*time.Second || h.built != 1 {
		t.Errorf("after 14 s: fresh for %s, built %d times", again.Fresh, h.built)
	}
	h.change(func(h *house) { h.now = h.now.Add(time.Second) })
	later := list(t, p, one)
	if value, err := h.read(t, later, one).Status(1); err != nil || value != statuslist.Invalid || !later.IssuedAt.Equal(h.now) {
		t.Errorf("after 15 s: %d, %v, issued at %s", value, err, later.IssuedAt)
	}
	// A list that came into being meanwhile is not waited for.
	h.change(func(h *house) { h.named = append(h.named, base+"/"+two) })
	list(t, p, two)
}

// TestAReplicaThatIsBehindSaysSo: its lists carry the instant of what it knows,
// so that a follower does not take them for newer than those of another one.
func TestAReplicaThatIsBehindSaysSo(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one}
	h.asOf = noon.Add(-time.Minute)
	p := h.publisher(t)
	if d := list(t, p, one); !d.IssuedAt.Equal(h.asOf) || d.Fresh != 0 {
		t.Errorf("issued at %s, fresh for %s", d.IssuedAt, d.Fresh)
	}
	h.change(func(h *house) { h.now = noon.Add(4 * time.Minute) })
	if _, err := p.List(one); !errors.Is(err, status.ErrBehind) {
		t.Errorf("five minutes behind: %v", err)
	}
	h.change(func(h *house) { h.asOf = h.now.Add(time.Hour) })
	h.change(func(h *house) { h.now = h.now.Add(time.Minute) })
	if d := list(t, p, one); d.IssuedAt.After(h.now) {
		t.Errorf("issued at %s, in the future", d.IssuedAt)
	}
}

func TestAListOfThePast(t *testing.T) {
	h := newHouse(t)
	if _, err := h.publisher(t).At(t.Context(), one, noon); !errors.Is(err, status.ErrNoHistory) {
		t.Errorf("without a history: %v", err)
	}
	p := h.publisher(t, func(c *status.PublisherConfig) { c.History = h })
	at := noon.Add(-time.Minute)
	d, err := p.At(t.Context(), one, at)
	if err != nil {
		t.Fatal(err)
	}
	c := statuslist.Config{Keys: h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, URI: base + "/" + one, Now: func() time.Time { return at }}
	token, err := statuslist.Read(t.Context(), d.Text, c)
	if err != nil || !token.IssuedAt.Equal(at) || !token.Expires.Equal(at.Add(time.Second)) {
		t.Fatalf("token = %+v, %v", token, err)
	}
	if value, err := token.Status(9); err != nil || value != statuslist.Invalid {
		t.Errorf("place 9 is %d, %v", value, err)
	}
	c.Now = h.Now
	if _, err := statuslist.Read(t.Context(), d.Text, c); err == nil {
		t.Error("a list of the past is taken for one of today")
	}
	for _, wrong := range []time.Time{noon.Add(time.Second), noon.Add(-2 * time.Hour)} {
		if _, err := p.At(t.Context(), one, wrong); !errors.Is(err, status.ErrUnknown) {
			t.Errorf("at %s: %v", wrong, err)
		}
	}
}

func TestPublishersAreChecked(t *testing.T) {
	_, err := status.NewPublisher(status.PublisherConfig{Base: base + "/", TTL: time.Second, Life: 48 * time.Hour, Places: -1})
	for _, word := range []string{"Base", "Source", "Sealer", "Now", "TTL", "Life", "places"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named by %v", word, err)
		}
	}
	h := newHouse(t)
	h.named = []string{base + "/" + one}
	p := h.publisher(t, func(c *status.PublisherConfig) {
		c.Sealer = func() (statuslist.Sealer, error) { return nil, errors.New("the key is away") }
	})
	if _, err := p.List(one); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("without a key: %v", err)
	}
}

func list(t testing.TB, p *status.Publisher, name string) status.Document {
	t.Helper()
	d, err := p.List(name)
	must(t, err)
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkBuild writes and signs the lists of a house in which a million tokens
// were called back.
func BenchmarkBuild(b *testing.B) {
	h := newHouse(b)
	const lists = 20
	for i := range lists {
		h.named = append(h.named, base+"/"+one[:25]+string(rune('a'+i)))
	}
	for i := range 1_000_000 {
		h.dead = append(h.dead, status.Place{URI: h.named[i%lists], Index: uint64(i / lists), Value: statuslist.Invalid})
	}
	for b.Loop() {
		p := h.publisher(b)
		for _, uri := range h.named {
			list(b, p, strings.TrimPrefix(uri, base+"/"))
		}
	}
}
