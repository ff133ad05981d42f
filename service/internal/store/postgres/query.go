package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// window is the part of the book that a walk still has before it: numbers
// above low up to high.
type window struct{ low, high uint64 }

// cut takes away what was walked.
func (w *window) cut(last uint64, newest bool) {
	if newest {
		w.high = last - 1
	} else {
		w.low = last
	}
}

// selection is the WHERE of a query with its arguments; $1 and $2 are the
// window, $3 the size of a page.
type selection struct {
	terms []string
	args  []any
	types []event.Type // one arm of a union each; none means all
	few   bool         // found by decision or lineage: sorted afterwards
}

const fixedArgs = 3

// arg adds a value and returns what stands for it.
func (s *selection) arg(value any) string {
	s.args = append(s.args, value)
	return fmt.Sprint("$", fixedArgs+len(s.args))
}

// selectionOf writes the conditions so that the server uses the index of the
// first one, the rarest, whatever it believes of a book that grew since it last
// looked. Adding nothing to a column hides it from the planner. A walk in order
// of number then never sorts, save for the few records of one decision or
// lineage.
func selectionOf(q store.Query) selection {
	var s selection
	hide := func(column string) string {
		if len(s.terms) > 0 {
			return "(" + column + " || ''::bytea)"
		}
		return column
	}
	add := func(column, value string, set bool) {
		if set {
			s.terms = append(s.terms, hide(column)+" = "+s.arg([]byte(value)))
		}
	}
	// Where a decision is the id of its event, or a lineage the jti of its token,
	// the column is NULL and the other one has it (columnsOf).
	either := func(own, other, value string) {
		if value == "" {
			return
		}
		s.few = s.few || len(s.terms) == 0
		s.terms = append(s.terms, fmt.Sprintf("(%[1]s = %[4]s AND %[2]s <> '' OR %[3]s = %[4]s AND %[2]s IS NULL)",
			hide(own), own, hide(other), s.arg([]byte(name(value)))))
	}
	either("decision", "id", q.Decision)
	add("fingerprint", string(q.Fingerprint[:]), !q.Fingerprint.IsZero())
	add("jti", name(q.TokenID), q.TokenID != "")
	either("lineage", "jti", q.Lineage)
	add("task", name(q.Task), q.Task != "")
	add("writer", name(q.Writer), q.Writer != "")
	add("audience", name(q.Audience), q.Audience != "")
	s.addTypes(q.Types)
	s.addTime("time + 0 >= ", q.From)
	s.addTime("time + 0 < ", q.To)
	return s
}

// addTypes filters what another index finds; alone, each type is an arm of its
// own, because equal types come in order of number and the server merges them.
func (s *selection) addTypes(types []event.Type) {
	types = distinct(types)
	if len(s.terms) == 0 || len(types) == 0 {
		s.types = types
		return
	}
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	s.terms = append(s.terms, "type = ANY ("+s.arg(names)+"::text[])")
}

func (s *selection) addTime(term string, t time.Time) {
	if !t.IsZero() {
		s.terms = append(s.terms, term+s.arg(store.Instant(t)))
	}
}

// page is the statement that fetches up to limit records of the window.
func (s *selection) page(w window, newest bool, limit int) (string, []any) {
	args := append([]any{bound(w.low), bound(w.high), limit}, s.args...)
	order := " ORDER BY number"
	if newest {
		order += " DESC"
	}
	number := "number"
	if s.few {
		number += " + 0"
	}
	where := append([]string{number + " > $1", number + " <= $2"}, s.terms...)
	arm := "SELECT " + recordColumns + " FROM book WHERE " + strings.Join(where, " AND ")
	switch {
	case s.few: // OFFSET keeps the planner from putting the sorting inside
		return "SELECT " + recordColumns + " FROM (" + arm + " OFFSET 0) AS few" + order + " LIMIT $3", args
	case len(s.types) == 0:
		return arm + order + " LIMIT $3", args
	}
	arms := make([]string, len(s.types))
	for i, t := range s.types {
		args = append(args, string(t))
		arms[i] = fmt.Sprintf("(%s AND type = $%d%s%s LIMIT $3)", arm, len(args), rare(t), order)
	}
	return "SELECT " + recordColumns + " FROM (" + strings.Join(arms, " UNION ALL ") + ") AS arms" + order + " LIMIT $3", args
}

// rare repeats the condition of the index of types, so that the server sees that
// the index has all records of the type.
func rare(t event.Type) string {
	if t == event.Issued || t == event.Presented {
		return ""
	}
	return " AND type NOT IN ('issued', 'presented')"
}

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

// taskSelection writes a query for tasks. They are found first and sorted then:
// a walk in the order of opening would look at all. Who is due is found by the
// time; who lost his parent, by looking at each parent of tasks that last.
func taskSelection(q store.TaskQuery) (string, []any) {
	var args []any
	arg := func(value any) string {
		args = append(args, value)
		return fmt.Sprint("$", len(args))
	}
	terms := []string{"true"}
	if q.Parent != "" {
		terms = append(terms, "parent = "+arg([]byte(q.Parent)))
	}
	if q.Client != "" {
		terms = append(terms, "client = "+arg([]byte(q.Client)))
	}
	if q.Live {
		terms = append(terms, "due IS NOT NULL")
	}
	if !q.Due.IsZero() {
		terms = append(terms, `id IN (SELECT id FROM tasks WHERE due <= `+arg(store.Instant(q.Due))+` UNION ALL
			SELECT id FROM tasks WHERE due IS NOT NULL AND parent IN (
				SELECT parent FROM (SELECT DISTINCT parent FROM tasks WHERE due IS NOT NULL AND parent IS NOT NULL) AS p
				WHERE NOT EXISTS (SELECT FROM tasks AS t WHERE t.id = p.parent AND t.due IS NOT NULL)))`)
	}
	statement := "SELECT task FROM (SELECT task, opened, id FROM tasks WHERE " + strings.Join(terms, " AND ") +
		" OFFSET 0) AS found ORDER BY opened, id"
	if q.Limit > 0 {
		statement += " LIMIT " + arg(q.Limit)
	}
	return statement, args
}
