package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// paper is what one run found out: on what machine, beside what other load, the
// figures, and how they stand to the goals.
type paper struct {
	Name    string  `json:"benchmark"`
	Machine machine `json:"machine"`
	Note    string  `json:"note"`
	Tables  []table `json:"tables"`
	Goals   []goal  `json:"goals,omitempty"`

	failed error // what must not be; printed behind the figures
}

type machine struct {
	Cores  int       `json:"cores"`
	CPU    string    `json:"cpu"`
	Kernel string    `json:"kernel"`
	Go     string    `json:"go"`
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended"`
	// The load averages over 1, 5 and 15 minutes. The run itself is in the second.
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"`
}

// table is a list of rows with the same columns. A figure that does not apply is
// none.
type table struct {
	Title   string   `json:"title"`
	Columns []column `json:"-"`
	Rows    []row    `json:"rows"`
}

type column struct {
	name   string
	digits int
}

type row struct {
	Who     string             `json:"who"`
	Figures map[string]float64 `json:"figures"`
	values  []float64
}

// goal is a line of the performance targets and what became of it.
type goal struct {
	Row  string  `json:"row"`
	What string  `json:"what"`
	Sign string  `json:"sign"` // <= or >=
	Must float64 `json:"must"`
	Got  float64 `json:"got"`
	Met  bool    `json:"met"`
}

var none = math.NaN()

func newPaper(name, note string) *paper {
	p := &paper{Name: name, Note: note}
	p.Machine = machine{Cores: runtime.NumCPU(), CPU: cpuModel(), Kernel: firstLine("/proc/sys/kernel/osrelease"), Go: runtime.Version()}
	p.Machine.Began, p.Machine.LoadBefore = time.Now().UTC().Truncate(time.Second), load3()
	return p
}

func (t *table) add(who string, values ...float64) {
	r := row{Who: who, Figures: map[string]float64{}, values: values}
	for i, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			r.Figures[t.Columns[i].name] = v
		}
	}
	t.Rows = append(t.Rows, r)
}

// atMost and atLeast compare with a goal.
func (p *paper) atMost(line, what string, got, must float64) {
	p.Goals = append(p.Goals, goal{line, what, "<=", must, got, got <= must})
}

func (p *paper) atLeast(line, what string, got, must float64) {
	p.Goals = append(p.Goals, goal{line, what, ">=", must, got, got >= must})
}

// print writes the paper as text or as one JSON object.
func (p *paper) print(asJSON bool) error {
	p.Machine.Ended, p.Machine.LoadAfter = time.Now().UTC().Truncate(time.Second), load3()
	if asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	m := p.Machine
	fmt.Printf("%s: %d cores, %s, Linux %s, %s, %s, load %s before and %s after.\n%s\n",
		p.Name, m.Cores, m.CPU, m.Kernel, m.Go, m.Began.Format(time.DateOnly), m.LoadBefore, m.LoadAfter, p.Note)
	for _, t := range p.Tables {
		if err := t.print(); err != nil {
			return err
		}
	}
	if len(p.Goals) > 0 {
		fmt.Println()
	}
	for _, g := range p.Goals {
		verdict := "met"
		if !g.Met {
			verdict = "NOT met"
		}
		fmt.Printf("goal %s: %s: %.2f %s %.2f: %s\n", g.Row, g.What, g.Got, g.Sign, g.Must, verdict)
	}
	return nil
}

func (t *table) print() error {
	fmt.Printf("\n%s\n", t.Title)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, c := range t.Columns {
		fmt.Fprint(w, c.name, "\t")
	}
	fmt.Fprintln(w)
	for _, r := range t.Rows {
		fmt.Fprint(w, r.Who, "\t")
		for i, v := range r.values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				fmt.Fprint(w, "-\t")
			} else {
				fmt.Fprintf(w, "%.*f\t", t.Columns[i].digits, v)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// progress tells somebody who waits what is going on. It stays out of the result.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func firstLine(path string) string {
	text, _ := os.ReadFile(path) // another system has none
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

func load3() string {
	fields := strings.Fields(firstLine("/proc/loadavg"))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
