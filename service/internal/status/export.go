package status

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/narrowcast-io/narrowcast/statuslist"
)

// IndexFile is the name under which Export writes the aggregation.
const IndexFile = "index.json"

// Export writes every list and the aggregation into a directory that exists, for
// a web server that knows nothing of us. Served below the base, or below the
// mirror of a follower, each list lies under its own name; it should be served as
// application/statuslist+jwt. Each file is replaced as a whole, the aggregation
// last, and lists that are gone are removed. It should run once in a ttl.
func (p *Publisher) Export(dir string) error {
	var written []string
	kept := map[string]bool{}
	for _, uri := range p.Lists() {
		name := strings.TrimPrefix(uri, p.config.Base+"/")
		d, err := p.document(uri)
		if errors.Is(err, ErrUnknown) {
			continue // it went in this moment
		}
		if err == nil {
			err = replace(dir, name, []byte(d.Text))
		}
		if err != nil {
			return fmt.Errorf("exporting status list %s: %w", name, err)
		}
		kept[name] = true
		written = append(written, uri)
	}
	index, err := statuslist.MarshalAggregation(written)
	if err == nil {
		err = replace(dir, IndexFile, index)
	}
	if err != nil {
		return fmt.Errorf("exporting the aggregation: %w", err)
	}
	return sweep(dir, kept)
}

// replace writes a file beside its name and moves it there.
func replace(dir, name string, content []byte) error {
	f, err := os.CreateTemp(dir, ".status-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644) // a web server must read it
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error counts
	}
	return err
}

// sweep removes the files of lists that are gone, and nothing else.
func sweep(dir string, kept map[string]bool) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for lists that are gone: %w", err)
	}
	for _, f := range files {
		if isName(f.Name()) && !kept[f.Name()] && f.Type().IsRegular() {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return fmt.Errorf("removing a list that is gone: %w", err)
			}
		}
	}
	return nil
}
