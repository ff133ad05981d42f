package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// benchResource is the resource of the sample registry that checkout may use.
const benchResource = "https://pay.example.test"

// mintBench runs three servers as processes of their own and asks each for
// tokens with private_key_jwt: the bare handler, the bare handler with a line
// synced to the disk for each token, and the issuer with its durable book.
func mintBench(p plan) (_ *paper, err error) {
	p = p.orLoad(5, 3*time.Second)
	result := newPaper("mint", fmt.Sprintf(
		"Token endpoint, private_key_jwt with ES256, ES256 tokens, %d clients on the same machine.\n"+
			"Median of %d interleaved rounds of %s; CPU is that of the server process.", p.clients, p.loads, p.load))
	t, err := newTown()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	targets, err := t.mints()
	if err != nil {
		return nil, err
	}
	found, err := storms(targets, p)
	if err != nil {
		return nil, err
	}
	of := table{Title: "private_key_jwt", Columns: []column{
		{"requests/s", 0}, {"CPU us per request", 0}, {"p99 ms", 1}, {"CPU to bare", 2}, {"CPU to bare with book", 2},
	}}
	for i, s := range found {
		of.add(targets[i].name, s.perSecond(), s.cpu(), s.p99(), s.cpuTo(found[0]), s.cpuTo(found[1]))
	}
	result.Tables = []table{of}
	result.atLeast("11", "requests per second of CPU, to the bare handler with a synced file", found[1].cpuTo(found[2]), 0.80)
	return result, nil
}

func (t *town) mints() ([]*target, error) {
	h, err := t.home("home", "http")
	if err != nil {
		return nil, err
	}
	client, err := readClient(filepath.Join(h.dir, "credentials", "checkout.json"))
	if err != nil {
		return nil, err
	}
	bare, err := t.floor("bare handler", floorSettings{Algorithm: narrowcast.ES256, Client: client.set})
	if err != nil {
		return nil, err
	}
	booked, err := t.floor("bare handler with a synced file", floorSettings{Algorithm: narrowcast.ES256, Client: client.set, Book: filepath.Join(t.dir, "floor.book")})
	if err != nil {
		return nil, err
	}
	own, err := h.serve(nil)
	if err != nil {
		return nil, err
	}
	own.name = "narrowcast with its durable book"
	all := []*target{bare, booked, own}
	for _, one := range all {
		one.asker = privateKeyJWT(client, h.issuer, benchResource, nil)
	}
	return all, nil
}
