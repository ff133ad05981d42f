package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// likeTheModel does the same random things to a driver and to Memory and wants
// the same answers.
func likeTheModel(fresh func(t *testing.T) Ground) func(t *testing.T, b *bench) {
	return func(t *testing.T, _ *bench) {
		rapid.Check(t, func(r *rapid.T) {
			p := pair{clock: NewClock(dayOne), ground: fresh(t)}
			p.model = NewMemory(p.clock.Now)
			p.open(r)
			defer func() { _ = p.driver.Close() }()
			r.Repeat(map[string]func(*rapid.T){
				"append":    p.append,
				"keep":      p.keepTask,
				"renew":     p.renew,
				"drop":      p.drop,
				"tasks":     p.findTasks,
				"appendAll": p.appendAll,
				"find":      p.find,
				"check":     p.check,
				"save":      p.save,
				"at":        p.at,
				"wait":      func(r *rapid.T) { p.clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(r, "s")) * time.Second) },
				"reopen":    p.reopen,
			})
		})
	}
}

// pair are a driver and its model.
type pair struct {
	clock  *Clock
	ground Ground
	driver store.Store
	model  store.Store
}

func (p *pair) open(r *rapid.T) {
	var err error
	if p.driver, err = p.ground.Open(p.clock.Now); err != nil {
		r.Fatalf("opening: %v", err)
	}
}

func (p *pair) reopen(r *rapid.T) {
	if err := p.driver.Close(); err != nil {
		r.Fatalf("closing: %v", err)
	}
	p.open(r)
}

// few draws one of a handful of words, so that the draws meet.
func few(r *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "a", "b", "c", "ü", "="}).Draw(r, label)
}

func someTime(r *rapid.T, label string) time.Time {
	return dayOne.Add(time.Duration(rapid.IntRange(-3, 3).Draw(r, label)))
}

func someType(r *rapid.T) event.Type {
	return rapid.SampledFrom([]event.Type{event.Issued, event.Rejected, event.OffTarget}).Draw(r, "type")
}

func (p *pair) event(r *rapid.T) event.Event {
	e := event.Event{
		ID: rapid.StringMatching("[a-c]{1,2}").Draw(r, "id"), Writer: few(r, "writer"), Type: someType(r),
		Time: someTime(r, "time"), Decision: few(r, "decision"), Expected: few(r, "expected"), Detail: rapid.String().Draw(r, "detail"),
	}
	if rapid.Bool().Draw(r, "with token") {
		e.Token = &event.Token{ID: few(r, "jti"), Lineage: few(r, "lineage"), Task: few(r, "token task")}
		if f := few(r, "fingerprint"); f != "" {
			e.Token.Fingerprint = fingerprint(f)
		}
	}
	if rapid.Bool().Draw(r, "with task") {
		e.Task = &event.Task{ID: few(r, "event task")}
	}
	if rapid.Bool().Draw(r, "with verifier") {
		e.Verifier = &event.Verifier{Audience: few(r, "verifier")}
	}
	return e
}

func (p *pair) append(r *rapid.T) {
	e := entry(p.event(r))
	for range rapid.IntRange(0, 2).Draw(r, "once") {
		e.Once = append(e.Once, store.Once{Space: "s", ID: few(r, "once id"), Until: p.clock.Now().Add(time.Minute)})
	}
	for range rapid.IntRange(0, 1).Draw(r, "unless") {
		e.Unless = append(e.Unless, store.Once{Space: "s", ID: few(r, "unless id")})
	}
	for range rapid.IntRange(0, 1).Draw(r, "running") {
		e.Running = append(e.Running, someTask(r))
	}
	p.appendBoth(r, e)
}

func (p *pair) appendBoth(r *rapid.T, e store.Entry) {
	got, gotErr := p.driver.Append(context.Background(), e)
	want, wantErr := p.model.Append(context.Background(), e)
	sameError(r, "Append", gotErr, wantErr)
	if gotErr == nil && !same(got, want) {
		r.Fatalf("Append: got %d %s, the model says %d %s", got.Number, got.Encoded, want.Number, want.Encoded)
	}
}

func (p *pair) appendAll(r *rapid.T) {
	entries := make([]store.Entry, rapid.IntRange(0, 5).Draw(r, "n"))
	for i := range entries {
		entries[i] = entry(p.event(r))
	}
	got, gotErr := p.driver.AppendAll(context.Background(), entries)
	want, wantErr := p.model.AppendAll(context.Background(), entries)
	if got != want || (gotErr == nil) != (wantErr == nil) {
		r.Fatalf("AppendAll: %d, %v; the model says %d, %v", got, gotErr, want, wantErr)
	}
}

func someQuery(r *rapid.T) store.Query {
	q := store.Query{
		After: rapid.Uint64Range(0, 8).Draw(r, "after"), Limit: rapid.IntRange(0, 4).Draw(r, "limit"),
		Newest: rapid.Bool().Draw(r, "newest"),
	}
	for range rapid.IntRange(0, 2).Draw(r, "fields") {
		switch value := few(r, "value"); rapid.IntRange(0, 9).Draw(r, "field") {
		case 0:
			q.TokenID = value
		case 1:
			q.Fingerprint = fingerprint(value)
		case 2:
			q.Lineage = value
		case 3:
			q.Decision = value
		case 4:
			q.Writer = value
		case 5:
			q.Audience = value
		case 6:
			q.Types = append(q.Types, someType(r))
		case 7:
			q.Task = value
		case 8:
			q.From = someTime(r, "from")
		default:
			q.To = someTime(r, "to")
		}
	}
	return q
}

func (p *pair) find(r *rapid.T) {
	q := someQuery(r)
	got, want := p.walk(r, p.driver, q), p.walk(r, p.model, q)
	if fmt.Sprint(numbers(got)) != fmt.Sprint(numbers(want)) {
		r.Fatalf("Find(%+v): %v, the model says %v", q, numbers(got), numbers(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			r.Fatalf("Find(%+v): record %d is another one", q, got[i].Number)
		}
	}
}

func (p *pair) walk(r *rapid.T, s store.Store, q store.Query) []store.Record {
	var records []store.Record
	for one, err := range s.Find(context.Background(), q) {
		if err != nil {
			r.Fatalf("Find(%+v): %v", q, err)
		}
		records = append(records, one)
	}
	return records
}

func (p *pair) check(r *rapid.T) {
	records, broken, err := p.driver.CheckChain(context.Background())
	want, _, _ := p.model.CheckChain(context.Background())
	if err != nil || broken != 0 || records != want {
		r.Fatalf("CheckChain: %d records, %d broken, %v; the model has %d", records, broken, err, want)
	}
}

func (p *pair) save(r *rapid.T) {
	v := revision(rapid.Uint64Range(1, 4).Draw(r, "number"), someTime(r, "applied"), map[string][]byte{"f": []byte(few(r, "content"))})
	got, want := p.driver.Save(context.Background(), v), p.model.Save(context.Background(), v)
	if (got == nil) != (want == nil) {
		r.Fatalf("Save: %v, the model says %v", got, want)
	}
}

func (p *pair) at(r *rapid.T) {
	when := someTime(r, "at")
	got, gotErr := p.driver.At(context.Background(), when)
	want, wantErr := p.model.At(context.Background(), when)
	if got.Number != want.Number || string(got.Files["f"]) != string(want.Files["f"]) || (gotErr == nil) != (wantErr == nil) {
		r.Fatalf("At: %d, %v; the model says %d, %v", got.Number, gotErr, want.Number, wantErr)
	}
}
