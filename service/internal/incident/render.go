package incident

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText tells the answer in plain lines.
func (a *Answer) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.token(a)
	p.line("")
	p.line("Where it could have worked, judged as of %s:", a.AsOf.Format(time.RFC3339))
	p.doors(a.Doors)
	p.line("")
	p.showings(a)
	p.line("")
	if a.Confined {
		p.line("Confined: no door but its own would accept it.")
	} else {
		p.line("Not confined: some other door would or might accept it.")
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) token(a *Answer) {
	t := a.Token
	p.line("token      %s  (SHA-256 %s)", orDash(t.ID), t.Fingerprint)
	p.line("addressed  %s", orDash(strings.Join(t.Audience, " ")))
	p.line("issued by  %s to %s, scope %s", orDash(t.Issuer), orDash(t.Client), orDash(t.Scope))
	life := "has expired"
	if a.Alive {
		life = "is alive"
	}
	p.line("life       %s to %s: it %s", stamp(t.IssuedAt), stamp(t.Expires), life)
	if a.Genuine {
		p.line("signature  checked and right")
	} else {
		p.line("signature  not established: %s", a.Doubt)
	}
	if a.Issued != nil {
		p.line("record     number %d of the book, %s", a.Issued.Number, stamp(a.Issued.Time))
	} else {
		p.line("record     the book has no record of minting these bytes")
	}
}

func (p *printer) doors(doors []Finding) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 4, 2, ' ', 0)
	for _, f := range doors {
		check := f.Reason.String()
		if f.Near != "" {
			check += " (" + f.Near + ")"
		}
		own := ""
		if f.Own {
			own = "its own door"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s: %s\n", f.Verdict, f.Name, orDash(check), own, f.Evidence, f.Basis)
	}
	p.err = t.Flush()
}

func (p *printer) showings(a *Answer) {
	p.line("Where it was shown, as far as the book knows (%s):", a.Coverage)
	if len(a.Showings) == 0 {
		p.line("  no presentation is on record")
	}
	for _, s := range a.Showings {
		times := ""
		if s.Count > 1 {
			times = fmt.Sprintf(" ×%d", s.Count)
		}
		p.line("  %s  %s  %s%s  %s  from %s", stamp(s.Time), s.Door, s.Outcome, times, orDash(s.Reason.String()), orDash(s.Peer))
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// orDash shows a text that somebody else may have chosen: what could steer a
// terminal is made visible instead.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	if quoted := strconv.QuoteToASCII(s); len(quoted) != len(s)+2 {
		return quoted
	}
	return s
}
