package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// statements are what the writer says again and again.
type statements struct {
	begin, commit, rollback *sql.Stmt
	head, insert, kept      *sql.Stmt
	used, use, forget       *sql.Stmt
	task, saveTask          *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, conn *sql.Conn) error {
	var err error
	for _, want := range []struct {
		into **sql.Stmt
		text string
	}{
		{&s.begin, "BEGIN IMMEDIATE"},
		{&s.commit, "COMMIT"},
		{&s.rollback, "ROLLBACK"},
		{&s.head, "SELECT number, hash FROM book ORDER BY number DESC LIMIT 1"},
		{&s.insert, `INSERT INTO book (number, received, hash, event,
			writer, id, type, time, jti, fingerprint, lineage, decision, audience, task)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, writer) DO NOTHING`},
		{&s.kept, "SELECT number, received, hash, event FROM book WHERE writer = ? AND id = ?"},
		{&s.used, "SELECT 1 FROM once WHERE space = ? AND id = ? AND until > ?"},
		// One statement for all that a use depends on. It changes no row when the
		// event is in the book already or the id was used.
		{&s.use, `INSERT INTO once (space, id, until)
			SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM book WHERE id = ? AND writer = ?)
			ON CONFLICT (space, id) DO UPDATE SET until = excluded.until WHERE until <= ?`},
		{&s.forget, `DELETE FROM once WHERE (space, id) IN
			(SELECT space, id FROM once WHERE until <= ? ORDER BY until LIMIT 1000)`},
		{&s.task, "SELECT task FROM tasks WHERE id = ?"},
		{&s.saveTask, `INSERT INTO tasks (id, parent, client, opened, due, ended, task) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, client = excluded.client,
			opened = excluded.opened, due = excluded.due, ended = excluded.ended, task = excluded.task`},
	} {
		var one error
		*want.into, one = conn.PrepareContext(ctx, want.text)
		err = errors.Join(err, one)
	}
	return err
}

func (s *statements) close() error {
	var err error
	for _, statement := range []*sql.Stmt{s.begin, s.commit, s.rollback,
		s.head, s.insert, s.kept, s.used, s.use, s.forget, s.task, s.saveTask} {
		err = errors.Join(err, statement.Close())
	}
	return err
}
