package sqlite

import (
	"database/sql"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// columns are the parts of an event by which it is found. They are comparable,
// so that a check of the chain can tell whether they still fit the event.
type columns struct {
	writer, id, kind string
	time             int64
	jti, audience    string
	task             string
	lineage          sql.NullString // NULL: the same as jti
	decision         sql.NullString // NULL: the same as id
	fingerprint      narrowcast.Fingerprint
}

func columnsOf(e event.Event) columns {
	c := columns{
		writer: e.Writer, id: e.ID, kind: string(e.Type), time: store.Instant(e.Time),
		audience: store.Door(e), task: store.TaskOf(e),
	}
	lineage := ""
	if t := e.Token; t != nil {
		c.jti, lineage, c.fingerprint = t.ID, t.Lineage, t.Fingerprint
	}
	c.lineage, c.decision = unlessSame(lineage, c.jti), unlessSame(e.Decision, c.id)
	return c
}

// unlessSame is s, or NULL where s is the same as another column and not empty.
// NULL is no text, so nothing that an event says is mistaken for it.
func unlessSame(s, other string) sql.NullString {
	if s != "" && s == other {
		return sql.NullString{}
	}
	return sql.NullString{String: s, Valid: true}
}

func (c *columns) fingerprintOrNull() any {
	if c.fingerprint.IsZero() {
		return nil
	}
	return c.fingerprint[:]
}
