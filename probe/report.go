package probe

import (
	"encoding/json"
	"io"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// ReportVersion is written into every report.
const ReportVersion = 1

// Report is what one visit showed. It holds no token and no answer's body.
type Report struct {
	Version  int       `json:"version"`
	Target   string    `json:"target"` // without its query
	Audience string    `json:"audience"`
	Issuer   string    `json:"issuer"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended"`
	Requests int       `json:"requests"`
	Stopped  string    `json:"stopped,omitempty"` // why the visit ended early
	Controls []Control `json:"controls"`
	Findings []Finding `json:"findings"` // one for each fault of the catalogue
}

// Finding is the verdict about one fault.
type Finding struct {
	ID      string            `json:"id"`
	Title   string            `json:"title"`
	Group   string            `json:"group"`
	Verdict Verdict           `json:"verdict"`
	Status  int               `json:"status,omitempty"`  // 0 when nothing was sent or answered
	Premise string            `json:"premise,omitempty"` // what is missing, when not established
	Reason  narrowcast.Reason `json:"reason"`            // what a verifier would say
	Clause  string            `json:"clause"`
	Source  string            `json:"source"`
	CWE     int               `json:"cwe"`
	ASVS    string            `json:"asvs"`             // of OWASP ASVS 5.0
	Strict  bool              `json:"strict,omitempty"` // refused by the laws of this project, not by the letter of an RFC

	order int
}

// Count returns how many findings have the verdict v.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Passed reports whether the visit was completed, all controls came out as they
// should, something was shown, and no wrong token was accepted.
func (r *Report) Passed() bool {
	for _, c := range r.Controls {
		if !c.Passed {
			return false
		}
	}
	return r.Stopped == "" && r.Count(Enforced) > 0 && r.Count(NotEnforced) == 0
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
