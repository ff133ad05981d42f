//go:build !fast

package postgres

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

func insideStore(t *testing.T) *Store {
	t.Helper()
	server := pgtest.Start(t)
	s, err := Create(context.Background(), Config{
		URL: server.URL(), PasswordFile: server.PasswordFile, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// statementsOf reads the constants of statements.go, so that none is forgotten.
func statementsOf(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "statements.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			found[v.Names[0].Name] = text(t, v.Values[0])
		}
		return true
	})
	if len(found) < 30 {
		t.Fatalf("only %d statements", len(found))
	}
	return found
}

// text evaluates a constant that is put together from literals.
func text(t *testing.T, e ast.Expr) string {
	t.Helper()
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return s
	case *ast.BinaryExpr:
		return text(t, e.X) + text(t, e.Y)
	case *ast.Ident:
		if e.Name == "recordColumns" {
			return recordColumns
		}
	}
	t.Fatalf("cannot read %T", e)
	return ""
}

// The server understands every statement: names, types, privileges.
func TestEveryStatementIsPrepared(t *testing.T) {
	s := insideStore(t)
	ctx := context.Background()
	conn, err := s.link.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp(conn)
	all := statementsOf(t)
	for i, q := range someQueries() {
		for _, newest := range []bool{false, true} {
			selection := selectionOf(q)
			all["page of "+i+strconv.FormatBool(newest)], _ = selection.page(window{1, 1000}, newest, 100)
		}
	}
	for i, q := range someTaskQueries() {
		all["tasks by "+i], _ = taskSelection(q)
	}
	for name, statement := range all {
		if _, err := conn.Prepare(ctx, name, statement); err != nil {
			t.Errorf("%s: %v\n%s", name, err, statement)
		}
	}
	if _, err := conn.Prepare(ctx, "control", "SELECT nothing FROM book"); err == nil {
		t.Error("the control: a wrong statement was prepared")
	}
}

// No statement hides in another file.
func TestStatementsAreInOneFile(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) < 10 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "statements.go" {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"INSERT INTO", "UPDATE ", "DELETE FROM", `"SELECT `, "`SELECT ", `"WITH `} {
			if n := strings.Count(string(source), verb); n > 0 && name != "query.go" {
				t.Errorf("%s: %q stands there %d times", name, verb, n)
			}
		}
	}
}

func someQueries() map[string]store.Query {
	both := []event.Type{event.OffTarget, event.Rejected}
	return map[string]store.Query{
		"book_jti":         {TokenID: "a", Audience: "b", Types: both, From: time.Unix(1, 0)},
		"book_fingerprint": {Fingerprint: narrowcast.Fingerprint{1}, TokenID: "a"},
		"book_lineage":     {Lineage: "a", Writer: "b"},
		"book_decision":    {Decision: "a", Writer: "b"},
		"book_task":        {Task: "a", Writer: "b", Types: both},
		"book_writer":      {Writer: "a", Types: both},
		"book_audience":    {Audience: "a", To: time.Unix(1, 0)},
		"book_type":        {Types: both, From: time.Unix(1, 0)},
		"book_pkey":        {From: time.Unix(1, 0)},
	}
}

func someTaskQueries() map[string]store.TaskQuery {
	return map[string]store.TaskQuery{
		"tasks_due": {Due: time.Unix(1, 0)}, "tasks_orphan": {Due: time.Unix(1, 0), Limit: 10, Live: true},
		"tasks_parent": {Parent: "a", Limit: 5}, "tasks_client": {Client: "a"},
	}
}

// Every question finds its records by an index, in a book the server knows
// nothing about and in one it does.
func TestQueriesUseIndexes(t *testing.T) {
	s := insideStore(t)
	check := func(when string) {
		t.Helper()
		for index, q := range someQueries() {
			selection := selectionOf(q)
			statement, args := selection.page(window{1, 5000}, false, 100)
			few := index == "book_lineage" || index == "book_decision"
			plan := planOf(t, s, statement, args)
			if !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort  (") && !few {
				t.Errorf("%s: %s: the plan is\n%s", when, index, plan)
			}
		}
		for index, q := range someTaskQueries() {
			statement, args := taskSelection(q)
			if plan := planOf(t, s, statement, args); !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s: %s: the plan is\n%s", when, index, plan)
			}
		}
		for _, kind := range []event.Type{event.Exchanged, event.Revoked, event.TaskEnded} {
			selection := selectionOf(store.Query{Types: []event.Type{kind}})
			statement, args := selection.page(window{1, 5000}, false, 100)
			plan := planOf(t, s, statement, args)
			if !strings.Contains(plan, "book_type") || !strings.Contains(plan, "AND (number > ") {
				t.Errorf("%s: %s: the plan is\n%s", when, kind, plan)
			}
		}
		if plan := planOf(t, s, sqlKept, []any{[][]byte{{1}}, [][]byte{{1}}}); !strings.Contains(plan, "book_once") {
			t.Errorf("%s: the plan of what is kept is\n%s", when, plan)
		}
		if plan := planOf(t, s, sqlBetween, []any{int64(1), int64(2)}); !strings.Contains(plan, "book_time") {
			t.Errorf("%s: the plan of the window is\n%s", when, plan)
		}
	}
	check("empty")
	var entries []store.Entry
	for i := range 3000 {
		id := strconv.Itoa(i)
		entries = append(entries, store.Entry{Event: event.Event{
			ID: id, Writer: "w" + strconv.Itoa(i%50), Type: event.Types()[i%3], Time: time.Unix(1_800_000_000+int64(i), 0),
			Decision: "d" + id, Expected: "a" + strconv.Itoa(i%50),
			Token: &event.Token{ID: "j" + id, Lineage: "l" + id, Fingerprint: narrowcast.Fingerprint{byte(i), byte(i >> 8), 1}},
		}})
	}
	if _, err := s.AppendAll(context.Background(), entries); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(context.Background(), "ANALYZE book"); err != nil {
		t.Fatal(err)
	}
	check("filled")
}

func planOf(t *testing.T, s *Store, statement string, args []any) string {
	t.Helper()
	rows, err := s.pool.Query(context.Background(), "EXPLAIN "+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// What a connection insists on, whatever the database is set to.
func TestConnectionsAreSettled(t *testing.T) {
	s := insideStore(t)
	ctx := context.Background()
	for setting, want := range map[string]string{
		"synchronous_commit": "on", "search_path": `"narrowcast", pg_temp`, "default_transaction_isolation": "read committed",
		"lock_timeout": "10s", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "10s",
	} {
		if _, err := s.pool.Exec(ctx, "ALTER ROLE narrowcast SET "+setting+" = DEFAULT"); err != nil {
			t.Fatal(err)
		}
		if setting == "synchronous_commit" {
			if _, err := s.pool.Exec(ctx, "ALTER ROLE narrowcast SET synchronous_commit = off"); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := s.link.connect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q (%v)", setting, got, want, err)
		}
		hangUp(conn)
	}
}
