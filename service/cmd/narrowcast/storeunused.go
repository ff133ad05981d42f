package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// unused fails when a process is seen that has the store of s open: a file by
// its locks, a database by the issuer that answers where the settings say. A
// replica on another machine is not seen.
func unused(ctx context.Context, s settings.Issuer) error {
	switch {
	case s.Database != "":
		pid, err := opener(s.Database)
		if err == nil && pid != 0 {
			err = fmt.Errorf("process %d has %s open; end the issuer first", pid, s.Database)
		}
		return err
	case s.Hosted:
		return nil // the address is that of another house
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", s.Listen)
	if err != nil {
		return nil // nobody is there
	}
	_ = conn.Close() // nothing was said on it
	return fmt.Errorf("something answers at %s, where this issuer listens; end the issuer first", s.Listen)
}
