package sqlite

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// columns are the parts of an event by which it is found. They are comparable,
// so that a check of the chain can tell whether they still fit the event.
type columns struct {
	writer, id, kind string
	time             int64
	jti, lineage     string
	decision         string
	audience         string
	fingerprint      narrowcast.Fingerprint
}

func columnsOf(e event.Event) columns {
	c := columns{
		writer: e.Writer, id: e.ID, kind: string(e.Type), time: instant(e.Time),
		decision: e.Decision, audience: store.Door(e),
	}
	if t := e.Token; t != nil {
		c.jti, c.lineage, c.fingerprint = t.ID, t.Lineage, t.Fingerprint
	}
	if c.lineage != "" && c.lineage == c.jti {
		c.lineage = same
	}
	if c.decision != "" && c.decision == c.id {
		c.decision = same
	}
	return c
}

// same stands for a lineage that equals the jti and a decision that equals the
// id. The file has NULL for it.
const same = "="

func sameAsNull(s string) any {
	if s == same {
		return nil
	}
	return s
}

func (c *columns) fingerprintOrNull() any {
	if c.fingerprint.IsZero() {
		return nil
	}
	return c.fingerprint[:]
}
