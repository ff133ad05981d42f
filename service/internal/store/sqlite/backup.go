package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes the store as it is now into a new file at path, readable and
// writable for its owner alone, while others go on reading and writing. It
// fails when there is a file already. The file appears whole or not at all.
func (s *Store) Backup(ctx context.Context, path string) error {
	partial := path + ".partial"
	if err := createFile(partial); err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	err := s.copyTo(ctx, partial)
	if err == nil {
		// A link, unlike a rename, replaces nothing.
		err = os.Link(partial, path)
	}
	if err = errors.Join(err, os.Remove(partial), syncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("backing up: %w", s.unlessClosed(err))
	}
	return nil
}

func (s *Store) copyTo(ctx context.Context, path string) error {
	if err := s.readers.PingContext(ctx); err != nil {
		return err
	}
	db, err := openCopier(s.config.Path)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
