// Command bench measures Narrowcast against the bare cryptography and against
// other libraries, side by side in one run.
//
//	go run . verify     full verification, in one process
//	go run . sender     the same for tokens that are bound to their sender: DPoP and mTLS
//	go run . mint       the token endpoint with the durable book, over loopback
//	go run . exchange   the token endpoint for workloads: JWT-SVIDs, certificates, foreign tokens
//	go run . book       the book in SQLite and in PostgreSQL, alone and behind the token endpoint
//	go run .            all of them
//
// And about the end of tokens, only when named:
//
//	go run . revocations              a million live revocations in the memory of a verifier
//	go run . survival                 how long tokens outlive their task; fails beyond the printed bound
//	go run . feed -verifiers 10000    what many followers of one feed cost
//	go run . feed -minutes 10         faults between verifiers and issuer; fails when a revoked token opens a door
//
// Every figure is the median over interleaved rounds, and what counts are the
// ratios: absolute times belong to the machine and to the moment. Flags may
// stand before and after the name; --json writes each result as one object.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

// plan is how long and how often to measure.
type plan struct {
	rounds  int           // in one process
	each    time.Duration // for one measurement in one process
	loads   int           // over loopback
	load    time.Duration // for one measurement over loopback
	clients int
	only    string // a part of the names of what is asked; empty for all
	json    bool

	tasks, verifiers int           // of survival and feed
	parallel         int           // tasks at a time
	mix              string        // how tasks end
	lease            time.Duration // of tasks
	entries          int           // of revocations
	minutes          float64       // of feed
	broken           string        // what to break, to see a harness fail
}

// benchmarks are the names in the order in which all of them run.
var benchmarks = []struct {
	name string
	run  func(plan) (*paper, error)
}{
	{"verify", verifyBench}, {"sender", senderBench}, {"mint", mintBench}, {"exchange", exchangeBench}, {"book", bookBench},
}

// harnesses run only when they are named: they take long, or need much memory.
var harnesses = []struct {
	name string
	run  func(plan) (*paper, error)
}{
	{"revocations", revocationsBench}, {"survival", survivalBench}, {"feed", feedBench},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var p plan
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.IntVar(&p.rounds, "rounds", 0, "interleaved rounds of verify (40) and sender (60); short ones, because machines change their pace")
	f.DurationVar(&p.each, "each", 0, "time for one measurement of verify (30ms) and sender (8ms)")
	f.IntVar(&p.loads, "loads", 0, "interleaved rounds of mint (5), exchange (4) and book (3)")
	f.DurationVar(&p.load, "load", 0, "time for one measurement of mint (3s), exchange (700ms) and book (800ms)")
	f.IntVar(&p.clients, "clients", 64, "parallel clients of mint and exchange")
	f.StringVar(&p.only, "only", "", "of exchange, measure only what has this in its name, as for a profile; there are fewer ratios then")
	f.IntVar(&p.tasks, "tasks", 1000, "of survival: how many tasks end")
	f.IntVar(&p.verifiers, "verifiers", 0, "of survival (100) and feed (10000, or 8 with -minutes): how many follow")
	f.IntVar(&p.parallel, "parallel", 8, "of survival: tasks at a time")
	f.StringVar(&p.mix, "mix", "exit0=35,exit1=35,kill=15,freeze=15", "of survival: how tasks end, in parts")
	f.DurationVar(&p.lease, "lease", 3*time.Second, "of survival: the lease of the tasks")
	f.IntVar(&p.entries, "entries", 1_000_000, "of revocations: how many live ones")
	f.Float64Var(&p.minutes, "minutes", 0, "of feed: look for faults for so long instead of counting costs")
	f.StringVar(&p.broken, "break", "", "of survival (feed, bound) and of feed -minutes (entries): break something on purpose, to see it fail")
	f.BoolVar(&p.json, "json", false, "write the result as JSON")
	_ = f.Parse(args) // exits by itself
	what := f.Arg(0)
	if what == "floor" {
		return floorServer(f.Arg(1))
	}
	if f.NArg() > 1 {
		_ = f.Parse(f.Args()[1:])
		if f.NArg() > 0 {
			return fmt.Errorf("one name at a time; %q is left over", f.Arg(0))
		}
	}
	known := false
	all := benchmarks
	if what != "" {
		all = append(all[:len(all):len(all)], harnesses...)
	}
	for _, b := range all {
		if what != "" && what != b.name {
			continue
		}
		known = true
		result, err := b.run(p)
		if err == nil {
			err = errors.Join(result.print(p.json), result.failed)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	if !known {
		return fmt.Errorf("unknown benchmark %q", what)
	}
	return nil
}

// or fills in what was not asked for.
func (p plan) or(rounds int, each time.Duration) plan {
	if p.rounds == 0 {
		p.rounds = rounds
	}
	if p.each == 0 {
		p.each = each
	}
	return p
}

func (p plan) orLoad(loads int, load time.Duration) plan {
	if p.loads == 0 {
		p.loads = loads
	}
	if p.load == 0 {
		p.load = load
	}
	return p
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return none
	}
	return sorted[len(sorted)/2]
}
