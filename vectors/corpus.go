package vectors

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:generate go run ./internal/corpus/write

//go:embed */*.txt keys/*.json
var files embed.FS

// Files returns the corpus as it lies on disk: one directory for each group,
// and keys with the JWK Sets.
func Files() fs.FS { return files }

// All returns every vector, in the order of the file names. It fails when the
// corpus that was compiled in is damaged.
func All() ([]Vector, error) {
	paths, err := fs.Glob(files, "*/*.txt")
	if err != nil {
		return nil, fmt.Errorf("listing the vectors: %w", err)
	}
	all := make([]Vector, 0, len(paths))
	for _, path := range paths {
		v, err := readFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// Find returns the vector with the given ID.
func Find(id string) (Vector, error) {
	v, err := readFile(Path(id))
	if err != nil {
		return Vector{}, fmt.Errorf("finding vector %q: %w", id, err)
	}
	return v, nil
}

// Path returns the name of the file of a vector.
func Path(id string) string {
	group, name, _ := strings.Cut(id, ".")
	return group + "/" + name + ".txt"
}

func readFile(path string) (Vector, error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return Vector{}, fmt.Errorf("reading: %w", err)
	}
	v, err := Parse(text)
	if err == nil && Path(v.ID) != path {
		err = fmt.Errorf("vector %s: must stand in %s", v.ID, Path(v.ID))
	}
	return v, err
}
