package probe

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class      string          `xml:"classname,attr"`
	Name       string          `xml:"name,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Failure    *junitNote      `xml:"failure"`
	Skipped    *junitNote      `xml:"skipped"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the report in the XML form of JUnit. A wrong token that was
// accepted is a failure, what is not established is skipped.
func (r *Report) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: "narrowcast probe of " + r.Target, Time: r.Started.Format("2006-01-02T15:04:05")}
	for _, c := range r.Controls {
		test := junitCase{Class: "control", Name: c.ID}
		if !c.Passed {
			test.Failure = &junitNote{c.Says}
		}
		suite.add(test)
	}
	for _, f := range r.Findings {
		suite.add(f.junit())
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
}

func (f *Finding) junit() junitCase {
	c := junitCase{Class: f.Group, Name: f.ID, Properties: []junitProperty{
		{"cwe", "CWE-" + strconv.Itoa(f.CWE)}, {"asvs", f.ASVS}, {"clause", f.Clause},
		{"reason", f.Reason.String()}, {"strict", strconv.FormatBool(f.Strict)},
	}}
	switch f.Verdict {
	case NotEnforced:
		c.Failure = &junitNote{f.sentence()}
	case NotEstablished:
		c.Skipped = &junitNote{f.sentence()}
	}
	return c
}

// sentence says the verdict in words.
func (f *Finding) sentence() string {
	switch f.Verdict {
	case NotEnforced:
		return fmt.Sprintf("the door let in a wrong token with %d: %s (%s)", f.Status, f.Title, f.Clause)
	case NotEstablished:
		return "not established: " + f.Premise
	}
	return "refused: " + f.Title
}
