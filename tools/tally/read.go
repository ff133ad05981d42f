package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// counts are tests that passed and tests that failed.
type counts struct{ Passed, Failed int }

// event is one line of go test -json (go doc test2json), as far as it is read.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64
}

// reader keeps the output of what is still running, so that only failures are
// shown.
type reader struct {
	counts
	show   io.Writer
	output map[string]*strings.Builder
	failed map[string]int // failing tests by package
}

// read shows one line per package and the output of what failed. A line that is
// not JSON is shown as it is: the go command says some things outside the stream.
func read(from io.Reader, show io.Writer) (counts, error) {
	r := &reader{show: show, output: map[string]*strings.Builder{}, failed: map[string]int{}}
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return r.counts, nil
		}
		if err != nil {
			return r.counts, fmt.Errorf("reading test output: %w", err)
		}
	}
}

func (r *reader) line(line []byte) {
	var e event
	if line[0] != '{' || json.Unmarshal(line, &e) != nil {
		fmt.Fprintf(r.show, "%s\n", line)
		return
	}
	switch e.Action {
	case "output":
		r.keep(e.Package+" "+e.Test, e.Output)
	case "build-output":
		fmt.Fprint(r.show, e.Output)
	case "pass", "fail", "skip":
		r.finish(e)
	}
}

func (r *reader) finish(e event) {
	key := e.Package + " " + e.Test
	defer delete(r.output, key)
	switch {
	case e.Test == "":
		r.finishPackage(e)
	case e.Action == "pass":
		r.Passed++
	case e.Action == "skip":
		fmt.Fprintf(r.show, "skipped: %s\n%s", key, r.kept(key))
	case e.Action == "fail":
		r.Failed++
		r.failed[e.Package]++
		fmt.Fprintf(r.show, "FAILED: %s\n%s", key, r.kept(key))
	}
}

func (r *reader) finishPackage(e event) {
	switch {
	case e.Action == "skip":
		return // no tests in it
	case e.Action == "pass":
		fmt.Fprintf(r.show, "ok      %6.1fs  %s\n", e.Elapsed, e.Package)
		return
	case r.failed[e.Package] == 0:
		r.Failed++
		fmt.Fprint(r.show, r.unfinished(e.Package))
	}
	fmt.Fprintf(r.show, "FAILED  %6.1fs  %s\n", e.Elapsed, e.Package)
}

// unfinished is all that is known of a package that died: its own output and
// that of tests that never ended.
func (r *reader) unfinished(pkg string) string {
	var all strings.Builder
	for key, text := range r.output {
		if strings.HasPrefix(key, pkg+" ") {
			all.WriteString(text.String())
		}
	}
	return all.String()
}

// maxKept bounds what is kept of one test; the end says most.
const maxKept = 64 << 10

func (r *reader) keep(key, text string) {
	b := r.output[key]
	if b == nil {
		b = &strings.Builder{}
		r.output[key] = b
	}
	if b.Len() > maxKept {
		tail := b.String()[b.Len()-maxKept/2:]
		b.Reset()
		b.WriteString(tail)
	}
	b.WriteString(text)
}

func (r *reader) kept(key string) string {
	if b := r.output[key]; b != nil {
		return b.String()
	}
	return ""
}
