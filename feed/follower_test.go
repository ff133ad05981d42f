package feed_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
)

// lenient is an At of now that accepts when stale.
func lenient(position uint64) feed.At {
	a := at(position, time.Now())
	a.WhenStale = feed.Accept
	return a
}

func TestAFollowerAnswersByWhatItHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		f, end := follow(t, o, nil)
		defer end()
		one, two := tokenWith(t, "one"), tokenWith(t, "two")
		foreign := tokenOf(t, map[string]any{"jti": "one", "iss": other})
		expect(t, f, one, narrowcast.Stale)
		expect(t, f, foreign, 0)
		c := o.next(t)
		if c.req.URL.String() != issuer+"/feed?resource=https%3A%2F%2Fpay.example.test" || c.req.Header.Get("Last-Event-ID") != "" {
			t.Errorf("%s, %v", c.req.URL, c.req.Header)
		}
		changed := f.Changed()
		c.send(feed.Reset{Position: 7}, revoked(3, "one", soon(time.Now())))
		expect(t, f, one, narrowcast.Stale) // not before the At
		if closed(changed) {
			t.Error("changed in the middle of a reset")
		}
		c.send(at(7, time.Now()))
		expect(t, f, one, narrowcast.Revoked)
		expect(t, f, two, 0)
		expect(t, f, foreign, 0)
		if s := f.State(); !closed(changed) || s.Position != 7 || !s.Connected || s.Stale || s.Entries[feed.Token] != 1 {
			t.Errorf("%+v", s)
		}
		changed = f.Changed()
		c.send(at(8, time.Now()))
		if closed(changed) {
			t.Error("a mere position changed something")
		}
		c.send(revoked(9, "two", soon(time.Now())))
		expect(t, f, two, narrowcast.Revoked) // at once
		if closed(changed) || f.State().Position != 8 {
			t.Error("the position moved before the At")
		}
		c.hangUp() // in between
		c = o.next(t)
		if c.req.Header.Get("Last-Event-ID") != "8" {
			t.Errorf("resumes at %q", c.req.Header.Get("Last-Event-ID"))
		}
		c.send(revoked(9, "two", soon(time.Now())), at(9, time.Now())) // again
		if !closed(changed) || f.Feed().Position != 9 || f.Feed().WhenStale != "refuse" || f.Feed().Degraded {
			t.Errorf("%+v", f.Feed())
		}
	})
}

func TestAResetInTheMiddleCountsWhenItIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		f, end := follow(t, o, nil)
		defer end()
		one, two := tokenWith(t, "one"), tokenWith(t, "two")
		c := o.next(t)
		c.send(feed.Reset{Position: 1}, revoked(1, "one", soon(time.Now())), at(1, time.Now()))
		c.send(feed.Reset{Position: 5}, revoked(4, "two", soon(time.Now())))
		expect(t, f, one, narrowcast.Revoked)
		expect(t, f, two, 0)
		c.hangUp()
		c = o.next(t)
		expect(t, f, two, 0) // half a reset is none
		c.send(feed.Reset{Position: 5}, revoked(4, "two", soon(time.Now())), at(5, time.Now()))
		expect(t, f, one, 0)
		expect(t, f, two, narrowcast.Revoked)
	})
}

// TestABookThatWentBackBringsNobodyToLife: neither by an At nor by a Reset.
func TestABookThatWentBackBringsNobodyToLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, notices := newOffice(), &said{}
		f, end := follow(t, o, func(c *feed.Config) { c.Notice = notices.notice })
		defer end()
		one, task := tokenWith(t, "one"), tokenOf(t, map[string]any{"jti": "in-task", "task": "job"})
		c := o.next(t)
		paused := feed.Entry{Number: 2, Kind: feed.Task, ID: "job", State: feed.Paused, Until: soon(time.Now())}
		c.send(feed.Reset{Position: 9}, revoked(1, "one", soon(time.Now())), paused, at(9, time.Now()))
		expect(t, f, task, narrowcast.TaskPaused)
		c.send(at(8, time.Now()))
		c = o.next(t)
		if f.State().Position != 9 || c.req.Header.Get("Last-Event-ID") != "" {
			t.Errorf("position %d, resumes at %q", f.State().Position, c.req.Header.Get("Last-Event-ID"))
		}
		before := notices.len()
		c.send(feed.Reset{Position: 4}, at(4, time.Now()))
		if f.State().Position != 4 || notices.len() != before+1 {
			t.Errorf("position %d, %d notices", f.State().Position, notices.len()-before)
		}
		expect(t, f, one, narrowcast.Revoked)
		expect(t, f, task, 0) // a pause may end
	})
}

func TestWhatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		f, end := follow(t, o, nil)
		defer end()
		one, good := tokenWith(t, "one"), tokenWith(t, "good")
		c := o.next(t)
		c.send(feed.Reset{Position: 1}, revoked(1, "one", soon(time.Now())), at(1, time.Now()))
		o.answer(503, nil)
		time.Sleep(10 * time.Second) // the silent connection is cut, and the others fail
		expect(t, f, good, 0)
		time.Sleep(time.Nanosecond)
		expect(t, f, good, narrowcast.Stale)
		expect(t, f, one, narrowcast.Revoked)
		if s := f.State(); s.Connected || !s.Stale || s.Failures < 3 || !strings.Contains(s.LastError, "503") || s.Accepted != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestASilentConnectionIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice()
		f, end := follow(t, o, nil)
		defer end()
		c := o.next(t)
		c.send(feed.Reset{Position: 1}, at(1, time.Now()))
		for range 20 { // control
			time.Sleep(feed.Heartbeat)
			c.send(at(1, time.Now()))
		}
		if s := f.State(); !s.Connected || s.Connects != 1 {
			t.Fatalf("%+v", s)
		}
		for range 29 { // drips that never make a message
			time.Sleep(feed.Heartbeat / 10)
			c.write(":\n")
		}
		if !f.State().Connected {
			t.Error("cut too early")
		}
		time.Sleep(feed.Heartbeat / 5)
		synctest.Wait()
		if s := f.State(); s.Connected || !strings.Contains(s.LastError, "silent") {
			t.Errorf("%+v", s)
		}
	})
}

// TestAgeIsByBothClocks: of what arrives late, and of an issuer whose clock is wrong.
func TestAgeIsByBothClocks(t *testing.T) {
	for name, c := range map[string]struct {
		asOf time.Duration
		want narrowcast.Reason
	}{
		"now": {0, 0}, "a little behind": {-14 * time.Second, 0}, "late": {-16 * time.Second, narrowcast.Stale},
		"hours old": {-5 * time.Hour, narrowcast.Stale}, "hours ahead": {5 * time.Hour, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice()
			f, end := follow(t, o, nil)
			defer end()
			good := tokenWith(t, "good")
			o.next(t).send(feed.Reset{Position: 1}, at(1, time.Now().Add(c.asOf)))
			if got := f.Check(good); got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
			o.answer(503, nil)
			time.Sleep(11 * time.Second) // a clock that is ahead prolongs nothing
			expect(t, f, good, narrowcast.Stale)
		})
	}
}

func TestTheStricterOneCounts(t *testing.T) {
	for name, c := range map[string]struct {
		local, sent feed.WhenStale
		limit       time.Duration
		before      narrowcast.Reason // any state
		after       narrowcast.Reason // when it is stale
	}{
		"nothing said, refuse": {"", feed.Refuse, 0, narrowcast.Stale, narrowcast.Stale},
		"nothing said, accept": {"", feed.Accept, 0, narrowcast.Stale, 0},
		"refuse, accept":       {feed.Refuse, feed.Accept, 0, narrowcast.Stale, narrowcast.Stale},
		"accept, refuse":       {feed.Accept, feed.Refuse, 0, 0, narrowcast.Stale},
		"accept, accept":       {feed.Accept, feed.Accept, 3 * time.Second, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice()
			f, end := follow(t, o, func(f *feed.Config) { f.WhenStale, f.StaleAfter = c.local, c.limit })
			defer end()
			good, dead := tokenWith(t, "good"), tokenWith(t, "dead")
			if got := f.Check(good); got != c.before {
				t.Errorf("%s: %d before any state", name, got)
			}
			if f.Degraded(good) != (c.before == 0) || f.State().Accepted > 0 != (c.before == 0) {
				t.Errorf("%s: %+v", name, f.State())
			}
			sent := at(1, time.Now())
			sent.WhenStale = c.sent
			o.next(t).send(feed.Reset{Position: 1}, revoked(1, "dead", soon(time.Now())), sent)
			o.answer(503, nil)
			expect(t, f, good, 0)
			if f.Degraded(good) {
				t.Errorf("%s: degraded while it is fresh", name)
			}
			wait := 10 * time.Second
			if c.limit != 0 {
				wait = c.limit
			}
			time.Sleep(wait + 1)
			if got := f.Check(good); got != c.after || f.Degraded(good) != (c.after == 0) || f.Feed().Degraded != (c.after == 0) {
				t.Errorf("%s: %d when stale, %+v", name, got, f.Feed())
			}
			expect(t, f, dead, narrowcast.Revoked)
		})
	}
}

// TestAnIssuerThatMisbehaves: none of it counts, and the next connection mends it.
func TestAnIssuerThatMisbehaves(t *testing.T) {
	entry, _ := revoked(2, "two", noon.Add(1000000*time.Hour)).Append(nil)
	for name, text := range map[string]string{
		"giant line":      "data: " + strings.Repeat("x", 1<<20),
		"giant message":   strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 100),
		"endless comment": strings.Repeat(":"+strings.Repeat("x", 1000)+"\n", 100),
		"cut":             string(entry[:len(entry)-1]),
		"odd kind":        "event: entry\ndata: {\"n\":3,\"kind\":\"colour\",\"id\":\"two\",\"state\":\"revoked\",\"until\":\"2030-01-01T00:00:00Z\"}\n\n",
		"no JSON":         "event: entry\ndata: {\n\n",
		"at without id":   "event: at\ndata: {\"position\":9,\"as_of\":\"2030-01-01T00:00:00Z\",\"stale_after\":10,\"when_stale\":\"refuse\"}\n\n",
		"at of nobody":    "id: 9\nevent: at\ndata: {\"position\":9,\"as_of\":\"2030-01-01T00:00:00Z\",\"stale_after\":10,\"when_stale\":\"perhaps\"}\n\n",
		"reset of none":   "event: reset\ndata: {}\n\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice()
			f, end := follow(t, o, nil)
			defer end()
			one, two := tokenWith(t, "one"), tokenWith(t, "two")
			c := o.next(t)
			c.send(feed.Reset{Position: 1}, revoked(1, "one", soon(time.Now())), at(1, time.Now()))
			c.write(text)
			c.hangUp()
			if s := f.State(); s.Connected || s.Position != 1 || s.LastError == "" {
				t.Errorf("%s: %+v", name, s)
			}
			expect(t, f, one, narrowcast.Revoked)
			expect(t, f, two, 0)
			c = o.next(t)
			c.send(revoked(2, "two", soon(time.Now())), at(2, time.Now()))
			expect(t, f, two, narrowcast.Revoked)
			if !f.State().Connected {
				t.Errorf("%s: not connected again", name)
			}
		})
	}
}

func TestAnswersThatAreNoStream(t *testing.T) {
	for _, status := range []int{204, 301, 401, 403, 404, 429, 503} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice()
			o.answer(status, http.Header{"Retry-After": {"20"}, "Location": {"https://evil.example.test/?secret"}})
			f, end := follow(t, o, nil)
			defer end()
			began := time.Now()
			o.next(t)
			synctest.Wait()
			if s := f.State(); s.Known || s.Failures != 1 || s.LastError == "" || strings.Contains(s.LastError, "secret") {
				t.Errorf("%d: %+v", status, s)
			}
			o.answer(0, nil)
			c := o.next(t)
			if waited := time.Since(began); waited < 20*time.Second || waited > 31*time.Second {
				t.Errorf("%d: came back after %s", status, waited)
			}
			c.send(feed.Reset{Position: 1}, at(1, time.Now()))
			if !f.State().Connected {
				t.Errorf("%d: never connected", status)
			}
		})
	}
}

func TestConfigTellsEveryFault(t *testing.T) {
	_, err := feed.New(feed.Config{URL: "http://issuer.example.test/feed", StaleAfter: time.Second, WhenStale: "maybe"})
	for _, want := range []string{"Issuer", "Audience", "URL", "Client", "Now", "StaleAfter", "WhenStale"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not among %v", want, err)
		}
	}
	var zero feed.Follower
	if zero.Check(tokenWith(t, "x")) != narrowcast.Stale || zero.Run(t.Context()) == nil || !zero.State().Stale {
		t.Error("the zero follower takes part")
	}
}

// TestARestartWhileTheIssuerIsAway still refuses what was revoked, within the age
// that the file says.
func TestARestartWhileTheIssuerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "feed")
		with := func(c *feed.Config) { c.File = file }
		o := newOffice()
		_, end := follow(t, o, with)
		party := feed.Entry{Number: 3, Kind: feed.Party, ID: "bot", State: feed.Revoked, Before: soon(time.Now()).Add(100 * 365 * 24 * time.Hour), Until: soon(time.Now())}
		c := o.next(t)
		c.send(feed.Reset{Position: 5}, revoked(1, "one", soon(time.Now())), party, lenient(5))
		c.send(revoked(6, "two", soon(time.Now())), lenient(6))
		c.send(revoked(7, "three", soon(time.Now()))) // no At any more
		c.send(lenient(7))
		end()
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		time.Sleep(5 * time.Second)
		away := newOffice()
		away.answer(503, nil)
		f, end := follow(t, away, with)
		defer end()
		for _, jti := range []string{"one", "two", "three"} {
			expect(t, f, tokenWith(t, jti), narrowcast.Revoked)
		}
		expect(t, f, tokenOf(t, map[string]any{"jti": "x", "client_id": "bot"}), narrowcast.Revoked)
		expect(t, f, tokenWith(t, "good"), 0)
		if s := f.State(); s.Position != 7 || s.Age != 5*time.Second || s.Stale || f.Degraded(tokenWith(t, "good")) {
			t.Errorf("%+v", s)
		}
		time.Sleep(6 * time.Second)
		if s := f.State(); !s.Stale || !f.Degraded(tokenWith(t, "good")) {
			t.Errorf("%+v", s)
		}
		if c := away.next(t); c.req.Header.Get("Last-Event-ID") != "7" {
			t.Errorf("resumes at %q", c.req.Header.Get("Last-Event-ID"))
		}
	})
}

// TestADamagedFile counts as none when it is damaged from the beginning, and as far
// as it can be read otherwise. Both are told.
func TestADamagedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "feed")
		o := newOffice()
		_, end := follow(t, o, func(c *feed.Config) { c.File = file })
		c := o.next(t)
		c.send(feed.Reset{Position: 5}, revoked(1, "one", soon(time.Now())), at(5, time.Now()))
		begin, _ := os.ReadFile(file)
		c.send(revoked(6, "two", soon(time.Now())), at(6, time.Now()))
		end()
		whole, err := os.ReadFile(file)
		if err != nil || len(whole) <= len(begin) {
			t.Fatal(len(whole), err)
		}
		one := tokenWith(t, "one")
		try := func(content []byte, audience string) (narrowcast.Reason, uint64, int) {
			notices := &said{}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := feed.New(feed.Config{
				Issuer: narrowcast.MustIssuer(issuer), Audience: narrowcast.MustAudience(audience), URL: issuer + "/feed",
				Client: &http.Client{Transport: o}, Now: time.Now, File: file, Notice: notices.notice,
			})
			if err != nil {
				t.Fatal(err)
			}
			return f.Check(one), f.State().Position, notices.len()
		}
		if r, position, n := try(whole, pay); r != narrowcast.Revoked || position != 6 || n != 0 {
			t.Fatalf("control: %d, %d, %d", r, position, n)
		}
		if r, _, n := try(whole, crm); r != narrowcast.Stale || n != 1 {
			t.Errorf("of another audience: %d, %d notices", r, n)
		}
		for i := range whole {
			flipped := append([]byte(nil), whole...)
			flipped[i] ^= 0x10
			for _, content := range [][]byte{flipped, whole[:i]} {
				r, position, n := try(content, pay)
				if inTail := i >= len(begin); inTail && len(content) == len(begin) {
					continue // it ends where the first commit does
				} else if inTail != (r == narrowcast.Revoked) || inTail != (position == 5) || n != 1 {
					t.Fatalf("byte %d of %d: %d, position %d, %d notices", i, len(whole), r, position, n)
				}
			}
		}
	})
}
