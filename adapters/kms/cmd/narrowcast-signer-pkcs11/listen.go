package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// maxConns bounds who may be connected at once.
const maxConns = 16

// listen serves everybody who may open the socket: the same user, by its mode.
func listen(path string, c protocol.Config) error {
	if err := clean(path); err != nil {
		return err
	}
	before := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(before)
	if err != nil {
		return err
	}
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(caught)
	var over atomic.Bool
	go func() { <-caught; over.Store(true); _ = l.Close() }()
	slots := make(chan struct{}, maxConns)
	for {
		conn, err := l.Accept()
		if err != nil {
			if over.Load() {
				return nil
			}
			return err
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; _ = conn.Close() }()
			if err := protocol.Serve(conn, conn, c); err != nil && !over.Load() {
				c.Log(err.Error())
			}
		}()
	}
}

// clean removes a socket on which nobody listens any more.
func clean(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return fmt.Errorf("somebody listens on %s already", path)
	}
	return os.Remove(path)
}
