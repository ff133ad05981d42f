package statuslist_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

var _ narrowcast.Liveness = (*statuslist.Follower)(nil)

// followed makes a follower and a network on which its issuer lives.
func followed(t *testing.T, h *house, edits ...func(*statuslist.FollowerConfig)) (*statuslist.Follower, *wire) {
	t.Helper()
	w := new(wire)
	w.put(base, `{"status_lists":["`+uri+`"]}`)
	w.put(uri, h.letter(t))
	c := statuslist.FollowerConfig{
		Base: base, Keys: h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: h.Now, Client: &http.Client{Transport: w},
	}
	for _, edit := range edits {
		edit(&c)
	}
	f, err := statuslist.NewFollower(c)
	if err != nil {
		t.Fatal(err)
	}
	return f, w
}

func when(old statuslist.WhenOld) func(*statuslist.FollowerConfig) {
	return func(c *statuslist.FollowerConfig) { c.WhenOld = old }
}

func TestValuesBecomeReasons(t *testing.T) {
	h := newHouse(t)
	f, _ := followed(t, h)
	if got := f.Status(uri, 0); got != narrowcast.Stale {
		t.Errorf("before the first poll: %q", got)
	}
	poll(t, f)
	for index, want := range map[uint64]narrowcast.Reason{
		0: 0, 1: narrowcast.Revoked, 2: narrowcast.TaskPaused, 3: narrowcast.Revoked, 7: 0, 8: narrowcast.Revoked, 1 << 60: narrowcast.Revoked,
	} {
		if got := f.Status(uri, index); got != want {
			t.Errorf("place %d: %q, want %q", index, got, want)
		}
	}
	if s := f.State(); s.Lists != 1 || s.Bytes != 2 || s.Degraded || s.Polls != 1 || s.Fault != nil {
		t.Errorf("state = %+v", s)
	}
}

func TestWhatNoListTellsOf(t *testing.T) {
	h := newHouse(t)
	for mode, want := range map[statuslist.WhenOld]narrowcast.Reason{
		statuslist.Refuse: narrowcast.Stale, statuslist.UntilExpiry: narrowcast.Stale, statuslist.DangerouslyAccept: 0,
	} {
		f, w := followed(t, h, when(mode))
		poll(t, f)
		before := len(w.requests())
		for _, other := range []string{
			base + "/unknown", "https://other.example.test/status/l1", base, base + "/", base + "/l1/x", base + "/l1?x=1", base + "x/l1",
			base + "/../status/l1", base + "/.", base + "/%6c1", "http" + uri[5:], strings.ToUpper(uri), base + "/" + strings.Repeat("l", 129),
		} {
			if got := f.Status(other, 0); got != want {
				t.Errorf("mode %d, %s: %q, want %q", mode, other, got, want)
			}
		}
		if n := len(w.requests()) - before; n != 0 {
			t.Errorf("Status made %d requests", n)
		}
	}
}

func TestTokensThatNameNoList(t *testing.T) {
	h := newHouse(t)
	f, _ := followed(t, h, when(statuslist.DangerouslyAccept))
	if got := f.Status("", 0); got != narrowcast.Stale {
		t.Errorf("by default: %q", got)
	}
	f, _ = followed(t, h, func(c *statuslist.FollowerConfig) { c.DangerouslyAcceptUnlisted = true })
	if got := f.Status("", 0); got != 0 {
		t.Errorf("as told: %q", got)
	}
	var zero statuslist.Follower
	if zero.Status("", 0) != narrowcast.Stale || zero.Status(uri, 0) != narrowcast.Stale || zero.Check(nil) != narrowcast.Stale {
		t.Error("the zero follower accepts")
	}
	zero.Run(t.Context()) // returns
	if zero.Poll(t.Context()) == nil || !zero.State().Degraded || zero.State().Fault == nil {
		t.Errorf("the zero follower works: %+v", zero.State())
	}
}

func TestFailModes(t *testing.T) {
	for _, row := range []struct {
		mode                 statuslist.WhenOld
		young, old, ended    narrowcast.Reason
		dead, deadOld, after narrowcast.Reason
	}{
		{statuslist.Refuse, 0, narrowcast.Stale, narrowcast.Stale, narrowcast.Revoked, narrowcast.Revoked, narrowcast.Revoked},
		{statuslist.UntilExpiry, 0, 0, narrowcast.Stale, narrowcast.Revoked, narrowcast.Revoked, narrowcast.Revoked},
		{statuslist.DangerouslyAccept, 0, 0, 0, narrowcast.Revoked, narrowcast.Revoked, narrowcast.Revoked},
	} {
		h := newHouse(t)
		f, w := followed(t, h, when(row.mode))
		poll(t, f)
		w.cut(true)
		h.pass(30 * time.Second)
		if f.Status(uri, 0) != row.young || f.Status(uri, 1) != row.dead {
			t.Errorf("mode %d at its ttl: %q, %q", row.mode, f.Status(uri, 0), f.Status(uri, 1))
		}
		h.pass(time.Second)
		if f.Status(uri, 0) != row.old || f.Status(uri, 1) != row.deadOld || !f.State().Degraded {
			t.Errorf("mode %d past its ttl: %q, %q", row.mode, f.Status(uri, 0), f.Status(uri, 1))
		}
		h.pass(5 * time.Minute)
		if f.Status(uri, 0) != row.ended || f.Status(uri, 1) != row.after {
			t.Errorf("mode %d past its expiry: %q, %q", row.mode, f.Status(uri, 0), f.Status(uri, 1))
		}
		if err := f.Poll(t.Context()); err == nil {
			t.Error("a poll without a network has no fault")
		}
		if f.Status(uri, 0) != row.ended || row.mode == statuslist.DangerouslyAccept && f.Status(uri, 1) != narrowcast.Revoked {
			t.Errorf("mode %d after a poll in vain: %q, %q", row.mode, f.Status(uri, 0), f.Status(uri, 1))
		}
	}
}

// TestAnOldCopyBringsNothingBack: a cache on the way shows the list from before
// the revocation, signed and not expired.
func TestAnOldCopyBringsNothingBack(t *testing.T) {
	h := newHouse(t)
	old := h.letter(t, func(l *statuslist.Letter) { l.List = listOf(t, 2, 8, nil) })
	h.pass(10 * time.Second)
	f, w := followed(t, h)
	poll(t, f)
	w.put(uri, old)
	if err := f.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "older") {
		t.Errorf("the old copy: %v", err)
	}
	if got := f.Status(uri, 1); got != narrowcast.Revoked {
		t.Errorf("the revoked token: %q", got)
	}
	none := func(l *statuslist.Letter) { l.List = listOf(t, 2, 8, nil) }
	w.put(uri, h.letter(t, none)) // of the same second: nobody knows which was first
	if err := f.Poll(t.Context()); err == nil || f.Status(uri, 1) != narrowcast.Revoked {
		t.Errorf("a list of the same second with less in it: %v", err)
	}
	w.put(uri, h.letter(t, func(l *statuslist.Letter) { l.List = listOf(t, 2, 8, []statuslist.Value{1, 1, 2, 3}) }))
	if poll(t, f); f.Status(uri, 0) != narrowcast.Revoked {
		t.Error("a list of the same second with more in it does not count")
	}
	h.pass(time.Second)
	w.put(uri, h.letter(t, none)) // the control
	poll(t, f)
	if got := f.Status(uri, 1); got != 0 {
		t.Errorf("the newer list: %q", got)
	}
}

func TestNobodySendsAFollowerElsewhere(t *testing.T) {
	h := newHouse(t)
	f, w := followed(t, h)
	w.put(base, `{"status_lists":["`+uri+`","https://metadata.example.test/latest","http://127.0.0.1/x","`+base+`/../keys"]}`)
	if err := f.Poll(t.Context()); err == nil {
		t.Error("foreign addresses are no fault")
	}
	before := len(w.requests())
	w.put(base, `{"status_lists":["`+uri+`","`+uri+`","`+uri+`"]}`)
	if poll(t, f); len(w.requests()) != before+2 {
		t.Errorf("it asked for one list %d times", len(w.requests())-before-1)
	}
	w.put(base, "to https://metadata.example.test/latest")
	if err := f.Poll(t.Context()); err == nil {
		t.Error("a redirect is no fault")
	}
	for _, asked := range w.requests() {
		if asked != base && asked != uri {
			t.Errorf("it asked %s", asked)
		}
	}
	if got := f.Status(uri, 1); got != narrowcast.Revoked {
		t.Errorf("the list of the house: %q", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	h := newHouse(t)
	f, w := followed(t, h, func(c *statuslist.FollowerConfig) { c.MaxLists = 2 })
	w.put(base, `{"status_lists":["`+uri+`","`+base+`/l2","`+base+`/l3"]}`)
	for _, name := range []string{"/l2", "/l3"} {
		w.put(base+name, h.letter(t, func(l *statuslist.Letter) { l.URI = base + name }))
	}
	if err := f.Poll(t.Context()); err == nil || f.State().Lists != 2 {
		t.Errorf("%d lists, %v", f.State().Lists, err)
	}
	f, w = followed(t, h, func(c *statuslist.FollowerConfig) { c.MaxBytes = 2 })
	poll(t, f)
	w.put(uri, h.letter(t, func(l *statuslist.Letter) { l.List = listOf(t, 2, 12, nil) }))
	if err := f.Poll(t.Context()); err == nil || f.State().Bytes != 2 {
		t.Errorf("%d bytes, %v", f.State().Bytes, err)
	}
	f, w = followed(t, h)
	w.put(uri, strings.Repeat("A", statuslist.MaxToken+1))
	if err := f.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a page without an end: %v", err)
	}
}

// TestAStaticDirectory: the lists lie elsewhere, under the names of their tokens.
func TestAStaticDirectory(t *testing.T) {
	h := newHouse(t)
	const mirror = "https://cdn.example.test/lists"
	f, w := followed(t, h, func(c *statuslist.FollowerConfig) { c.Mirror, c.Aggregation = mirror, mirror+"/index.json" })
	w.put(mirror+"/index.json", `{"status_lists":["`+uri+`"]}`)
	w.put(mirror+"/l1", h.letter(t))
	poll(t, f)
	if f.Status(uri, 0) != 0 || f.Status(uri, 1) != narrowcast.Revoked {
		t.Error("the mirror was not read")
	}
	if asked := w.requests(); !slices.Equal(asked, []string{mirror + "/index.json", mirror + "/l1"}) {
		t.Errorf("it asked %v", asked)
	}
}

func TestRunPollsAndFetchesWhatTokensName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.now = time.Now().UTC().Truncate(time.Second)
		f, w := followed(t, h, func(c *statuslist.FollowerConfig) { c.Now = time.Now })
		go f.Run(t.Context())
		synctest.Wait()
		w.put(base+"/l2", h.letter(t, func(l *statuslist.Letter) { l.URI = base + "/l2" }))
		if got := f.Status(base+"/l2", 0); got != narrowcast.Stale {
			t.Errorf("a list that nobody named yet: %q", got)
		}
		synctest.Wait()
		if f.Status(base+"/l2", 0) != 0 || f.Status(base+"/l2", 1) != narrowcast.Revoked {
			t.Error("the list that a token named was not fetched")
		}
		before := len(w.requests())
		for range 1000 {
			f.Status(base+"/made-up", 0)
			synctest.Wait()
		}
		if n := len(w.requests()) - before; n > 1 {
			t.Errorf("1000 tokens of unknown lists cause %d requests in one instant", n)
		}
		time.Sleep(31 * time.Second)
		h.now = time.Now()
		if polls := f.State().Polls; polls < 4 || polls > 6 {
			t.Errorf("%d polls in one ttl", polls)
		}
	})
}

func TestFollowersAreChecked(t *testing.T) {
	_, err := statuslist.NewFollower(statuslist.FollowerConfig{WhenOld: 9, MaxLists: -1})
	for _, word := range []string{"Base", "Keys", "Algorithms", "Now", "WhenOld", "MaxLists"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not named by %v", word, err)
		}
	}
	h := newHouse(t)
	for _, address := range []string{"http://issuer.example.test/status", "ftp://x", "https://", "https://a@issuer.example.test", "https://issuer.example.test/a/../b", "https://issuer.example.test/?x", "https://issuer.example.test/#x", "https://issuer.example.test/%20"} {
		c := statuslist.FollowerConfig{Base: address, Keys: h.keys, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: h.Now}
		if _, err := statuslist.NewFollower(c); err == nil {
			t.Errorf("%s is followed", address)
		}
		c.Base, c.Aggregation = base, address
		if _, err := statuslist.NewFollower(c); err == nil {
			t.Errorf("%s names the lists", address)
		}
		for _, good := range []string{base, base + "/", "http://127.0.0.1:8080/lists", "https://issuer.example.test"} {
			c.Base, c.Aggregation = good, ""
			if _, err := statuslist.NewFollower(c); err != nil {
				t.Errorf("%s: %v", good, err)
			}
		}
	}
}

func poll(t *testing.T, f *statuslist.Follower) {
	t.Helper()
	if err := f.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestACopyThatIsOldWhenItComes: a cache on the way is as old as the issuer says,
// not as young as our receipt.
func TestACopyThatIsOldWhenItComes(t *testing.T) {
	for late, want := range map[time.Duration]narrowcast.Reason{35 * time.Second: 0, 36 * time.Second: narrowcast.Stale} {
		h := newHouse(t)
		f, _ := followed(t, h)
		h.pass(late)
		poll(t, f)
		if got := f.Status(uri, 0); got != want {
			t.Errorf("a list of %s ago: %q, want %q", late, got, want)
		}
	}
}
