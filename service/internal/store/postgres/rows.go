package postgres

import (
	"math"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// recordRows are records turned on their side: one array for each column of the
// book, so that one statement takes any number of them.
type recordRows struct {
	number, received, time                        []int64
	kind                                          []string
	hash, event, writer, id                       [][]byte
	jti, fingerprint, lineage, decision, audience [][]byte
	task                                          [][]byte
}

func (a *recordRows) add(r store.Record, c columns) {
	a.number, a.received = append(a.number, bound(r.Number)), append(a.received, store.Instant(r.Received))
	a.hash, a.event = append(a.hash, r.Hash[:]), append(a.event, r.Encoded)
	a.writer, a.id = append(a.writer, []byte(c.writer)), append(a.id, []byte(c.id))
	a.kind, a.time = append(a.kind, c.kind), append(a.time, c.time)
	a.jti, a.fingerprint = append(a.jti, c.jti.bytes()), append(a.fingerprint, c.fingerprint.bytes())
	a.lineage, a.decision = append(a.lineage, c.lineage.bytes()), append(a.decision, c.decision.bytes())
	a.audience, a.task = append(a.audience, c.audience.bytes()), append(a.task, c.task.bytes())
}

// args are what sqlInsert wants, in its order.
func (a *recordRows) args() []any {
	return []any{
		a.number, a.received, a.hash, a.event, a.writer, a.id, a.kind, a.time,
		a.jti, a.fingerprint, a.lineage, a.decision, a.audience, a.task,
	}
}

// spentArgs are what sqlUse wants.
func spentArgs(spent map[onceName]int64) []any {
	var spaces, ids [][]byte
	var untils []int64
	for n, until := range spent {
		spaces, ids = append(spaces, []byte(n.space)), append(ids, []byte(n.id))
		untils = append(untils, until)
	}
	return []any{spaces, ids, untils}
}

// bound is n for PostgreSQL, whose integers end earlier.
func bound(n uint64) int64 { return int64(min(n, math.MaxInt64)) } //nolint:gosec // G115: bounded in the same line
