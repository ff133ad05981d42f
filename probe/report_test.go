package probe_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/probe"
)

// forgetful is a report about a door that does not look at the audience.
func forgetful(t *testing.T) *probe.Report {
	t.Helper()
	return visit(t, door(verifier(t, nil), (*narrowcast.Rejection).OnlyAboutAudience), nil)
}

func TestReportsHoldNoTokenAndNoQuery(t *testing.T) {
	r := forgetful(t)
	var all bytes.Buffer
	for _, write := range []func() error{
		func() error { return r.WriteText(&all) }, func() error { return r.WriteJSON(&all) },
		func() error { return r.WriteJUnit(&all) }, func() error { return r.WriteSARIF(&all) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if token := regexp.MustCompile(`eyJ[\w-]{20,}`).Find(all.Bytes()); token != nil {
		t.Errorf("a report holds a token: %.20s…", token)
	}
	if strings.Contains(all.String(), "hidden-query") {
		t.Error("a report holds the query of the target")
	}
}

func TestTextNamesWhatWasLetIn(t *testing.T) {
	var b strings.Builder
	if err := forgetful(t).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"control.right", "audience.missing", "CWE-1270", "RFC 9068 §4", "not established", "needs second-issuer"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, b.String())
		}
	}
}

func TestJSONComesBack(t *testing.T) {
	r := forgetful(t)
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var again probe.Report
	if err := json.Unmarshal(b.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if again.Version != probe.ReportVersion || again.Count(probe.NotEnforced) != r.Count(probe.NotEnforced) || again.Findings[0].Reason == 0 {
		t.Errorf("the report comes back as %+v", again.Findings[0])
	}
}

func TestJUnitCountsFailuresAndSkips(t *testing.T) {
	r := forgetful(t)
	var b bytes.Buffer
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	failures, skipped := 0, 0
	for _, c := range suite.Cases {
		if c.Failure != nil {
			failures++
		}
		if c.Skipped != nil {
			skipped++
		}
	}
	if suite.Tests != len(r.Findings)+len(r.Controls) || len(suite.Cases) != suite.Tests ||
		suite.Failures != r.Count(probe.NotEnforced) || failures != suite.Failures ||
		suite.Skipped != r.Count(probe.NotEstablished) || skipped != suite.Skipped {
		t.Errorf("suite = %d tests, %d failures (%d), %d skipped (%d)", suite.Tests, suite.Failures, failures, suite.Skipped, skipped)
	}
}

func TestSARIFTagsEveryRule(t *testing.T) {
	r := forgetful(t)
	var b bytes.Buffer
	if err := r.WriteSARIF(&b); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID         string
						Properties struct{ Tags []string }
					}
				}
			}
			Results []struct {
				RuleID, Kind, Level string
				RuleIndex           int
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != len(r.Findings) {
		t.Fatalf("version %s, %d results", log.Version, len(run.Results))
	}
	fails := 0
	for _, result := range run.Results {
		rule := run.Tool.Driver.Rules[result.RuleIndex]
		if rule.ID != result.RuleID || len(rule.Properties.Tags) != 3 {
			t.Errorf("%s: rule %+v", result.RuleID, rule)
		}
		if result.Kind == "fail" {
			fails++
		} else if result.Level != "none" {
			t.Errorf("%s: kind %s with level %s", result.RuleID, result.Kind, result.Level)
		}
	}
	if fails != r.Count(probe.NotEnforced) {
		t.Errorf("%d results fail; want %d", fails, r.Count(probe.NotEnforced))
	}
}
