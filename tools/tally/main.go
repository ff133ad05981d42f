// Command tally reads the output of go test -json and says what came of it.
//
//	go test -json ./... | tally -add FILE    shows packages and failures, adds the counts to FILE
//	tally -sum FILE                          prints the last line: N passed, N failed
//
// Tests and subtests count alike. A package that fails without a failing test
// (it does not build, or it dies) counts as one failure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
)

func main() {
	add := flag.String("add", "", "read test output and add its counts to `FILE`")
	sum := flag.String("sum", "", "print the counts kept in `FILE`")
	flag.Parse()
	if err := run(*add, *sum); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

var errRed = errors.New("not all tests passed")

func run(add, sum string) error {
	if sum != "" {
		total, err := load(sum)
		if err != nil {
			return err
		}
		fmt.Printf("%d passed, %d failed\n", total.Passed, total.Failed)
		return nil
	}
	seen, err := read(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	if err := save(add, seen); err != nil {
		return err
	}
	if seen.Failed > 0 {
		return errRed
	}
	return nil
}

// load returns the counts of a file; a file that does not exist counts nothing.
func load(name string) (counts, error) {
	var c counts
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("reading the counts: %w", err)
	}
	if _, err := fmt.Sscanf(string(text), "%d %d", &c.Passed, &c.Failed); err != nil {
		return c, fmt.Errorf("reading the counts in %s: %w", name, err)
	}
	return c, nil
}

func save(name string, more counts) error {
	if name == "" {
		return nil
	}
	c, err := load(name)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d %d\n", c.Passed+more.Passed, c.Failed+more.Failed)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("keeping the counts: %w", err)
	}
	return nil
}
