//go:build unix

package report

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps a second process out of the directory. The lock dies with its
// process.
func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("another process uses the directory")
	}
	return nil
}
