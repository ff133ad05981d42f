package test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Table is a written list of differences: the name of a case, and why it is not
// a fault. Every case stands on a line of its own: name, two spaces or a tab,
// and one sentence. Lines that begin with # are comments.
type Table struct {
	file    string
	reasons map[string]string
	used    map[string]bool
}

// ReadTable reads a list. A name without a reason and a name that stands twice
// are errors.
func ReadTable(file string) (*Table, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading a list of differences: %w", err)
	}
	defer f.Close()
	t := &Table{file: file, reasons: map[string]string{}, used: map[string]bool{}}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, reason, _ := strings.Cut(line, "  ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s:%d: %s has no reason", file, n, name)
		}
		if t.reasons[name] != "" {
			return nil, fmt.Errorf("%s:%d: %s stands twice", file, n, name)
		}
		t.reasons[name] = reason
	}
	return t, lines.Err()
}

// Explains reports whether the case is on the list.
func (t *Table) Explains(name string) bool {
	if t.reasons[name] == "" {
		return false
	}
	t.used[name] = true
	return true
}

// Unused returns the cases on the list that nothing asked about. A list that
// explains what does not happen is as wrong as one that is too short.
func (t *Table) Unused() (names []string) {
	for name := range t.reasons {
		if !t.used[name] {
			names = append(names, name)
		}
	}
	return names
}
