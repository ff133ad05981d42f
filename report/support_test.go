package report_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/report"
)

var at = time.Unix(1_800_000_000, 0).UTC()

// issuer is the intake of an issuer in memory: idempotent, and rude when told.
type issuer struct {
	mu      sync.Mutex
	events  []event.Event // first deliveries, in order
	repeats int
	known   map[string]event.Event
	calls   int
	arrived chan struct{}
	answer  func(batch []event.Event) *http.Response // nil result: keep the batch
}

func newIssuer() *issuer {
	return &issuer{known: map[string]event.Event{}, arrived: make(chan struct{}, 1000)}
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if req.URL.Path != "/events" { // what comes here is lost
		return reply(200, `{"kept":0}`), nil
	}
	var batch []event.Event
	if err := event.Read(bytes.NewReader(body), func(e event.Event) error { batch = append(batch, e); return nil }); err != nil {
		return nil, err
	}
	if i.answer != nil {
		if res := i.answer(batch); res != nil {
			return res, nil
		}
	}
	for _, e := range batch {
		if _, again := i.known[e.ID]; again {
			i.repeats++
			continue
		}
		i.known[e.ID] = e
		i.events = append(i.events, e)
	}
	select {
	case i.arrived <- struct{}{}:
	default:
	}
	return reply(200, `{"kept":`+strconv.Itoa(len(batch))+`}`), nil
}

func (i *issuer) behave(answer func([]event.Event) *http.Response) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

func (i *issuer) got() []event.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]event.Event(nil), i.events...)
}

func (i *issuer) attempts() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls
}

func down([]event.Event) *http.Response { return reply(503, "") }

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func open(t testing.TB, dir string, i *issuer, change func(*report.Config)) *report.Reporter {
	t.Helper()
	c := report.Config{
		Dir: dir, URL: "https://issuer.example.test/events",
		Client: &http.Client{Transport: i}, Now: func() time.Time { return at },
	}
	if change != nil {
		change(&c)
	}
	r, err := report.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func rejection(id string) event.Event {
	return event.Event{ID: id, Type: event.OffTarget, Time: at, Writer: "guard-1", Sequence: 1,
		Reason: narrowcast.AudienceMismatch, Genuine: true, Expected: "https://pay.example.test"}
}

func presentation(id string) event.Event {
	return event.Event{ID: id, Type: event.Presented, Time: at, Writer: "guard-1", Sequence: 1, Genuine: true,
		Fold: &event.Fold{Count: 3, First: at, Last: at}}
}

func ids(events []event.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.ID)
	}
	return all
}

func name(n int) string { return fmt.Sprintf("event-%05d", n) }

// inOrder checks that events are name(0) … name(n-1) with numbers from 1.
func inOrder(t *testing.T, events []event.Event, n int) {
	t.Helper()
	if len(events) != n {
		t.Fatalf("%d events arrived, want %d", len(events), n)
	}
	for i, e := range events {
		if e.ID != name(i) || e.Sequence != uint64(i+1) {
			t.Fatalf("event %d is %s with number %d", i, e.ID, e.Sequence)
		}
	}
}
