package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// app is what a command may touch of the world outside.
type app struct {
	args   []string
	in     io.Reader
	out    io.Writer // results
	errs   io.Writer // everything else
	now    func() time.Time
	getenv func(string) string

	home string // --home
	json bool   // --json

	started bool // a command was found and its arguments are right
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitFound  = 3
)

// exitError carries an exit code to main.
type exitError struct {
	code int
	err  error // nil when everything was said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks an error of the command line or of a configuration file.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, err: err}
}

// found ends a command that worked and found something.
func found() error { return &exitError{code: exitFound} }

// run executes one command line and returns its exit code.
func run(ctx context.Context, a *app) int {
	root := a.command()
	root.SetArgs(a.args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if !a.started {
		code = exitUsage // the command line was not understood
	}
	var exit *exitError
	if errors.As(err, &exit) {
		code, err = exit.code, exit.err
	}
	if err != nil {
		fmt.Fprintln(a.errs, "narrowcast: "+redact(err.Error()))
	}
	return code
}

// command builds the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "narrowcast",
		Short: "Access tokens with an audience of one, checked at every resource server",
		Long: `Narrowcast mints access tokens that open exactly one door, checks them at every
door, and answers what a leaked one could have opened.

Try it:        narrowcast demo
Run an issuer: narrowcast init DIR, then narrowcast serve --home DIR
Guard an API:  narrowcast guard --config guard.yaml
Leaked token:  narrowcast where - < token.txt

Exit codes: 0 it worked; 1 it failed; 2 the command line or a configuration file
is wrong and nothing was started; 3 it worked and found something.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&a.home, "home", a.defaultHome(), "the issuer's directory, made by init (environment: NARROWCAST_HOME)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON instead of text")
	root.PersistentPreRun = func(*cobra.Command, []string) { a.started = true }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddGroup(
		&cobra.Group{ID: "start", Title: "Start here:"},
		&cobra.Group{ID: "issue", Title: "Run the issuer:"},
		&cobra.Group{ID: "guard", Title: "Guard a door:"},
		&cobra.Group{ID: "ask", Title: "Ask about a token:"},
	)
	for _, c := range a.commands() {
		root.AddCommand(c)
	}
	return root
}

func (a *app) defaultHome() string {
	if dir := a.getenv("NARROWCAST_HOME"); dir != "" {
		return dir
	}
	return "."
}

// print writes a result as one JSON object, or by text.
func (a *app) print(v any, text func(w io.Writer) error) error {
	if !a.json {
		return text(a.out)
	}
	return a.printJSON(v)
}

func (a *app) printJSON(v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := a.out.Write(visible(line.Bytes()))
	return err
}

// needsSubcommand is the work of a command that only groups others: without it a
// misspelt subcommand would print help and succeed.
func needsSubcommand(c *cobra.Command, args []string) error {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	all := strings.Join(names, ", ")
	if len(args) == 0 {
		return usage(fmt.Errorf("%s needs one of its subcommands: %s", c.CommandPath(), all))
	}
	return usage(fmt.Errorf("unknown command %q for %s; there are: %s", args[0], c.CommandPath(), all))
}

// exactArgs is cobra.ExactArgs with our exit code and a sentence.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(fmt.Errorf("this command takes %s, and got %d arguments", what, len(args)))
		}
		return nil
	}
}
