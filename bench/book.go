package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// crowds are the numbers of clients at which the stores are compared.
func crowds() []int { return []int{1, 8, 64} }

// Ways to keep a record, as the benchmarks of the stores call them.
var ways = []struct{ name, benchmark, single string }{
	{"SQLite, groups", "sqlite", ""},
	{"PostgreSQL, groups", "postgres", "single"},
	{"PostgreSQL, groups, two replicas", "replicas", "single"},
	{"PostgreSQL, one entry in a transaction", "single", ""},
	{"PostgreSQL, one bare INSERT in a transaction, up to 16 connections, no chain", "insert", ""},
}

// bookBench compares the stores: appends to the book alone, which is what the
// benchmarks of their rooms measure, and tokens from issuers on each store.
func bookBench(p plan) (_ *paper, err error) {
	p = p.orLoad(3, 800*time.Millisecond)
	result := newPaper("book", fmt.Sprintf(
		"The book in SQLite (WAL, synchronous FULL) and in PostgreSQL (fsync and synchronous_commit on, on this machine), every record durable before the answer.\n"+
			"Median of %d interleaved rounds. CPU is that of the process with the store; that of the PostgreSQL server is beside it.", p.loads))
	t, err := newTown()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	for _, part := range []func(plan, *paper) error{t.appends, t.mintsOnBoth} {
		if err := part(p, result); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// appends runs the benchmarks of the stores.
func (t *town) appends(p plan, result *paper) error {
	both, err := t.goBench("internal/store/postgres", "^BenchmarkAppend$", "150ms")
	if err != nil {
		return err
	}
	alone, err := t.goBench("internal/store/sqlite", "^BenchmarkAppend$/^(group|single)$/^64$", "150ms")
	if err != nil {
		return err
	}
	files := fileBench{}
	for n := range p.loads {
		progress("appends, round %d of %d", n+1, p.loads)
		if err := errors.Join(both.round(), alone.round(), files.round(t.dir)); err != nil {
			return err
		}
	}
	name := func(way string, clients int) string { return fmt.Sprintf("BenchmarkAppend/%s/%d", way, clients) }
	for _, clients := range crowds() {
		of := table{Title: fmt.Sprintf("Appends, %d at a time", clients), Columns: []column{
			{"records/s", 0}, {"to SQLite", 2}, {"to one in a transaction", 1}, {"CPU us", 1}, {"server CPU us", 1}, {"allocations", 0},
		}}
		of.add("a bare file, groups", median(files[clients].rates), median(files[clients].rates)/both.median(name("sqlite", clients), "records/s"), none,
			median(files[clients].cpus), none, none)
		for _, way := range ways {
			n := name(way.benchmark, clients)
			rate := both.median(n, "records/s")
			gain := none
			if way.single != "" {
				gain = rate / both.median(name(way.single, clients), "records/s")
			}
			of.add(way.name, rate, rate/both.median(name("sqlite", clients), "records/s"), gain,
				both.median(n, "cpu-us/op"), both.median(n, "server-cpu-us/op"), both.median(n, "allocs/op"))
		}
		if clients == 64 { // the room of SQLite measures this one with an entry that uses up no id
			n := name("single", clients)
			rate := alone.median(n, "records/s")
			of.add("SQLite, one entry in a transaction", rate, rate/both.median(name("sqlite", clients), "records/s"), none,
				alone.median(n, "cpu-µs/op"), none, alone.median(n, "allocs/op"))
		}
		result.Tables = append(result.Tables, of)
	}
	result.atLeast("12", "PostgreSQL, 64 at a time, groups over one entry in a transaction",
		both.median(name("postgres", 64), "records/s")/both.median(name("single", 64), "records/s"), 10)
	result.atLeast("12", "SQLite, 64 at a time, groups over one entry in a transaction",
		alone.median(name("group", 64), "records/s")/alone.median(name("single", 64), "records/s"), 10)
	result.atMost("12", "SQLite, 64 at a time, CPU us for a record", both.median(name("sqlite", 64), "cpu-us/op"), 15)
	result.atMost("12", "PostgreSQL, 64 at a time, CPU us for a record, without the server", both.median(name("postgres", 64), "cpu-us/op"), 15)
	return nil
}

// mintsOnBoth asks one issuer on each store for tokens.
func (t *town) mintsOnBoth(p plan, result *paper) (err error) {
	server, err := newCluster()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	sqlite, err := t.mintingHome("sqlite")
	if err != nil {
		return err
	}
	postgres, err := t.mintingHome("postgres", "--postgres", server.url(), "--password-file", server.passwordFile())
	if err != nil {
		return err
	}
	postgres.besides = server.cpu
	for _, clients := range crowds() {
		p.clients = clients
		found, err := storms([]*target{sqlite, postgres}, p)
		if err != nil {
			return err
		}
		of := table{Title: fmt.Sprintf("Tokens from a running issuer, private_key_jwt ES256, %d clients", clients), Columns: []column{
			{"requests/s", 0}, {"to SQLite", 2}, {"p99 ms", 1}, {"CPU us", 0}, {"server CPU us", 0},
		}}
		of.add("SQLite", found[0].perSecond(), 1, found[0].p99(), found[0].cpu(), none)
		of.add("PostgreSQL", found[1].perSecond(), found[1].perSecondTo(found[0]), found[1].p99(), found[1].cpu(), found[1].beside())
		result.Tables = append(result.Tables, of)
	}
	return nil
}

func (t *town) mintingHome(name string, args ...string) (*target, error) {
	h, err := t.home(name, "http", args...)
	if err != nil {
		return nil, err
	}
	client, err := readClient(filepath.Join(h.dir, "credentials", "checkout.json"))
	if err != nil {
		return nil, err
	}
	own, err := h.serve(nil)
	if err != nil {
		return nil, err
	}
	own.name, own.asker = name, privateKeyJWT(client, h.issuer, benchResource, nil)
	return own, nil
}
