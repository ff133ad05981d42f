package sqlite

import (
	"math"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// window is the part of the book that a walk still has before it: numbers
// above low up to high.
type window struct{ low, high uint64 }

// selection is the WHERE of a query without its window.
type selection struct {
	terms []string
	args  []any
	types []event.Type // one arm of a union each; none means all
}

// selectionOf writes the conditions so that the engine uses one index: that of
// the first condition, the rarest. A plus sign hides a column from the planner.
// A walk in order of number then never sorts, save for the few records of one
// decision or lineage.
func selectionOf(q store.Query) selection {
	var s selection
	add := func(column string, value any, set bool) {
		if !set {
			return
		}
		if len(s.terms) > 0 {
			column = "+" + column
		}
		s.terms, s.args = append(s.terms, column+" = ?"), append(s.args, value)
	}
	// Where a decision is the id of its event, or a lineage the jti of its token,
	// the column is NULL and the other one has it (columnsOf).
	either := func(own, other, value string) {
		if value == "" {
			return
		}
		hide := ""
		if len(s.terms) > 0 {
			hide = "+"
		}
		s.terms = append(s.terms, "("+hide+own+" = ? AND "+own+" <> '' OR "+hide+other+" = ? AND "+own+" IS NULL)")
		s.args = append(s.args, value, value)
	}
	either("decision", "id", q.Decision)
	add("fingerprint", q.Fingerprint[:], !q.Fingerprint.IsZero())
	add("jti", q.TokenID, q.TokenID != "")
	either("lineage", "jti", q.Lineage)
	add("task", q.Task, q.Task != "")
	add("writer", q.Writer, q.Writer != "")
	add("audience", q.Audience, q.Audience != "")
	s.addTypes(q.Types)
	s.addTime("+time >= ?", q.From)
	s.addTime("+time < ?", q.To)
	return s
}

// addTypes filters what another index finds; alone, each type is an arm of its
// own, because equal types come in order of number and the engine merges them.
func (s *selection) addTypes(types []event.Type) {
	types = distinct(types)
	if len(s.terms) == 0 || len(types) == 0 {
		s.types = types
		return
	}
	s.terms = append(s.terms, "+type IN (?"+strings.Repeat(", ?", len(types)-1)+")")
	for _, t := range types {
		s.args = append(s.args, string(t))
	}
}

func (s *selection) addTime(term string, t time.Time) {
	if !t.IsZero() {
		s.terms, s.args = append(s.terms, term), append(s.args, store.Instant(t))
	}
}

// page is the statement that fetches up to limit records of the window.
func (s *selection) page(w window, newest bool, limit int) (string, []any) {
	where := append([]string{"number > ?", "number <= ?"}, s.terms...)
	args := append([]any{bound(w.low), bound(w.high)}, s.args...)
	arm := "SELECT " + recordColumns + " FROM book WHERE " + strings.Join(where, " AND ")
	statement, all := arm, args
	if len(s.types) > 0 {
		statement, all = "", nil
	}
	for i, t := range s.types {
		if i > 0 {
			statement += " UNION ALL "
		}
		statement += arm + " AND type = ?" + rare(t)
		all = append(append(all, args...), string(t))
	}
	statement += " ORDER BY number"
	if newest {
		statement += " DESC"
	}
	return statement + " LIMIT ?", append(all, limit)
}

// rare repeats the condition of the index of types, so that the engine sees that
// the index has all records of the type.
func rare(t event.Type) string {
	if t == event.Issued || t == event.Presented {
		return ""
	}
	return " AND type NOT IN ('issued', 'presented')"
}

// bound is n for SQLite, whose integers end earlier.
func bound(n uint64) int64 { return int64(min(n, math.MaxInt64)) } //nolint:gosec // G115: bounded in the same line

func distinct(types []event.Type) []event.Type {
	var out []event.Type
	seen := make(map[event.Type]bool, len(types))
	for _, t := range types {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}
