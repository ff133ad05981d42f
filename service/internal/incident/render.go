package incident

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText tells the answer in plain lines. What strangers wrote stays inside
// its place.
func (a *Answer) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.token(a)
	p.line("")
	p.line("Where it could have worked, judged as of %s, by what verifiers said from %s to %s:", stamp(a.AsOf), stamp(a.Since), stamp(a.Until))
	p.doors(a.Doors)
	if len(a.Others) > 0 {
		p.line("")
		p.line("Doors that are not in the registry and that the book knows of:")
		p.doors(a.Others)
	}
	p.line("")
	p.showings(a)
	p.line("")
	p.end(a)
	return p.err
}

func (p *printer) end(a *Answer) {
	switch {
	case a.Confined:
		p.line("Confined: no door but its own would have accepted it.")
	case len(a.Doors) == 0:
		p.line("Not confined: there is no registered door to judge by.")
	default:
		p.line("Not confined: some other door would have accepted it, or might have.")
	}
}

func (p *printer) token(a *Answer) {
	t := a.Token
	p.line("token      %s  (SHA-256 %s)", word(t.ID), t.Fingerprint)
	p.line("addressed  %s", each(t.Audience))
	p.line("issued by  %s to %s, scope %s", word(t.Issuer), word(t.Client), words(t.Scope))
	p.line("life       %s to %s: %s", stamp(t.IssuedAt), stamp(t.Expires), a.Life)
	if a.Genuine {
		p.line("signature  checked and right")
	} else {
		p.line("signature  not established: %s", words(a.Doubt))
	}
	if d := a.Death; d != nil {
		p.line("ended      %s: %s, by record %d of the book", word(d.Reason.String()), stamp(d.Time), d.Record)
	}
	switch i := a.Issued; {
	case i == nil:
		p.line("record     the book has no record of minting these bytes")
	case i.OtherBytes:
		p.line("record     number %d of the book, %s, minted a token with this id and other bytes", i.Number, stamp(i.Time))
	default:
		p.line("record     number %d of the book, %s", i.Number, stamp(i.Time))
	}
}

func (p *printer) doors(doors []Finding) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 4, 2, ' ', 0)
	for _, f := range doors {
		name := f.Name
		if name == "" {
			name = f.Resource
		}
		check := word(f.Reason.String())
		if f.Near != "" {
			check += " (" + f.Near + ")"
		}
		note := ""
		switch {
		case f.Own:
			note = "its own door"
		case f.Standing == Disabled:
			note = "disabled"
		}
		_, err := fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s: %s\n", f.Verdict, word(name), check, note, f.Evidence, f.Basis+f.Now.text())
		if err != nil {
			p.err = err
			return
		}
	}
	p.err = t.Flush()
}

// text goes on from the basis of the verdict about its whole life.
func (n *Present) text() string {
	switch {
	case n == nil:
		return ""
	case n.Verdict == Refuses:
		return fmt.Sprintf("; by now it refuses with %s: %s", word(n.Reason.String()), n.Basis)
	}
	return fmt.Sprintf("; it was called back, and the verdict stays %s: %s", n.Verdict, n.Basis)
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
		p.line("  %s  %s  %s%s  %s  from %s", stamp(s.Time), word(s.Door), s.Outcome, times, word(s.Reason.String()), word(s.Peer))
	}
}
