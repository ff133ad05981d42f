// Command budget measures the sizes that the house keeps an eye on and prints
// them as a table, one column per part: length of files and functions, share of
// documented symbols, share of comment lines, lines of test per line of source.
//
// It reads the current directory, which is the root of the repository. It fails
// for one reason only: an exported symbol of the library without a doc comment.
// Everything else is for people to look at.
package main

import (
	"fmt"
	"os"
)

func main() {
	parts, err := measure(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "budget:", err)
		os.Exit(2)
	}
	printTable(os.Stdout, parts)
	missing := undocumented(parts)
	for _, symbol := range missing {
		fmt.Printf("not documented: %s\n", symbol)
	}
	if len(missing) > 0 {
		fmt.Printf("budget: %d exported symbols of the library have no doc comment\n", len(missing))
		os.Exit(1)
	}
}
