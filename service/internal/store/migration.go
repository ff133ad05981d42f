package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Migration is one step of the schema of a driver. Its text is never changed
// once it was released; the checksum sees to that.
type Migration struct {
	Number               int
	Name, Text, Checksum string
}

// Migrations reads the steps of a driver from the directory migrations. They are
// numbered from one.
func Migrations(files fs.FS) ([]Migration, error) {
	const dir = "migrations"
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, 0, len(entries))
	for i, f := range entries {
		text, err := fs.ReadFile(files, dir+"/"+f.Name())
		if err != nil {
			return nil, err
		}
		var number int
		if _, err := fmt.Sscanf(f.Name(), "%04d_", &number); err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: wants number %d", f.Name(), i+1)
		}
		sum := sha256.Sum256(text)
		steps = append(steps, Migration{number, f.Name(), string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// Rows are the numbers and checksums of the steps that a schema has seen, in
// order. The rows of a database driver are.
type Rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// Applied counts the steps that a schema has seen. It fails when they are not
// the ones that this program knows, with ErrNewer when there are more.
func Applied(rows Rows, steps []Migration) (int, error) {
	count := 0
	for rows.Next() {
		var number int
		var checksum string
		if err := rows.Scan(&number, &checksum); err != nil {
			return 0, err
		}
		switch count++; {
		case number > len(steps):
			return 0, fmt.Errorf("%w: it has step %d, the program knows %d", ErrNewer, number, len(steps))
		case number != count || checksum != steps[count-1].Checksum:
			return 0, fmt.Errorf("step %d of the schema is not the one this program knows", number)
		}
	}
	return count, rows.Err()
}
