// Command write renews the files of package vectors. Run it with
// "go generate ./vectors".
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/narrowcast-io/narrowcast/vectors/internal/corpus"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "writing the vectors:", err)
		os.Exit(1)
	}
}

// write works in the current directory, which go generate sets. It removes the
// vectors that no longer exist.
func write() error {
	files, err := corpus.Files()
	if err != nil {
		return err
	}
	old, err := filepath.Glob("*/*.txt")
	if err != nil {
		return err
	}
	for _, path := range old {
		if files[filepath.ToSlash(path)] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
