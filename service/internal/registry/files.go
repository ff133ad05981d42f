package registry

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Bounds on a registry.
const (
	MaxFiles      = 512
	MaxTotalBytes = 16 << 20
	maxFileBytes  = strictyaml.MaxBytes
	maxPEMFiles   = 128
	maxPEMBytes   = 64 << 10
)

// ReadDir reads the files of a registry: *.yaml in dir itself, and in dir and
// below it *.json, key sets and bundles, and *.pem, certificates. Hidden names
// are passed over. Symbolic links are followed inside dir and never out of it.
// The keys of the result are paths relative to dir with slashes.
func ReadDir(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the registry: %w", err)
	}
	defer root.Close()
	r := reader{root: root, files: map[string][]byte{}}
	if err := fs.WalkDir(root.FS(), ".", r.visit); err != nil {
		return nil, fmt.Errorf("reading the registry in %s: %w", dir, err)
	}
	return r.files, nil
}

type reader struct {
	root  *os.Root
	files map[string][]byte
	total int
	pems  int
}

func (r *reader) visit(name string, entry fs.DirEntry, err error) error {
	hidden := strings.HasPrefix(path.Base(name), ".") && name != "."
	switch {
	case err != nil:
		return err
	case hidden && entry.IsDir():
		return fs.SkipDir
	case hidden || entry.IsDir():
		return nil
	}
	switch path.Ext(name) {
	case ".json":
	case ".pem":
		if r.pems++; r.pems > maxPEMFiles {
			return fmt.Errorf("more than %d .pem files", maxPEMFiles)
		}
	case ".yml":
		return fmt.Errorf("%s: name it .yaml; no other ending is read", name)
	case ".yaml":
		if strings.Contains(name, "/") {
			return fmt.Errorf("%s: registry files lie in one directory, not below it", name)
		}
	default:
		return nil
	}
	return r.read(name)
}

func (r *reader) read(name string) error {
	if len(r.files) == MaxFiles {
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	info, err := r.root.Stat(name) // opening a pipe would wait for somebody who writes
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: is not a regular file", name)
	}
	file, err := r.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	limit := maxFileBytes
	if path.Ext(name) == ".pem" {
		limit = maxPEMBytes
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return err
	}
	if len(text) > limit {
		return fmt.Errorf("%s: is larger than %d bytes", name, limit)
	}
	if r.total += len(text); r.total > MaxTotalBytes {
		return fmt.Errorf("all files together are larger than %d bytes", MaxTotalBytes)
	}
	r.files[name] = text
	return nil
}
