// Command bench measures Narrowcast against the bare cryptography and against
// other libraries, side by side in one run.
//
//	go run . verify     full verification, in one process
//	go run . mint       the token endpoint with the durable book, over loopback
//	go run .            both
//
// Every figure is the median over interleaved rounds, and what counts are the
// ratios: absolute times belong to the machine and to the moment.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 40, "interleaved rounds of verify; short ones, because machines change their pace")
	each := flag.Duration("each", 30*time.Millisecond, "time for one measurement of verify")
	loads := flag.Int("loads", 5, "interleaved rounds of mint")
	load := flag.Duration("load", 3*time.Second, "time for one measurement of mint")
	clients := flag.Int("clients", 64, "parallel clients of mint")
	flag.Parse()
	what := flag.Arg(0)
	var err error
	if what == "" || what == "verify" {
		err = verifyBench(*rounds, *each)
	}
	if err == nil && (what == "" || what == "mint") {
		err = mintBench(*loads, *load, *clients)
	}
	if err == nil && !slices.Contains([]string{"", "verify", "mint", "floor"}, what) {
		err = fmt.Errorf("unknown benchmark %q", what)
	}
	if err == nil && what == "floor" {
		err = floorServer(flag.Arg(1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}
