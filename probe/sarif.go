package probe

import (
	"encoding/json"
	"fmt"
	"io"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string          `json:"id"`
	Short      sarifText       `json:"shortDescription"`
	Full       sarifText       `json:"fullDescription"`
	Properties sarifProperties `json:"properties"`
}

type sarifProperties struct {
	Tags   []string `json:"tags"`
	CWE    int      `json:"cwe"`
	ASVS   string   `json:"asvs"`
	Clause string   `json:"clause"`
	Strict bool     `json:"strict"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Start         string              `json:"startTimeUtc"`
	End           string              `json:"endTimeUtc"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Kind      string          `json:"kind"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
	} `json:"physicalLocation"`
}

// WriteSARIF writes the report as a SARIF 2.1.0 log. Each fault is a rule that
// is tagged with its CWE and its requirement of OWASP ASVS 5.0; each finding is
// a result of kind fail, pass or open.
func (r *Report) WriteSARIF(w io.Writer) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "narrowcast", InformationURI: "https://github.com/narrowcast-io/narrowcast", Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{r.invocation()},
		Results:     []sarifResult{},
	}
	var at sarifLocation
	at.Physical.Artifact.URI = r.Target
	for i, f := range r.Findings {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, f.rule())
		kind, level := f.sarif()
		run.Results = append(run.Results, sarifResult{
			RuleID: f.ID, RuleIndex: i, Kind: kind, Level: level,
			Message: sarifText{f.sentence()}, Locations: []sarifLocation{at},
		})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func (r *Report) invocation() sarifInvocation {
	const rfc3339 = "2006-01-02T15:04:05Z"
	i := sarifInvocation{Successful: r.Stopped == "", Start: r.Started.UTC().Format(rfc3339), End: r.Ended.UTC().Format(rfc3339)}
	for _, c := range r.Controls {
		if !c.Passed {
			i.Notifications = append(i.Notifications, sarifNotification{"error", sarifText{c.ID + ": " + c.Says}})
		}
	}
	if r.Stopped != "" {
		i.Notifications = append(i.Notifications, sarifNotification{"error", sarifText{"stopped: " + r.Stopped}})
	}
	return i
}

func (f *Finding) rule() sarifRule {
	return sarifRule{
		ID: f.ID, Short: sarifText{f.Title},
		Full: sarifText{fmt.Sprintf("A token with this fault must be refused: %s. Source: %s.", f.Reason.Sentence(), f.Source)},
		Properties: sarifProperties{
			Tags: []string{"security", fmt.Sprintf("external/cwe/cwe-%d", f.CWE), "asvs-5.0/" + f.ASVS},
			CWE:  f.CWE, ASVS: f.ASVS, Clause: f.Clause, Strict: f.Strict,
		},
	}
}

// sarif returns kind and level. The level of anything but a failure is none
// (SARIF section 3.27.10).
func (f *Finding) sarif() (kind, level string) {
	switch {
	case f.Verdict == NotEnforced && f.Strict:
		return "fail", "warning"
	case f.Verdict == NotEnforced:
		return "fail", "error"
	case f.Verdict == Enforced:
		return "pass", "none"
	}
	return "open", "none"
}
