// Package signer reaches signing keys that are kept by a helper program: it
// speaks the sign protocol (adapters/kms/README.md) with a child process or over
// a Unix socket. A vendor's library crashes and leaks there and not here, the
// program may run under another user, and it can be written in any language.
//
// The program is not trusted with more than its keys. Every signature is checked
// before it is handed on, every line is bounded, every question has a deadline,
// and a program that dies or falls silent is started again. No error carries
// what was to be signed.
package signer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Errors that a caller may tell apart. Those that a program reports by a code
// are in faults.
var (
	// ErrAway: the program does not run, or did not answer in time.
	ErrAway = errors.New("the signer does not answer")
	// ErrForged: the program returned something that is not a signature by the key.
	ErrForged = errors.New("the signer returned something that is not a signature by this key")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the signer was closed")
)

// Config says which program is asked. Either Command or Socket is required.
type Config struct {
	// Command is the absolute path of a program that is started and speaks on its
	// standard input and output. No shell is involved.
	Command string
	Args    []string
	// Environment are the names of the variables that the program sees; it sees
	// no others.
	Environment []string
	// Socket is the path of a Unix socket on which a program listens. Who can
	// create that file is asked for signatures.
	Socket string
	// Label is written beside keys that are made, for people who look into the
	// module. At most 128 printable ASCII characters.
	Label string
	// Timeout bounds a signature; default 5 s.
	Timeout time.Duration
	// GenerateWithin bounds the making of a key; default 2 min.
	GenerateWithin time.Duration
	// Concurrent is how many questions may be open at once; default 16.
	Concurrent int
	// Log takes sentences for operators: why the program was started again, and
	// what it wrote to its standard error, at most 1 KiB a line. Default: nobody.
	Log func(string)
	// Lookup finds variables of Environment; required when there are any.
	Lookup func(name string) (value string, ok bool)

	_ struct{}
}

const (
	maxConcurrent = 1024
	maxArgs       = 64
	maxLabel      = 128
	longestWait   = 10 * time.Minute
)

func (c *Config) complete() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	c.setDefaults()
	require((c.Command == "") != (c.Socket == ""), "either Command or Socket is required")
	require(c.Command == "" || filepath.IsAbs(c.Command), "Command must be an absolute path")
	require(c.Socket == "" || filepath.IsAbs(c.Socket) && len(c.Args)+len(c.Environment) == 0, "Socket must be an absolute path, and takes no Args and no Environment")
	require(len(c.Args) <= maxArgs, fmt.Sprintf("at most %d Args", maxArgs))
	require(len(c.Environment) == 0 || c.Lookup != nil, "Lookup is required for Environment")
	for _, name := range c.Environment {
		require(name != "" && !strings.ContainsAny(name, "=\x00"), fmt.Sprintf("Environment names variables, without values: %q", name))
	}
	require(printable(c.Label, maxLabel), fmt.Sprintf("Label must be at most %d printable ASCII characters", maxLabel))
	require(c.Timeout > 0 && c.Timeout <= longestWait, "Timeout must be above zero and at most ten minutes")
	require(c.GenerateWithin >= c.Timeout && c.GenerateWithin <= longestWait, "GenerateWithin must be at least Timeout and at most ten minutes")
	require(c.Concurrent > 0 && c.Concurrent <= maxConcurrent, fmt.Sprintf("Concurrent must be between 1 and %d", maxConcurrent))
	return errors.Join(errs...)
}

func (c *Config) setDefaults() {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.GenerateWithin == 0 {
		c.GenerateWithin = max(2*time.Minute, c.Timeout)
	}
	if c.Concurrent == 0 {
		c.Concurrent = 16
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
}

func printable(s string, most int) bool {
	return len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// Client asks one program. It may be used by many goroutines. The zero Client
// signs nothing.
type Client struct {
	config Config
	stop   context.CancelFunc
	done   chan struct{}

	lock    sync.Mutex
	now     *link           // nil while there is none
	why     error           // there is none
	changed chan struct{}   // closed when now or why changes
	offers  map[string]bool // algorithms
}

// Open starts or reaches the program and greets it. It returns ErrAway,
// ErrLocked. Close ends what it began.
func Open(ctx context.Context, config Config) (*Client, error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("opening a signer: %w", err)
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Client{config: config, stop: stop, done: make(chan struct{}), changed: make(chan struct{})}
	first := make(chan error, 1)
	go c.supervise(alive, first)
	var err error
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("opening a signer: %w", err)
	}
	return c, nil
}

// Close ends the program, or the connection to it. What is under way fails.
func (c *Client) Close() error {
	if c.stop != nil {
		c.stop()
		<-c.done
	}
	return nil
}

// Algorithms returns those for which the program makes keys, by its greeting.
func (c *Client) Algorithms() []narrowcast.Algorithm {
	c.lock.Lock()
	defer c.lock.Unlock()
	var all []narrowcast.Algorithm
	for _, name := range slices.Sorted(maps.Keys(c.offers)) {
		if alg, err := narrowcast.ParseAlgorithm(name); err == nil {
			all = append(all, alg)
		}
	}
	return all
}

// Format names a client by its program, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "signer "+c.config.Command+c.config.Socket)
}
