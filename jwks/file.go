package jwks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// DefaultEvery is how often a file is looked at.
const DefaultEvery = 5 * time.Second

// FileConfig is what a File source is made of.
type FileConfig struct {
	// Path names a regular file with a JWK Set. Required.
	Path string
	// Now is the clock. Required; time.Now in production.
	Now func() time.Time
	// Options say what the document leaves open.
	Options Options
	// Every is the least time between two looks at the file; default 5 s, at
	// most an hour. The removal of a key takes effect after at most that time.
	Every time.Duration
	// KeepFor is how long the last good set is used while the file is missing,
	// unreadable or bad; default 24 hours, at most seven days.
	KeepFor time.Duration

	_ struct{}
}

// File is a key set in a file that may change. It is read inside calls of Key
// and at no other time, and may be used by many goroutines.
type File struct {
	k    *keeper
	path string
	opts Options

	// of the last good reading; touched by one load at a time
	text []byte
	keys []narrowcast.Key
}

// NewFile makes a File source and reads the file once. It returns every fault of
// the configuration, or why the file could not be used.
func NewFile(c FileConfig) (*File, error) {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("Path is required"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required: pass time.Now"))
	}
	if err := c.Options.check(); err != nil {
		errs = append(errs, err)
	}
	every := bounded("Every", c.Every, DefaultEvery, time.Millisecond, ceilingBetween, &errs)
	keepFor := bounded("KeepFor", c.KeepFor, DefaultKeepFor, time.Minute, ceilingKeepFor, &errs)
	if len(errs) > 0 {
		return nil, fmt.Errorf("jwks: file source: %w", errors.Join(errs...))
	}
	f := &File{path: c.Path, opts: c.Options}
	load := func(context.Context) (loaded, error) {
		keys, err := f.read()
		return loaded{keys: keys, maxAge: every}, err
	}
	f.k = &keeper{load: load, now: c.Now, between: every, cold: every, keepFor: keepFor, patient: true}
	if err := f.k.refresh(context.Background(), c.Now()); err != nil {
		return nil, fmt.Errorf("jwks: file source: %w", err)
	}
	return f, nil
}

// read returns the keys of the file. Text that did not change is not parsed again.
func (f *File) read() ([]narrowcast.Key, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	// Opening a pipe or a device could block or never end.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path, err)
	}
	if f.text != nil && bytes.Equal(text, f.text) {
		return f.keys, nil
	}
	keys, err := Parse(text, f.opts)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path, err)
	}
	f.text, f.keys = text, keys
	return keys, nil
}

// Key returns the key with this id, looking at the file first when that was long
// enough ago. The error wraps narrowcast.ErrKeyUnknown when the file has no such
// key; any other error means that the file could not be used.
func (f *File) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if f == nil || f.k == nil {
		return narrowcast.Key{}, ErrNotMade
	}
	return f.k.key(ctx, id)
}

// Peek returns a key that is held now, without looking at the file.
func (f *File) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	if f == nil || f.k == nil {
		return narrowcast.Key{}, false
	}
	return f.k.peek(id)
}

// Stats returns the state of the source.
func (f *File) Stats() Stats {
	if f == nil || f.k == nil {
		return Stats{LastError: ErrNotMade}
	}
	return f.k.report()
}
