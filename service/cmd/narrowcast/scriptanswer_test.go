package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// atMost bounds a program that is expected to end by itself, so that a guard that
// starts against all expectation does not hold up the story.
const atMost = "30s"

// withinMain is the command "within" of the scripts: it runs a program, ends with
// its exit code, and kills it after a time limit.
func withinMain(args []string) int {
	limit, err := time.ParseDuration(strings.Join(args[:min(1, len(args))], ""))
	if err != nil || len(args) < 2 {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	program := exec.CommandContext(ctx, args[1], args[2:]...)
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = program.Run()
	if ctx.Err() != nil {
		fmt.Fprintf(os.Stderr, "%s was still running after %s\n", args[1], limit)
		return 124
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	return 0
}

// exits CODE PROGRAM ARG…: the program must end by itself, with this exit code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(strings.Join(args[:min(1, len(args))], ""))
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	err = ts.Exec("within", append([]string{atMost}, args[1:]...)...)
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
