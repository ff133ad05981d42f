package status

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
// last, and lists that are gone are removed once they have expired. Files that
// are not of this house stay as they are. It should run twice in a ttl.
func (p *Publisher) Export(dir string) error {
	if err := mayIndex(dir); err != nil {
		return fmt.Errorf("exporting the aggregation: %w", err)
	}
	var written []string
	kept := map[string]bool{}
	for _, uri := range p.Lists() {
		name := strings.TrimPrefix(uri, p.config.Base+"/")
		d, err := p.document(uri, p.config.TTL/4) // a timer may be early
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
	return p.sweep(dir, kept)
}

// mayIndex refuses to write over a file that tells of something else.
func mayIndex(dir string) error {
	text, err := readBounded(filepath.Join(dir, IndexFile), statuslist.MaxAggregation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = statuslist.ParseAggregation(text)
	}
	if err != nil {
		return fmt.Errorf("%s in %s is not of status lists, and stays: %w", IndexFile, dir, err)
	}
	return nil
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
func (p *Publisher) sweep(dir string, kept map[string]bool) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for lists that are gone: %w", err)
	}
	for _, f := range files {
		if !isName(f.Name()) || kept[f.Name()] || !f.Type().IsRegular() || !p.isOver(dir, f.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return fmt.Errorf("removing a list that is gone: %w", err)
		}
	}
	return nil
}

// isOver: the file is a list of this house that has expired. One that has not may
// be of a replica that knows of it before we do.
func (p *Publisher) isOver(dir, name string) bool {
	text, err := readBounded(filepath.Join(dir, name), statuslist.MaxToken)
	parts := strings.Split(text, ".")
	if err != nil || len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var says struct {
		Subject string `json:"sub"`
		Expires int64  `json:"exp"`
	}
	err = json.Unmarshal(payload, &says)
	return err == nil && says.Subject == p.config.Base+"/"+name && says.Expires <= p.config.Now().Unix()
}

// readBounded reads a file of at most so many bytes.
func readBounded(file string, most int64) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return string(content), err
}
