package incident

import (
	"fmt"
	"io"
	"strings"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// WriteRecord tells one record of the book in plain lines.
func WriteRecord(w io.Writer, r store.Record) error {
	p := &printer{w: w}
	e := r.Event
	p.line("record     %d, %s, written by %s", r.Number, stamp(e.Time), orDash(e.Writer))
	p.line("what       %s", heading(e))
	if e.Reason != 0 {
		p.line("reason     %s: %s", e.Reason, e.Reason.Sentence())
	}
	for _, also := range e.Also {
		p.line("also       %s: %s", also, also.Sentence())
	}
	if e.Expected != "" {
		p.line("expected   %s", orDash(e.Expected))
	}
	if len(e.Received) > 0 {
		p.line("received   %s", orDash(strings.Join(e.Received, " ")))
	}
	if e.Near != "" {
		p.line("near miss  it %s", e.Near)
	}
	if e.Detail != "" {
		p.line("detail     %s", orDash(e.Detail))
	}
	p.facts(e)
	if q := e.Request; q != nil {
		p.line("request    %s %s from %s", orDash(q.Method), orDash(q.Path), orDash(q.Peer))
	}
	if e.Decision != "" {
		p.line("decision   %s", orDash(e.Decision))
	}
	p.line("")
	return p.err
}

func heading(e event.Event) string {
	switch {
	case e.Fold != nil:
		return fmt.Sprintf("%s %d times between %s and %s", e.Type, e.Fold.Count, stamp(e.Fold.First), stamp(e.Fold.Last))
	case e.Refusal != "":
		return fmt.Sprintf("%s with %s", e.Type, e.Refusal)
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
	p.line("token      %s, SHA-256 %s", orDash(t.ID), t.Fingerprint)
	p.line("says       issued by %s to %s for %s, scope %s", orDash(t.Issuer), orDash(t.Client), orDash(strings.Join(t.Audience, " ")), orDash(t.Scope))
	p.line("life       %s to %s", stamp(t.IssuedAt), stamp(t.Expires))
}
