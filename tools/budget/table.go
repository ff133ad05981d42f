package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// longFunction is the number of lines above which a function is counted as long.
const longFunction = 60

// printTable writes one row per measure, with what the house allows beside it.
func printTable(w io.Writer, parts []*part) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, budget string, value func(*part) string) {
		fmt.Fprintf(t, "%s\t%s", name, budget)
		for _, p := range parts {
			fmt.Fprintf(t, "\t%s", value(p))
		}
		fmt.Fprintln(t)
	}
	row("", "budget", func(p *part) string { return p.name })
	row("files / lines", "", func(p *part) string { return fmt.Sprintf("%d / %d", len(p.files), p.lines) })
	row("file median", "180", func(p *part) string { return at(p.files, 50) })
	row("file p90", "450", func(p *part) string { return at(p.files, 90) })
	row("file longest", "", func(p *part) string { return longest(p.files) })
	row("function median", "10", func(p *part) string { return at(p.functions, 50) })
	row("function p90", "", func(p *part) string { return at(p.functions, 90) })
	row("functions above 60", "4 %", func(p *part) string { return percent(long(p.functions), len(p.functions)) })
	row("function longest", "", func(p *part) string { return longest(p.functions) })
	row("documented exports", "100 %", func(p *part) string { return percent(p.exported-len(p.missing), p.exported) })
	row("comment lines", "15-30 %", func(p *part) string { return percent(p.comments, p.lines) })
	row("test lines per line", "1-2", func(p *part) string { return ratio(p.testLines, p.lines) })
	t.Flush()
}

// at returns the size below which the given share of all sizes lies.
func at(sizes []size, share int) string {
	if len(sizes) == 0 {
		return "-"
	}
	sorted := slices.SortedFunc(slices.Values(sizes), func(a, b size) int { return cmp.Compare(a.lines, b.lines) })
	return fmt.Sprint(sorted[min(len(sorted)*share/100, len(sorted)-1)].lines)
}

func longest(sizes []size) string {
	if len(sizes) == 0 {
		return "-"
	}
	top := slices.MaxFunc(sizes, func(a, b size) int { return cmp.Compare(a.lines, b.lines) })
	return fmt.Sprintf("%d %s", top.lines, top.name)
}

func long(sizes []size) int {
	n := 0
	for _, s := range sizes {
		if s.lines > longFunction {
			n++
		}
	}
	return n
}

// percent shows a share to one decimal; a share that is not whole is never
// rounded up to 100.
func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	thousandths := n * 1000 / of
	return fmt.Sprintf("%d.%d %%", thousandths/10, thousandths%10)
}

func ratio(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/float64(of))
}
