//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// SQLite's shared lock on its file (https://www.sqlite.org/src/doc/trunk/src/os.h):
// a connection in WAL mode holds it as long as it is open.
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// opener returns a process that has a SQLite file open, 0 when there is none.
// This process must not have it open: closing a file gives up its locks.
func opener(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("looking who has the store open: %w", err)
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, fmt.Errorf("looking who has the store open: %w", err)
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}
