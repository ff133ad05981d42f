package narrowcast_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

func newCachedDoor(t testing.TB, change ...func(*narrowcast.Config)) *door {
	t.Helper()
	return newDoor(t, append(change, func(c *narrowcast.Config) { c.Cache = 100 })...)
}

// TestCacheSkipsOnlyTheSignature: on every use of a remembered token the key
// source is left alone and all else is judged again.
func TestCacheSkipsOnlyTheSignature(t *testing.T) {
	live := &liveness{}
	for _, test := range []struct {
		name    string
		payload string
		good    narrowcast.Presentation
		bad     narrowcast.Presentation
		spoil   func(*door)
		want    narrowcast.Reason
	}{
		{name: "expiry", spoil: func(d *door) { d.clock.now = at.Add(305 * time.Second) }, want: narrowcast.Expired},
		{name: "clock set back", spoil: func(d *door) { d.clock.now = at.Add(-time.Minute) }, want: narrowcast.NotYetValid},
		{name: "revocation", spoil: func(*door) { live.says = narrowcast.Revoked }, want: narrowcast.Revoked},
		{name: "end of the task", spoil: func(*door) { live.says = narrowcast.TaskEnded }, want: narrowcast.TaskEnded},
		{name: "pause of the task", spoil: func(*door) { live.says = narrowcast.TaskPaused }, want: narrowcast.TaskPaused},
		{name: "request", payload: with(right, describing(`"GET"`, `"/charges"`, "")), good: narrowcast.Presentation{Request: asked("GET", "/charges", "")},
			bad: narrowcast.Presentation{Request: asked("GET", "/refunds", "")}, want: narrowcast.TxnMismatch},
		{name: "no request", payload: with(right, describing(`"GET"`, `"/charges"`, "")), good: narrowcast.Presentation{Request: asked("GET", "/charges", "")}, want: narrowcast.TxnMismatch},
		{name: "stale knowledge", spoil: func(*door) { live.says = narrowcast.Stale }, want: narrowcast.Stale},
		{name: "scope", bad: narrowcast.Presentation{Need: narrowcast.MustScope("audit")}, want: narrowcast.InsufficientScope},
		{name: "sender", payload: with(right, `"cnf":{"x5t#S256":"abc"}`), good: narrowcast.Presentation{Certificate: "abc"},
			bad: narrowcast.Presentation{Certificate: "abd"}, want: narrowcast.SenderMismatch},
		{name: "downgrade", payload: with(right, `"cnf":{"x5t#S256":"abc"}`), good: narrowcast.Presentation{Certificate: "abc"}, want: narrowcast.Downgrade},
	} {
		t.Run(test.name, func(t *testing.T) {
			live.says = 0
			d := newCachedDoor(t, func(c *narrowcast.Config) { c.Liveness = live; c.CacheFor = time.Hour })
			payload := test.payload
			if payload == "" {
				payload = right
			}
			text := d.pen.sign(t, goodHead, payload)
			first := mustAccept(t, d.Verifier, text, test.good)
			if again := mustAccept(t, d.Verifier, text, test.good); again != first || d.keys.asked != 1 {
				t.Fatalf("the token was not remembered: the key source was asked %d times", d.keys.asked)
			}
			if test.spoil != nil {
				test.spoil(d)
			}
			rej := mustRefuse(t, d.Verifier, text, test.bad, test.want)
			if !rej.Genuine || d.keys.asked != 1 {
				t.Errorf("genuine %t, key source asked %d times", rej.Genuine, d.keys.asked)
			}
		})
	}
}

// TestCacheForgets bounds how long the removal of a key goes unnoticed.
func TestCacheForgets(t *testing.T) {
	d := newCachedDoor(t)
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	delete(d.keys.keys, "k1")
	d.clock.now = at.Add(narrowcast.DefaultCacheFor - time.Nanosecond)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	d.clock.now = at.Add(narrowcast.DefaultCacheFor)
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.KeyUnknown)
}

// TestCacheKnowsWhenAKeyEnds: the window of the key counts on a hit too.
func TestCacheKnowsWhenAKeyEnds(t *testing.T) {
	d := newCachedDoor(t)
	d.keys.keys["k1"] = d.pen.public(t, func(c *narrowcast.KeyConfig) { c.NotAfter = at.Add(10 * time.Second) })
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	d.clock.now = at.Add(10 * time.Second)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	d.clock.now = at.Add(11 * time.Second)
	mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.KeyWindow)
}

func TestCacheNeverRemembersARefusal(t *testing.T) {
	d := newCachedDoor(t)
	for name, text := range map[string]string{
		"foreign": d.pen.sign(t, goodHead, swap(t, right, pay, crm)),
		"forged":  newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, right),
	} {
		for range 2 {
			before := d.keys.asked
			if token, err := d.Verify(t.Context(), text, narrowcast.Presentation{}); err == nil {
				t.Errorf("%s: accepted %v", name, token)
			}
			if d.keys.asked != before+1 {
				t.Errorf("%s: the refusal came from memory", name)
			}
		}
	}
}

// TestCacheComparesTheWholeText: a token that differs in the signature alone is
// another token.
func TestCacheComparesTheWholeText(t *testing.T) {
	d := newCachedDoor(t)
	text := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	forged := newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, right)
	mustRefuse(t, d.Verifier, forged, narrowcast.Presentation{}, narrowcast.SignatureInvalid)
	mustRefuse(t, d.Verifier, text[:len(text)-1], narrowcast.Presentation{}, narrowcast.Malformed)
}

func TestCacheStaysSmallAndRight(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Cache = 16 })
	var texts []string
	for i := range 100 {
		texts = append(texts, d.pen.sign(t, goodHead, swap(t, right, `"t-1"`, fmt.Sprintf(`"t-%d"`, i))))
	}
	for range 2 {
		for i, text := range texts {
			if token := mustAccept(t, d.Verifier, text, narrowcast.Presentation{}); token.ID() != narrowcast.TokenID(fmt.Sprintf("t-%d", i)) {
				t.Errorf("token %d came back as %s", i, token.ID())
			}
		}
	}
	if d.keys.asked < 184 { // the second round finds at most the 16 that fit
		t.Errorf("200 uses asked the key source only %d times: more than 16 tokens are remembered", d.keys.asked)
	}
}

func TestCacheHitAllocatesNothing(t *testing.T) {
	d := newCachedDoor(t)
	text, p := d.pen.sign(t, goodHead, right), narrowcast.Presentation{Need: narrowcast.MustScope("charge")}
	mustAccept(t, d.Verifier, text, p)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Verify(ctx, text, p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a hit makes %v allocations", n)
	}
}

func TestCacheServesManyCallers(t *testing.T) {
	d := newCachedDoor(t)
	good, bad := d.pen.sign(t, goodHead, right), d.pen.sign(t, goodHead, swap(t, right, pay, crm))
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 50 {
				if _, err := d.Verify(t.Context(), good, narrowcast.Presentation{}); err != nil {
					t.Error(err)
				}
				if _, err := d.Verify(t.Context(), bad, narrowcast.Presentation{}); err == nil {
					t.Error("the wrong token was accepted")
				}
			}
		})
	}
	callers.Wait()
}
