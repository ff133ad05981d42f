package probe

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes the report as a table for people: the controls, the groups,
// and every fault that is not refused.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "target    %s\naudience  %s\nissuer    %s\n\n", r.Target, r.Audience, r.Issuer)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	r.controlRows(t)
	r.groupRows(t)
	r.findingRows(t, "not enforced: the door let these tokens in", NotEnforced)
	r.findingRows(t, "not established", NotEstablished)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if r.Stopped != "" {
		fmt.Fprintf(&b, "\nstopped: %s\n", r.Stopped)
	}
	fmt.Fprintf(&b, "\n%d enforced, %d not enforced, %d not established, in %d requests\n",
		r.Count(Enforced), r.Count(NotEnforced), r.Count(NotEstablished), r.Requests)
	_, err := w.Write(b.Bytes())
	return err
}

func (r *Report) controlRows(t io.Writer) {
	for _, c := range r.Controls {
		outcome := "as it should be"
		if !c.Passed {
			outcome = c.Says
		}
		fmt.Fprintf(t, "%s\t%d\t%s\n", c.ID, c.Status, outcome)
	}
}

func (r *Report) groupRows(t io.Writer) {
	count, order := map[string]map[Verdict]int{}, []string{}
	for _, f := range r.Findings {
		if count[f.Group] == nil {
			count[f.Group] = map[Verdict]int{}
			order = append(order, f.Group)
		}
		count[f.Group][f.Verdict]++
	}
	fmt.Fprint(t, "\ngroup\tenforced\tnot enforced\tnot established\n")
	for _, g := range order {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\n", g, count[g][Enforced], count[g][NotEnforced], count[g][NotEstablished])
	}
}

func (r *Report) findingRows(t io.Writer, heading string, v Verdict) {
	if r.Count(v) == 0 {
		return
	}
	fmt.Fprintf(t, "\n%s\n", heading)
	for _, f := range r.Findings {
		switch {
		case f.Verdict != v:
		case v == NotEnforced:
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\tCWE-%d\n", f.ID, f.Status, f.Title, f.Clause, f.CWE)
		default:
			fmt.Fprintf(t, "%s\t%s\n", f.ID, f.Premise)
		}
	}
}
