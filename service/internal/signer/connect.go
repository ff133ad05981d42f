package signer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// endWithin is how long a child may take to end after its input was closed.
const endWithin = time.Second

func (c *Client) connect(ctx context.Context) (stream, error) {
	if c.config.Socket != "" {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", c.config.Socket)
		if err != nil {
			return nil, err
		}
		return socket{conn}, nil
	}
	return c.start()
}

type socket struct{ net.Conn }

func (s socket) end() { _ = s.Close() }

// child is a program that was started here.
type child struct {
	io.Reader // its standard output
	io.Writer // its standard input
	in        io.Closer
	kill      context.CancelFunc
	gone      chan struct{}
	once      sync.Once
	cmd       *exec.Cmd
}

// start starts the program without a shell and with the named variables alone.
func (c *Client) start() (stream, error) {
	ctx, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, c.config.Command, c.config.Args...)
	cmd.Env = []string{} // not nil, which would mean everything
	for _, name := range c.config.Environment {
		if value, ok := c.config.Lookup(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Stderr = &complaints{log: c.config.Log}
	cmd.WaitDelay = endWithin
	in, err := cmd.StdinPipe()
	if err == nil {
		var out io.ReadCloser
		if out, err = cmd.StdoutPipe(); err == nil {
			err = cmd.Start()
			if err == nil {
				return &child{Reader: out, Writer: in, in: in, kill: kill, gone: make(chan struct{}), cmd: cmd}, nil
			}
		}
	}
	kill()
	return nil, fmt.Errorf("starting %s: %w", c.config.Command, err)
}

func (c *child) end() {
	c.once.Do(func() {
		_ = c.in.Close() // a program ends when its input does
		late := time.AfterFunc(endWithin, c.kill)
		_ = c.cmd.Wait()
		late.Stop()
		c.kill()
		close(c.gone)
	})
	<-c.gone
}

// complaints hands on what a program writes to its standard error, by lines,
// without what would write on a terminal.
type complaints struct {
	log  func(string)
	rest []byte
}

const maxComplaint = 1 << 10

func (c *complaints) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, after, whole := bytes.Cut(p, []byte{'\n'})
		c.rest = append(c.rest, line[:min(len(line), maxComplaint-len(c.rest))]...)
		if whole {
			c.log("the signer says: " + strings.Map(plain, string(c.rest)))
			c.rest = c.rest[:0]
		}
		p = after
	}
	return n, nil
}

func plain(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
