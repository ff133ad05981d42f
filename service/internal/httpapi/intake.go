package httpapi

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// How far the time of an event may be from the time of its receipt. The clocks
// of two honest machines differ by less than a minute. A door that cannot reach
// the issuer keeps its events for days; thirty days are more than any spool
// holds in practice, and a record that claims to be older is made up.
const (
	maxAhead  = time.Minute
	maxAge    = 30 * 24 * time.Hour
	maxFolded = 5 * time.Minute // a guard folds by the minute
)

// readEvent reads line n. What it returns no store refuses for its content: a
// batch that failed there would stand at the head of a spool for ever.
func (a *API) readEvent(n int, line []byte, client narrowcast.ClientID) (event.Event, *refused) {
	wrong := func(status int, what string) (event.Event, *refused) {
		return event.Event{}, refuseLine(n, status, what)
	}
	e, err := event.Decode(line)
	if err != nil {
		return wrong(http.StatusBadRequest, "is not an event.")
	}
	door, ok := doorOf(&e)
	switch {
	case !fromDoors(e.Type):
		return wrong(http.StatusForbidden, "is of a type that no enforcement point writes.")
	case e.Writer != string(client) && !strings.HasPrefix(e.Writer, string(client)+"/"):
		return wrong(http.StatusForbidden, "was written by somebody else.")
	case !ok:
		return wrong(http.StatusBadRequest, "names no door, or two.")
	case !a.config.MayReport(client, door):
		return wrong(http.StatusForbidden, "is about a door that this client does not report for.")
	case e.Tenant != "" && e.Tenant != a.config.Tenant:
		return wrong(http.StatusForbidden, "is about another tenant.")
	}
	if what := misfit(&e, a.config.Now()); what != "" {
		return wrong(http.StatusBadRequest, what)
	}
	e.Tenant = a.config.Tenant
	nameDoor(&e, door.String())
	soften(&e)
	kept, encoded, err := store.Entry{Event: e}.Encode()
	switch {
	case err != nil:
		return wrong(http.StatusBadRequest, "cannot be kept as an event.")
	case holdsToken(encoded): // the text that is kept: what came may have been escaped
		return wrong(http.StatusBadRequest, "holds the text of a token.")
	}
	return kept, nil
}

// fromDoors are the types that an enforcement point writes. All others are the
// issuer's own.
func fromDoors(t event.Type) bool {
	switch t {
	case event.Presented, event.Rejected, event.OffTarget, event.WouldReject, event.VerifierSeen, event.VerifierLeft:
		return true
	}
	return false
}

// doorOf is the door that an event speaks of.
func doorOf(e *event.Event) (narrowcast.Audience, bool) {
	text := e.Expected
	if text == "" && e.Verifier != nil {
		text = e.Verifier.Audience
	}
	door, err := narrowcast.ParseAudience(text)
	if err == nil && e.Verifier != nil {
		seen, err := narrowcast.ParseAudience(e.Verifier.Audience)
		return door, err == nil && seen == door
	}
	return door, err == nil
}

// nameDoor writes the one form of a door's name, by which records are found.
func nameDoor(e *event.Event, door string) {
	if e.Expected != "" {
		e.Expected = door
	}
	if e.Verifier != nil {
		e.Verifier.Audience = door
	}
}

// misfit is what is wrong with an event of a door at the time now, or "".
func misfit(e *event.Event, now time.Time) string {
	switch {
	case e.Time.After(now.Add(maxAhead)):
		return "is dated more than a minute ahead; look at the clock of its writer."
	case e.Time.Before(now.Add(-maxAge)):
		return "is older than 30 days."
	case e.Key != nil || e.Registry != nil || e.Refusal != "" || e.Revocation != nil || e.Task != nil,
		e.Fold != nil && (e.Type == event.VerifierSeen || e.Type == event.VerifierLeft),
		(e.Verifier != nil) != (e.Type == event.VerifierSeen):
		return "has members that do not belong to its type."
	case e.Fold != nil && (apart(e.Fold.First, e.Time) || apart(e.Fold.Last, e.Time)):
		return "folds presentations that are far from its time."
	case !printable(e):
		return "holds a character that cannot be printed."
	}
	return ""
}

func apart(a, b time.Time) bool { return a.Sub(b).Abs() > maxFolded }

// printable looks at what an enforcement point says in its own words. Control
// characters there would write on the terminal of whoever reads the book.
func printable(e *event.Event) bool {
	own := []string{e.ID, e.Writer, e.Decision, e.Near}
	if v := e.Verifier; v != nil {
		own = append(own, v.Digest, v.Tenant, v.Environment, v.Software)
		own = append(own, v.Algorithms...)
		if v.Feed != nil {
			own = append(own, v.Feed.WhenStale)
		}
		for issuer, class := range v.Issuers {
			own = append(own, issuer, class)
		}
	}
	return !slices.ContainsFunc(own, func(text string) bool { return strings.ContainsFunc(text, unprintable) })
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// soften takes control characters out of what an enforcement point only
// repeats: a path, a peer, the claims of a token. They are not refused, since a
// stranger chose them: a line break in a path would keep the whole record of a
// stolen token out of the book.
func soften(e *event.Event) {
	texts := []*string{&e.Detail}
	for i := range e.Received {
		texts = append(texts, &e.Received[i])
	}
	if r := e.Request; r != nil {
		texts = append(texts, &r.Method, &r.Path, &r.Peer)
	}
	if t := e.Token; t != nil {
		texts = append(texts, &t.ID, &t.Lineage, &t.Task, &t.Issuer, &t.Subject, &t.Client, &t.Scope, &t.KeyID, &t.Parent, &t.StatusList)
		for i := range t.Audience {
			texts = append(texts, &t.Audience[i])
		}
		for i := range t.Actors {
			texts = append(texts, &t.Actors[i])
		}
	}
	for _, text := range texts {
		*text = strings.Map(func(r rune) rune {
			if unprintable(r) {
				return '?'
			}
			return r
		}, *text)
	}
}

// holdsToken keeps tokens out of the book, whoever let one slip into an event.
// A token may stand between other words with dots, as in a path with an ending,
// so every three parts in a row are looked at.
func holdsToken(line []byte) bool {
	for run := range bytes.FieldsFuncSeq(line, outsideToken) {
		parts := strings.Split(string(run), ".")
		for i := 0; i+2 < len(parts); i++ {
			if isToken(parts[i], parts[i+1:i+3]) {
				return true
			}
		}
	}
	return false
}

// isToken also finds a token that stands right behind a word.
func isToken(header string, rest []string) bool {
	for _, from := range []int{0, strings.Index(header, "eyJ")} { // as nearly every JOSE header begins
		if from < 0 {
			continue
		}
		if _, err := narrowcast.Inspect(header[from:] + "." + rest[0] + "." + rest[1]); err == nil {
			return true
		}
	}
	return false
}

func outsideToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}
