package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"narrowcast":   func() { os.Exit(mainCode()) },
		"http":         func() { os.Exit(httpMain(os.Args[1:])) },
		"upstream":     func() { os.Exit(upstreamMain(os.Args[1:])) },
		"forge":        func() { os.Exit(forgeMain(os.Args[1:])) },
		"open":         func() { os.Exit(openMain(os.Args[1:])) },
		"witness":      func() { os.Exit(witnessMain(os.Args[1:])) },
		"within":       func() { os.Exit(withinMain(os.Args[1:])) },
		"agents":       func() { os.Exit(agentsMain(os.Args[1:])) },
		"workload":     func() { os.Exit(workloadMain(os.Args[1:])) },
		"cert":         func() { os.Exit(certMain(os.Args[1:])) },
		"ask":          func() { os.Exit(askMain(os.Args[1:])) },
		"platform":     func() { os.Exit(platformMain(os.Args[1:])) },
		"orchestrator": func() { os.Exit(orchestratorMain(os.Args[1:])) },
		"signed":       func() { os.Exit(signedMain(os.Args[1:])) },
	})
}

// mainCode is main without the exit, so that scripts run the real command line.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, &app{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, errs: os.Stderr,
		now: time.Now, getenv: os.Getenv,
	})
}

// TestScript runs the stories in testdata/script, one file each. One story:
// go test ./service/... -run TestScript/b1
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SOON", time.Now().AddDate(0, 0, 7).Format(time.DateOnly)) // for exceptions that must end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"port":      cmdPort,
			"until":     cmdUntil,
			"untilsays": cmdUntilSays,
			"secrets":   cmdSecrets,
			"replace":   cmdReplace,
			"setfile":   cmdSetFile,
			"repeat":    cmdRepeat,
			"exits":     cmdExits,
			"every":     cmdEvery,
			"alike":     cmdAlike,
			"inside":    cmdInside,
		},
	})
}

// port NAME…: sets each variable to a free port of the loopback interface.
func cmdPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: port NAME...")
	}
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close()
		ts.Setenv(name, fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	}
}

// until LIMIT COMMAND ARG…: repeats a command until it succeeds, at most LIMIT
// long. What it waits for is an event, and LIMIT only ends a hopeless wait.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until LIMIT COMMAND ARG...")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	untilTrue(ts, limit, args[1], func() error { return ts.Exec(args[1], args[2:]...) })
}

// untilsays LIMIT PATTERN COMMAND ARG…: repeats a command until it succeeds and
// its standard output matches.
func cmdUntilSays(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: untilsays LIMIT PATTERN COMMAND ARG...")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	untilTrue(ts, limit, args[2], func() error {
		err := ts.Exec(args[2], args[3:]...)
		if err == nil && !pattern.MatchString(ts.ReadFile("stdout")) {
			err = fmt.Errorf("does not say %s, but:\n%s", args[1], ts.ReadFile("stdout"))
		}
		return err
	})
}

func untilTrue(ts *testscript.TestScript, limit time.Duration, what string, try func() error) {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not succeed within %s: %v\n%s", what, limit, err, ts.ReadFile("stderr"))
		}
	}
}

// secrets FILE PATH…: fails when a line of FILE (a token, a key) occurs in any
// file at or below the paths. With "!" it must occur, which is the control.
func cmdSecrets(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] secrets FILE PATH...")
	}
	var needles []string
	for line := range strings.SplitSeq(ts.ReadFile(args[0]), "\n") {
		if line = strings.TrimSpace(line); len(line) >= 16 {
			needles = append(needles, line)
		}
	}
	if len(needles) == 0 {
		ts.Fatalf("secrets: %s holds nothing to look for", args[0])
	}
	where := ""
	for _, root := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(root), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			for _, n := range needles {
				if err == nil && strings.Contains(string(content), n) {
					where = path
				}
			}
			return err
		}))
	}
	switch {
	case where != "" && !neg:
		ts.Fatalf("a secret of %s stands in %s", args[0], where)
	case where == "" && neg:
		ts.Fatalf("no secret of %s was found, the search proves nothing", args[0])
	}
}

// replace FILE OLD NEW…: replaces text in a file; variables are expanded by the
// script before.
func cmdReplace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args)%2 == 0 {
		ts.Fatalf("usage: replace FILE OLD NEW [OLD NEW]...")
	}
	content := ts.ReadFile(args[0])
	for i := 1; i < len(args); i += 2 {
		if !strings.Contains(content, args[i]) {
			ts.Fatalf("replace: %s does not contain %q", args[0], args[i])
		}
		content = strings.ReplaceAll(content, args[i], args[i+1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(content), 0o600))
}

// setfile NAME FILE [PREFIX]: sets a variable to the first line of a file, or to
// the first line that contains PREFIX, from there on.
func cmdSetFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: setfile NAME FILE [PREFIX]")
	}
	for line := range strings.SplitSeq(ts.ReadFile(args[1]), "\n") {
		value := strings.TrimSpace(line)
		if len(args) == 3 {
			at := strings.Index(line, args[2])
			if at < 0 {
				continue
			}
			value = strings.Trim(strings.TrimSpace(line[at+len(args[2]):]), `"`)
			value, _, _ = strings.Cut(value, `"`)
		}
		ts.Setenv(args[0], value)
		return
	}
	ts.Fatalf("setfile: no line of %s contains %q", args[1], args[2:])
}

// repeat N COMMAND ARG…: runs a command N times; every run must succeed.
func cmdRepeat(ts *testscript.TestScript, neg bool, args []string) {
	var n int
	if _, err := fmt.Sscan(args[0], &n); err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: repeat N COMMAND ARG...")
	}
	for range n {
		ts.Check(ts.Exec(args[1], args[2:]...))
	}
}
