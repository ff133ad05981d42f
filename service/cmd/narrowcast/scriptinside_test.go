package main

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var decisionSaid = regexp.MustCompile(`(?:Narrowcast-Decision: |"decision":")([a-z0-9]{26})`)

// inside PATTERN…: the last answer names a decision, and what "narrowcast why"
// tells of it matches every pattern. What a guard saw takes a moment to get into
// the book.
func cmdInside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: inside PATTERN...")
	}
	answer := ts.ReadFile("stdout")
	id := decisionSaid.FindStringSubmatch(answer)
	if id == nil {
		ts.Fatalf("inside: the last answer names no decision")
	}
	untilTrue(ts, 5*time.Second, "narrowcast why", func() error { return ts.Exec("narrowcast", "why", id[1]) })
	var errs []error
	for _, pattern := range args {
		if told := ts.ReadFile("stdout"); !regexp.MustCompile("(?m)" + pattern).MatchString(told) {
			errs = append(errs, fmt.Errorf("the book does not say %s, but:\n%s", pattern, told))
		}
	}
	ts.Check(errors.Join(errs...))
}
