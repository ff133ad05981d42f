package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// cursor says what has been delivered, and which number each writer used last.
type cursor struct {
	Segment  uint64            `json:"segment"`
	Offset   int64             `json:"offset"`
	Sequence map[string]uint64 `json:"sequence"`
}

// maxWriters bounds how many writers share a spool.
const maxWriters = 64

const maxCursor = 64 << 10

func cursorPath(dir string) string { return filepath.Join(dir, "cursor.json") }

func readCursor(dir string) (cursor, error) {
	c := cursor{Sequence: map[string]uint64{}}
	f, err := os.Open(cursorPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCursor))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil || c.Offset < 0 || c.Sequence == nil {
		return c, fmt.Errorf("%s is damaged; without it numbers would repeat. Remove it to begin anew", cursorPath(dir))
	}
	return c, nil
}

// write replaces the cursor in one step. It is synced first, because a name that
// points to an empty file after a crash would lose the numbers.
func (c cursor) write(dir string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	temporary := cursorPath(dir) + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, cursorPath(dir)); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// syncDirectory makes names durable: that of the cursor and those of new
// segments. Not every file system can do it, and then nothing is lost.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

func (c cursor) clone() cursor {
	c.Sequence = maps.Clone(c.Sequence)
	return c
}
