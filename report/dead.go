package report

import (
	"os"
	"path/filepath"
)

// maxDead bounds the file of refused events, in bytes.
const maxDead = 1 << 20

// deadLetters keeps the events that the issuer refused for good, so that
// somebody can look at them. When the file is full the rest is only counted.
type deadLetters struct{ path string }

func newDeadLetters(dir string) *deadLetters {
	return &deadLetters{filepath.Join(dir, "refused.jsonl")}
}

func (d *deadLetters) park(line []byte) error {
	f, err := os.OpenFile(d.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size()+int64(len(line)) >= maxDead {
		return err
	}
	if _, err := f.Write(append(line[:len(line):len(line)], '\n')); err != nil {
		return err
	}
	return f.Sync()
}
