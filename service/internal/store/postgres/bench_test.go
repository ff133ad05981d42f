//go:build !fast

package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// BenchmarkAppend is the book on a server beside the book in a file, with the
// same entries, each using up one id. "replicas" are two stores on one schema.
// "single" is row 12 of the performance targets: the same store with one entry in
// a transaction. "insert" is what a service without a chain would do: each record
// in a transaction of its own, on up to 16 connections, so that the server syncs
// for several of them at once.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("sqlite/", writers), func(b *testing.B) {
			s, err := sqlite.Create(context.Background(), sqlite.Config{Path: filepath.Join(b.TempDir(), "book.db"), Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			defer shut(b, s)
			benchmarkAppend(b, writers, appending(s))
		})
		b.Run(fmt.Sprint("postgres/", writers), func(b *testing.B) {
			benchmarkAppend(b, writers, appending(benchStore(b)))
		})
		b.Run(fmt.Sprint("replicas/", writers), func(b *testing.B) {
			s := benchStore(b)
			benchmarkAppend(b, writers, appending(s, reopen(b, benchConfig(s.schema))))
		})
		b.Run(fmt.Sprint("single/", writers), func(b *testing.B) {
			s := benchStore(b)
			s.SetMost(1)
			benchmarkAppend(b, writers, appending(s))
		})
		b.Run(fmt.Sprint("insert/", writers), func(b *testing.B) {
			benchmarkAppend(b, writers, inserting(b, benchStore(b), min(writers, 16)))
		})
	}
}

type named struct {
	*postgres.Store
	schema string
}

func benchConfig(schema string) postgres.Config {
	c := config(shared, schema)
	c.Now = time.Now
	return c
}

func benchStore(b *testing.B) named {
	b.Helper()
	schema := shared.Schema()
	return named{create(b, benchConfig(schema)), schema}
}

// keeping makes record n durable for writer w.
type keeping func(w int, n int64) error

func appending(stores ...store.Store) keeping {
	return func(w int, n int64) error {
		_, err := stores[w%len(stores)].Append(context.Background(), benchEntry(n))
		return err
	}
}

// inserting writes into a table with the columns and indexes of the book.
func inserting(b *testing.B, s named, connections int) keeping {
	b.Helper()
	free := make(chan *pgx.Conn, connections)
	for range connections {
		free <- serverConn(b, s.schema)
	}
	one := <-free
	if _, err := one.Exec(context.Background(), "CREATE TABLE plain (LIKE book INCLUDING ALL)"); err != nil {
		b.Fatal(err)
	}
	free <- one
	return func(_ int, n int64) error {
		e, line, err := benchEntry(n).Encode()
		if err != nil {
			return err
		}
		sum := sha256.Sum256(line)
		conn := <-free
		defer func() { free <- conn }()
		_, err = conn.Exec(context.Background(), `INSERT INTO plain (number, received, hash, event, writer, id, type, time, jti, fingerprint, audience)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			n, e.Time.UnixNano(), sum[:], line, []byte(e.Writer), []byte(e.ID), string(e.Type), e.Time.UnixNano(),
			[]byte(e.Token.ID), e.Token.Fingerprint[:], []byte(e.Expected))
		return err
	}
}

func serverConn(b *testing.B, schema string) *pgx.Conn {
	b.Helper()
	password, err := os.ReadFile(shared.PasswordFile)
	if err != nil {
		b.Fatal(err)
	}
	c, err := pgx.ParseConfig(shared.URL())
	if err != nil {
		b.Fatal(err)
	}
	c.Password, c.RuntimeParams["search_path"] = strings.TrimSpace(string(password)), schema
	conn, err := pgx.ConnectConfig(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func benchmarkAppend(b *testing.B, writers int, keep keeping) {
	b.Helper()
	server := serverProcess(b)
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	own, theirs := ownCPU(b), familyCPU(b, server)
	b.ResetTimer()
	for w := range writers {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := keep(w, n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(each(ownCPU(b)-own), "cpu-us/op")
	b.ReportMetric(each(familyCPU(b, server)-theirs), "server-cpu-us/op")
}

func benchEntry(n int64) store.Entry {
	now := time.Now()
	id := fmt.Sprintf("%016x-%d", now.UnixNano(), n)
	return store.Entry{
		Event: event.Event{
			ID: id, Type: event.Issued, Time: now, Writer: "issuer-1", Sequence: uint64(n), //nolint:gosec // G115: counts from 1
			Decision: id, Genuine: true, Expected: "https://pay.example.test",
			Token: &event.Token{
				Fingerprint: narrowcast.Fingerprint{byte(n * 31), byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)},
				ID:          "j" + id, Lineage: "j" + id, Issuer: "https://issuer.example.test", Subject: "checkout", Client: "checkout",
				Scope: "charge", Audience: []string{"https://pay.example.test"}, KeyID: "k1", IssuedAt: now, Expires: now.Add(time.Minute),
			},
		},
		Once: []store.Once{{Space: "checkout", ID: id, Until: now.Add(time.Minute)}},
	}
}
