package report_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/report"
)

func TestEventsArriveInOrder(t *testing.T) {
	i := newIssuer()
	r := open(t, t.TempDir(), i, nil)
	for n := range 1500 {
		r.Record(rejection(name(n)))
	}
	if s := r.State(); s.Spooled != 1500 || s.SpooledBytes == 0 {
		t.Errorf("before: %+v", s)
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, i.got(), 1500)
	if s := r.State(); s.Spooled != 0 || s.Delivered != 1500 || !s.LastSuccess.Equal(at) || s.Lag != 0 || s.Dropped != 0 {
		t.Errorf("after: %+v", s)
	}
}

func TestRejectionsAreSentAtOnceAndFoldsMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer()
		r := open(t, t.TempDir(), i, func(c *report.Config) { c.Now = time.Now })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait() // what an earlier process left is sent without waiting
		begin := time.Now()
		r.Record(presentation("fold"))
		synctest.Wait()
		if got := ids(i.got()); got != nil {
			t.Errorf("a fold did not wait: %v", got)
		}
		r.Record(rejection("urgent"))
		<-i.arrived
		if waited := time.Since(begin); waited > 100*time.Millisecond {
			t.Errorf("the rejection left after %s", waited)
		}
		if got := ids(i.got()); !slices.Equal(got, []string{"fold", "urgent"}) {
			t.Errorf("arrived: %v", got)
		}
		synctest.Wait()
		begin = time.Now()
		r.Record(presentation("later"))
		<-i.arrived
		if waited := time.Since(begin); waited < report.DefaultLinger || waited > 2*report.DefaultLinger {
			t.Errorf("the fold left after %s", waited)
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestTheIssuerIsAwayAndComesBack(t *testing.T) {
	for status, answer := range map[string]func([]event.Event) *http.Response{
		"503":        down,
		"401":        func([]event.Event) *http.Response { return reply(401, "") },
		"403":        func([]event.Event) *http.Response { return reply(403, "") },
		"404":        func([]event.Event) *http.Response { return reply(404, "") },
		"302":        elsewhere,
		"no count":   func([]event.Event) *http.Response { return reply(200, "{}") },
		"no receipt": func([]event.Event) *http.Response { return reply(200, "<html>log in first</html>") },
	} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer()
				i.behave(answer)
				r := open(t, t.TempDir(), i, func(c *report.Config) { c.Now = time.Now })
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx) }()
				for n := range 20 {
					e := rejection(name(n))
					e.Time = time.Now()
					r.Record(e)
				}
				time.Sleep(10 * time.Minute)
				if s := r.State(); s.Spooled != 20 || s.Lag < 10*time.Minute || s.LastError == "" || s.Refused != 0 {
					t.Errorf("while away: %+v", s)
				}
				if n := i.attempts(); n > 30 {
					t.Errorf("%d attempts in ten minutes", n)
				}
				i.behave(nil)
				time.Sleep(2 * time.Minute)
				inOrder(t, i.got(), 20)
				if s := r.State(); s.Spooled != 0 || s.LastError != "" {
					t.Errorf("after: %+v", s)
				}
				stop()
				<-ended
			})
		})
	}
}

// elsewhere sends the caller to another path, which would keep the events.
func elsewhere([]event.Event) *http.Response {
	res := reply(307, "")
	res.Header.Set("Location", "https://crm.example.test/elsewhere")
	return res
}

func TestRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer()
		i.behave(func([]event.Event) *http.Response {
			res := reply(429, "")
			res.Header.Set("Retry-After", "120")
			return res
		})
		r := open(t, t.TempDir(), i, func(c *report.Config) { c.Now = time.Now })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		r.Record(rejection(name(0)))
		go func() { ended <- r.Run(ctx) }()
		time.Sleep(110 * time.Second)
		if n := i.attempts(); n != 1 {
			t.Errorf("%d attempts before the time", n)
		}
		i.behave(nil)
		time.Sleep(20 * time.Second)
		inOrder(t, i.got(), 1)
		stop()
		<-ended
	})
}

func TestABadEventIsPutAsideAndTheRestGoesOn(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	bad := func(e event.Event) bool { return e.ID == name(7) || e.ID == name(90) }
	i.behave(func(batch []event.Event) *http.Response {
		if slices.ContainsFunc(batch, bad) {
			return reply(400, `{"error":"invalid_request"}`)
		}
		return nil
	})
	r := open(t, dir, i, nil)
	for n := range 100 {
		r.Record(rejection(name(n)))
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := i.got(); len(got) != 98 || slices.ContainsFunc(got, bad) || !slices.IsSorted(ids(got)) {
		t.Errorf("arrived: %v", ids(got))
	}
	if n := i.attempts(); n > 40 {
		t.Errorf("%d attempts to find two events among a hundred", n)
	}
	if s := r.State(); s.Refused != 2 || s.Spooled != 0 || s.Dropped != 0 {
		t.Errorf("state: %+v", s)
	}
	f, err := os.Open(filepath.Join(dir, "refused.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var parked []string
	if err := event.Read(f, func(e event.Event) error { parked = append(parked, e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(parked, []string{name(7), name(90)}) {
		t.Errorf("parked: %v", parked)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	i.behave(func([]event.Event) *http.Response { return reply(422, "") })
	r := open(t, dir, i, nil)
	for n := range 300 {
		e := rejection(name(n))
		e.Detail = strings.Repeat("x", 8000)
		r.Record(e)
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "refused.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 1<<20 || info.Size() < 900<<10 || r.State().Refused != 300 {
		t.Errorf("%d bytes are parked of %d events", info.Size(), r.State().Refused)
	}
}

func TestConfigNamesAllFaults(t *testing.T) {
	_, err := report.Open(report.Config{MaxBytes: 1, Linger: -1})
	for _, want := range []string{"Dir is required", "URL", "Client is required", "Now is required", "MaxBytes", "Linger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	for url, good := range map[string]bool{
		"https://issuer.example.test/events":        true,
		"http://127.0.0.1:8080/events":              true,
		"http://[::1]/events":                       true,
		"http://issuer.example.test/events":         false,
		"https://user:pw@issuer.example.test/":      false,
		"https://issuer.example.test/events?a=b":    false,
		"ftp://issuer.example.test/":                false,
		"http://127.0.0.1.issuer.example.test/list": false,
	} {
		r, err := report.Open(report.Config{Dir: t.TempDir(), URL: url, Client: http.DefaultClient, Now: time.Now})
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
		if err == nil {
			r.Close()
		}
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	i := newIssuer()
	r := open(t, t.TempDir(), i, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	written := make(chan struct{})
	for w := range 8 {
		go func() {
			for n := range 200 {
				e := rejection(name(w*200 + n))
				e.Writer = "guard-" + string(rune('a'+w))
				r.Record(e)
				r.State()
			}
			written <- struct{}{}
		}()
	}
	for range 8 {
		<-written
	}
	stop()
	<-ended
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := map[string]uint64{}
	for _, e := range i.got() {
		if last[e.Writer]++; e.Sequence != last[e.Writer] {
			t.Fatalf("%s: number %d after %d", e.Writer, e.Sequence, last[e.Writer]-1)
		}
	}
	if n := len(i.got()); n != 1600 {
		t.Errorf("%d events arrived", n)
	}
}
