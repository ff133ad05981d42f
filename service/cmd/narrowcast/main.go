// Command narrowcast is the one binary: the issuer, the standalone enforcement
// point and the tools for operators and responders.
//
// Exit codes: 0 it worked; 1 it failed; 2 the command line or a configuration
// file is wrong, and nothing was started; 3 it worked and found something (a
// door that would accept a token, a verifier that accepts a wrong one).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &app{
		args: os.Args[1:], in: os.Stdin, out: os.Stdout, errs: os.Stderr,
		now: time.Now, getenv: os.Getenv,
	})
	stop()
	os.Exit(code)
}
