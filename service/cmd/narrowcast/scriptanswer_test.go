package main

import (
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits CODE PROGRAM ARG…: the program must end with this exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(strings.Join(args[:min(1, len(args))], ""))
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// every PATTERN FILE: each line of the file must match, and there must be one.
func cmdEvery(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: every PATTERN FILE")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	text := strings.TrimSpace(ts.ReadFile(args[1]))
	if text == "" {
		ts.Fatalf("every: %s is empty", args[1])
	}
	for line := range strings.SplitSeq(text, "\n") {
		if !pattern.MatchString(line) {
			ts.Fatalf("every: this line of %s does not match: %s", args[1], line)
		}
	}
}

// What differs between two answers to the same refusal: the decision id and the
// clock.
var (
	decisionPattern = regexp.MustCompile(`(?m)^Narrowcast-Decision: ([a-z2-7]{26})$`)
	datePattern     = regexp.MustCompile(`(?m)^Date: .*$`)
)

// alike FILE FILE…: the files hold answers as "http" prints them, which must be
// equal in status, headers and body apart from the decision id, which must
// differ, and the date. With "!" no two of them may be equal.
func cmdAlike(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] alike FILE FILE...")
	}
	ids, answers := map[string]string{}, map[string]string{}
	for _, name := range args {
		text := ts.ReadFile(name)
		id := decisionPattern.FindStringSubmatch(text)
		if id == nil {
			ts.Fatalf("alike: %s names no decision", name)
		}
		if other := ids[id[1]]; other != "" {
			ts.Fatalf("alike: %s and %s share a decision", other, name)
		}
		ids[id[1]] = name
		text = datePattern.ReplaceAllString(strings.ReplaceAll(text, id[1], "DECISION"), "Date: DATE")
		if other := answers[text]; other != "" && neg {
			ts.Fatalf("alike: %s and %s are equal", other, name)
		}
		answers[text] = name
	}
	if len(answers) > 1 && !neg {
		for text, name := range answers {
			ts.Logf("%s:\n%s", name, text)
		}
		ts.Fatalf("alike: there are %d different answers", len(answers))
	}
}
