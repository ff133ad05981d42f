package revocation_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// BenchmarkStart is the first fold of a book in which each of 200 000 living
// tokens was called back, and what it takes in memory. Each has a place in a status
// list, and as many others live.
func BenchmarkStart(b *testing.B) {
	const revoked = 200_000
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }
	book, err := sqlite.Create(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "book.db"), Now: clock})
	must(b, err)
	defer book.Close()
	fill(b, book, revoked, now)
	for b.Loop() {
		b.StopTimer()
		before := memory()
		l, err := revocation.New(revocation.Config{Book: book, Now: clock})
		must(b, err)
		b.StartTimer()
		must(b, l.CatchUp(b.Context()))
		b.StopTimer()
		if l.Size() != revoked || l.Places() != revoked {
			b.Fatalf("%d entries, %d places", l.Size(), l.Places())
		}
		b.ReportMetric(float64(memory()-before)/revoked, "B/token")
		runtime.KeepAlive(l)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/revoked, "µs/token")
}

func fill(t test, book store.Book, n int, now time.Time) {
	var batch []store.Entry
	keep := func(e event.Event) {
		e.ID, e.Writer, e.Time, e.Version = fmt.Sprint(e.Type, len(batch)), fmt.Sprint("w", e.Token.StatusAt), now, event.Version
		batch = append(batch, store.Entry{Event: e})
	}
	for i := range 2 * n {
		token := event.Token{
			ID: fmt.Sprintf("%032x", i), Client: "a", Subject: "a", Audience: []string{pay}, Issuer: ours, Scope: "charge", KeyID: "k1",
			IssuedAt: now, Expires: now.Add(10 * time.Minute), StatusList: list, StatusAt: uint64(i), Fingerprint: narrowcast.FingerprintOf(fmt.Sprint(i)),
		}
		if i == 0 {
			keep(event.Event{Type: event.Admin, Token: &event.Token{StatusList: list}})
		}
		keep(event.Event{Type: event.Issued, Token: &token})
		if i < n {
			keep(event.Event{Type: event.Revoked, Token: &token, Revocation: &event.Revocation{Kind: "token", ID: token.ID, Until: token.Expires, Tokens: 1}})
		}
		if len(batch) >= 5000 || i == 2*n-1 {
			_, err := book.AppendAll(context.Background(), batch)
			must(t, err)
			batch = batch[:0]
		}
	}
}
