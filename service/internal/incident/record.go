package incident

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// WriteRecord tells one record of the book in plain lines.
func WriteRecord(w io.Writer, r store.Record) error {
	p := &printer{w: w}
	e := r.Event
	p.line("record     %d, %s, written by %s", r.Number, stamp(e.Time), word(e.Writer))
	p.line("what       %s", heading(e))
	if e.Reason != 0 {
		p.line("reason     %s: %s", e.Reason, e.Reason.Sentence())
	}
	for _, also := range e.Also {
		p.line("also       %s: %s", also, also.Sentence())
	}
	if e.Expected != "" {
		p.line("expected   %s", word(e.Expected))
	}
	if len(e.Received) > 0 {
		p.line("received   %s", each(e.Received))
	}
	if e.Near != "" {
		p.line("near miss  it %s", words(e.Near))
	}
	if e.Detail != "" {
		p.line("detail     %s", words(e.Detail))
	}
	p.facts(e)
	p.death(e)
	p.house(e)
	if q := e.Request; q != nil {
		p.line("request    %s %s from %s", word(q.Method), word(q.Path), word(q.Peer))
	}
	if e.Decision != "" {
		p.line("decision   %s", word(e.Decision))
	}
	p.line("")
	return p.err
}

func heading(e event.Event) string {
	switch {
	case e.Fold != nil:
		return fmt.Sprintf("%s %d times between %s and %s", e.Type, e.Fold.Count, stamp(e.Fold.First), stamp(e.Fold.Last))
	case e.Refusal != "":
		return fmt.Sprintf("%s with %s", e.Type, word(e.Refusal))
	case e.Type == event.Rejected && !e.Genuine:
		return "rejected; the token is not genuine, so what it says of itself is hearsay"
	}
	return string(e.Type)
}

func (p *printer) facts(e event.Event) {
	t := e.Token
	if t == nil {
		return
	}
	if e.Type == event.Used { // told by a guard, which names no more of it
		p.line("token      %s for %s", word(t.ID), each(t.Audience))
		return
	}
	p.line("token      %s, SHA-256 %s", word(t.ID), t.Fingerprint)
	p.line("says       issued by %s to %s for %s, scope %s", word(t.Issuer), word(t.Client), each(t.Audience), words(t.Scope))
	p.line("life       %s to %s", stamp(t.IssuedAt), stamp(t.Expires))
	p.family(t)
}

// house tells what verifiers, keys and the registry say of themselves.
func (p *printer) house(e event.Event) {
	if v := e.Verifier; v != nil {
		p.line("verifier   of %s, mode %s, configuration %s", word(v.Audience), word(string(v.Mode)), word(short(v.Digest)))
		p.line("trusts     %s, by %s", each(slices.Sorted(maps.Keys(v.Issuers))), each(v.Algorithms))
		p.dialects(v.Issuers)
		p.feed(v)
	}
	if k := e.Key; k != nil {
		p.line("key        %s, %s", word(k.ID), word(k.Algorithm))
	}
	if r := e.Registry; r != nil {
		p.line("registry   revision %d, %s, by %s", r.Revision, word(short(r.Digest)), word(r.Author))
	}
}

// dialects tells how the tokens of issuers differ from those of their class.
func (p *printer) dialects(issuers map[string]string) {
	for _, id := range slices.Sorted(maps.Keys(issuers)) {
		if class, terms, foreign := strings.Cut(issuers[id], "; "); foreign {
			p.line("dialect    %s: %s with %s", word(id), word(class), words(terms))
		}
	}
}
