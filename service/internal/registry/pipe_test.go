//go:build unix

package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// A pipe in the directory is named, and not waited for.
func TestAPipeIsNotRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "keys.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := registry.ReadDir(dir)
		done <- err
	}()
	late := time.NewTimer(5 * time.Second)
	defer late.Stop()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "keys.json: is not a regular file") {
			t.Errorf("err = %v", err)
		}
	case <-late.C:
		t.Error("it waits for somebody who writes")
		if w, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			_ = w.Close()
		}
		<-done
	}
}
