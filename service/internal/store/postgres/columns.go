package postgres

import (
	"crypto/sha256"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// maxName is the longest name that an index keeps as it is.
const maxName = 255

// nullable is a text or NULL.
type nullable struct {
	text string
	set  bool
}

func (n nullable) bytes() []byte {
	if !n.set {
		return nil
	}
	return []byte(n.text)
}

func fromBytes(b []byte) nullable { return nullable{string(b), b != nil} }

// columns are the parts of an event by which it is found. They are comparable,
// so that a check of the chain can tell whether they still fit the event.
type columns struct {
	writer, id, kind string
	time             int64
	jti, audience    nullable
	task             nullable
	fingerprint      nullable
	lineage          nullable // NULL: the same as jti
	decision         nullable // NULL: the same as id
}

func columnsOf(e event.Event) columns {
	c := columns{
		writer: name(e.Writer), id: name(e.ID), kind: string(e.Type), time: store.Instant(e.Time),
		audience: unlessEmpty(name(store.Door(e))), task: unlessEmpty(name(store.TaskOf(e))),
	}
	jti, lineage := "", ""
	if t := e.Token; t != nil {
		jti, lineage = t.ID, t.Lineage
		c.fingerprint = fingerprintOf(t.Fingerprint)
	}
	c.jti = unlessEmpty(name(jti))
	c.lineage, c.decision = unlessSame(lineage, jti), unlessSame(e.Decision, e.ID)
	return c
}

// name is s as an index can keep it. A short one is itself; a long one keeps
// its beginning and ends in its hash. The two never meet: one has at most 255
// bytes, the other 256.
func name(s string) string {
	if len(s) <= maxName {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:maxName+1-len(sum)] + string(sum[:])
}

func fingerprintOf(f narrowcast.Fingerprint) nullable {
	if f.IsZero() {
		return nullable{}
	}
	return nullable{string(f[:]), true}
}

func unlessEmpty(s string) nullable { return nullable{s, s != ""} }

// unlessSame is s, or NULL where s is the same as another column and not empty.
// NULL is no text, so nothing that an event says is mistaken for it.
func unlessSame(s, other string) nullable {
	if s != "" && s == other {
		return nullable{}
	}
	return nullable{name(s), true}
}
