//go:build !fast

package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

// shared is the server of all tests that leave it as it is; each takes schemas
// of its own.
var shared *pgtest.Server

func TestMain(m *testing.M) {
	os.Exit(withServer(m))
}

func withServer(m *testing.M) int {
	var err error
	if shared, err = pgtest.New(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var dayOne = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func config(s *pgtest.Server, schema string) postgres.Config {
	return postgres.Config{
		URL: s.URL(), PasswordFile: s.PasswordFile, Schema: schema, Connections: 2,
		Now: func() time.Time { return dayOne },
	}
}

func create(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Create(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func reopen(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func admin(id string, once ...store.Once) store.Entry {
	return store.Entry{Event: event.Event{ID: id, Writer: "w", Type: event.Admin, Time: dayOne}, Once: once}
}

func TestStore(t *testing.T) { storetest.Run(t, ground) }

func ground(t *testing.T) storetest.Ground {
	t.Helper()
	c := config(shared, shared.Schema())
	created := false
	return storetest.Ground{
		Shared: true,
		Open: func(now func() time.Time) (store.Store, error) {
			c.Now = now
			if !created {
				created = true
				return postgres.Create(context.Background(), c)
			}
			return postgres.Open(context.Background(), c)
		},
		Alter: func(t *testing.T, number uint64) {
			tamper(t, c, `UPDATE book SET event = convert_to(replace(convert_from(event, 'UTF8'), 'checkout', 'Checkout'), 'UTF8') WHERE number = $1`, number)
		},
		Rename: func(t *testing.T, number uint64) {
			tamper(t, c, `UPDATE book SET jti = 'hidden' WHERE number = $1`, number)
		},
		Remove: func(t *testing.T, number uint64) {
			tamper(t, c, `DELETE FROM book WHERE number = $1`, number)
		},
		Together: func(t *testing.T, s store.Store, entries []store.Entry) []error {
			t.Helper()
			errs, err := s.(*postgres.Store).Together(entries)
			if err != nil {
				t.Fatal(err)
			}
			return errs
		},
		MakeNewer: func(t *testing.T) {
			raw(t, c, `INSERT INTO narrowcast_migrations (number, name, checksum, applied) VALUES (1000, 'x', 'x', 0)`)
		},
	}
}

// tamper does what somebody does who can write to the database.
func tamper(t *testing.T, c postgres.Config, statement string, number uint64) {
	t.Helper()
	raw(t, c, "ALTER TABLE book DISABLE TRIGGER book_never_changes")
	if n := raw(t, c, statement, number); n != 1 {
		t.Fatalf("%s: changed %d rows", statement, n)
	}
}

func raw(t testing.TB, c postgres.Config, statement string, args ...any) int64 {
	t.Helper()
	conn := rawConn(t, c)
	defer func() { _ = conn.Close(context.Background()) }()
	tag, err := conn.Exec(context.Background(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return tag.RowsAffected()
}

// rawConn connects as any PostgreSQL tool would.
func rawConn(t testing.TB, c postgres.Config) *pgx.Conn {
	t.Helper()
	settings, err := pgx.ParseConfig(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	settings.Password = strings.TrimSpace(string(password))
	settings.RuntimeParams["search_path"] = c.Schema
	conn, err := pgx.ConnectConfig(context.Background(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestCreateNeverOverwrites(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	if _, err := postgres.Open(ctx, c); err == nil || !strings.Contains(err.Error(), `"narrowcast init"`) {
		t.Errorf("Open of nothing: %v", err)
	}
	if _, err := postgres.OpenReadOnly(ctx, c); err == nil || !strings.Contains(err.Error(), `"narrowcast init"`) {
		t.Errorf("OpenReadOnly of nothing: %v", err)
	}
	s := create(t, c)
	if _, err := s.Append(ctx, admin("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Create(ctx, c); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("Create over a store: %v", err)
	}
	if records, broken, err := reopen(t, c).CheckChain(ctx); records != 1 || broken != 0 || err != nil {
		t.Errorf("afterwards: %d records, %d broken, %v", records, broken, err)
	}
}

func TestForeignSchemasAreLeftAlone(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	raw(t, c, "CREATE SCHEMA "+c.Schema)
	raw(t, c, "CREATE TABLE book (number BIGINT)")
	if _, err := postgres.Create(ctx, c); err == nil {
		t.Error("Create took somebody's schema")
	}
	if _, err := postgres.Open(ctx, c); err == nil || !strings.Contains(err.Error(), "not a store of narrowcast") {
		t.Errorf("Open: %v", err)
	}
	raw(t, c, "DROP TABLE book")
	create(t, c) // the control: an empty schema is taken
}

func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	s := create(t, c)
	if _, err := s.Append(ctx, admin("a")); err != nil {
		t.Fatal(err)
	}
	r, err := postgres.OpenReadOnly(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, r)
	if records, _, err := r.CheckChain(ctx); records != 1 || err != nil {
		t.Errorf("CheckChain: %d, %v", records, err)
	}
	_, appendErr := r.Append(ctx, admin("b"))
	_, appendAllErr := r.AppendAll(ctx, []store.Entry{admin("b")})
	_, renewErr := r.Renew(ctx, "a", "key", dayOne, dayOne)
	_, dropErr := r.DropTasks(ctx, dayOne, 1)
	for name, err := range map[string]error{
		"Renew": renewErr, "DropTasks": dropErr,
		"Append": appendErr, "AppendAll": appendAllErr,
		"Save":    r.Save(ctx, store.Revision{Number: 1, Applied: dayOne}),
		"SaveKey": r.SaveKey(ctx, store.Key{ID: "k", Algorithm: "ES256", Public: []byte{1}, Published: dayOne}),
		"Import":  r.Import(ctx, nil),
	} {
		if !errors.Is(err, postgres.ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
}

func TestSQLCannotRewriteHistory(t *testing.T) {
	ctx := context.Background()
	c := config(shared, shared.Schema())
	s := create(t, c)
	if _, err := s.Append(ctx, admin("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(ctx, store.Revision{Number: 1, Applied: dayOne, Files: map[string][]byte{"a": {1}}}); err != nil {
		t.Fatal(err)
	}
	conn := rawConn(t, c)
	defer func() { _ = conn.Close(ctx) }()
	for table, column := range map[string]string{"book": "received", "revisions": "applied", "revision_files": "content"} {
		for _, statement := range []string{"UPDATE " + table + " SET " + column + " = " + column, "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if _, err := conn.Exec(ctx, statement); err == nil {
				t.Errorf("%s: was done", statement)
			}
		}
	}
	if _, err := conn.Exec(ctx, "UPDATE once SET until = 1"); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// What an index has no room for is found all the same, and nothing else with it.
func TestLongNames(t *testing.T) {
	ctx := context.Background()
	s := create(t, config(shared, shared.Schema()))
	long := strings.Repeat("ü", 2000)
	for i, name := range []string{long, long + "x", long[:255], long[:256]} {
		e := admin(fmt.Sprint(i))
		e.Event.Token, e.Event.Decision, e.Event.Expected = &event.Token{ID: name, Lineage: name + "!"}, name, name
		if _, err := s.Append(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{long, long + "x"} {
		for what, q := range map[string]store.Query{
			"jti": {TokenID: name}, "lineage": {Lineage: name + "!"}, "decision": {Decision: name}, "audience": {Audience: name},
		} {
			var got []uint64
			for r, err := range s.Find(ctx, q) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.Number)
			}
			if len(got) != 1 || got[0] != uint64(i)+1 { //nolint:gosec // G115: an index
				t.Errorf("%s of name %d: records %v", what, i, got)
			}
		}
	}
	longest := store.Once{Space: rand.Text(), Until: dayOne.Add(time.Hour)}
	for len(longest.ID) < store.MaxOnceBytes-len(longest.Space) { // what cannot be compressed
		longest.ID = (longest.ID + rand.Text())[:min(len(longest.ID)+26, store.MaxOnceBytes-len(longest.Space))]
	}
	if _, err := s.Append(ctx, admin("longest", longest)); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(ctx, admin("again", longest)); !errors.Is(err, store.ErrUsed) {
		t.Errorf("the longest id again: %v", err)
	}
	if _, broken, err := s.CheckChain(ctx); broken != 0 || err != nil {
		t.Errorf("CheckChain: %d, %v", broken, err)
	}
}
