package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
)

// contestant is a way to ask an issuer, beside the bare handler that does the
// same cryptography.
type contestant struct {
	*target
	floor, booked string // names of the bare handlers; empty for a bare handler
}

// Names of the bare handlers.
const (
	floorES   = "pk-es: checks ES256, signs ES256"
	floorED   = "edpk-ed: checks Ed25519, signs Ed25519"
	floorMTLS = "mtls es: signs ES256, living mTLS"
	synced    = ", synced file"
)

// Names of the ways to ask that goals speak of.
const (
	byKey      = "private_key_jwt ES256 to ES256"
	byKeyED    = "private_key_jwt Ed25519 to Ed25519"
	byExchange = "exchange: token of another issuer, Ed25519 to Ed25519"
	byPinned   = "mTLS, self-signed certificate, to ES256"
	byPartner  = "mTLS, certificate of an authority, to ES256"
	bySVID     = "mTLS, X.509-SVID, to ES256"
)

// dexOverFloor is what one Dex token exchange costs over edpk-ed, both measured
// on one quiet machine on 2026-11-23 (893 and 84 us of CPU). Dex is not part of
// this run; the ratio to the floor is what carries over.
const dexOverFloor = 893.0 / 84

// exchangeBench asks running issuers for tokens in the ways of workloads: with a
// key of their own, with what a platform gave them, and with a certificate.
func exchangeBench(p plan) (_ *paper, err error) {
	p = p.orLoad(4, 700*time.Millisecond)
	result := newPaper("exchange", fmt.Sprintf(
		"Token endpoint, %d clients on the same machine, median of %d interleaved rounds of %s; CPU is that of the server process, a ratio the median of those of all rounds.\n"+
			"Each issuer has its durable book in SQLite. A workload shows the same JWT-SVID or foreign token during one round; assertions and proofs are fresh.", p.clients, p.loads, p.load))
	t, err := newTown()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	field, err := t.contestants()
	if err != nil {
		return nil, err
	}
	var targets []*target
	var names []contestant
	for _, c := range field {
		if strings.Contains(c.name, p.only) {
			targets, names = append(targets, c.target), append(names, c)
		}
	}
	found, err := storms(targets, p)
	if err != nil {
		return nil, err
	}
	by := map[string]storm{}
	for i, s := range found {
		by[names[i].name] = s
	}
	of := table{Title: "A token for a workload", Columns: []column{
		{"requests/s", 0}, {"p99 ms", 1}, {"CPU us", 0}, {"per s of CPU", 0}, {"CPU to bare", 2}, {"to bare, synced", 2}, {"to private_key_jwt", 2},
	}}
	for _, c := range names {
		s := by[c.name]
		of.add(c.name, s.perSecond(), s.p99(), s.cpu(), 1e6/s.cpu(), s.cpuTo(by[c.floor]), s.cpuTo(by[c.booked]), s.cpuTo(by[byKey]))
	}
	result.Tables = []table{of}
	if p.only == "" {
		result.exchangeGoals(by)
	}
	return result, nil
}

// exchangeGoals are lines of the performance targets. The floors there keep no
// record and every issuer here does, so both are said.
func (p *paper) exchangeGoals(by map[string]storm) {
	for _, way := range []string{byPinned, byPartner, bySVID} {
		p.atLeast("9", way+", requests per second of CPU, to its bare handler", by[floorMTLS].cpuTo(by[way]), 0.85)
		p.atLeast("9", way+", the same to the bare handler with a synced file", by[floorMTLS+synced].cpuTo(by[way]), 0.85)
		p.atLeast("9", way+", the same to private_key_jwt", by[byKey].cpuTo(by[way]), 1.7)
	}
	p.atLeast("8", byKeyED+", the same to its bare handler with a synced file", by[floorED+synced].cpuTo(by[byKeyED]), 0.85)
	p.atLeast("10", byExchange+", the same to Dex, by way of the bare handler", dexOverFloor*by[floorED].cpuTo(by[byExchange]), 8)
}

func (t *town) contestants() ([]contestant, error) {
	w, err := newWorkloads()
	if err != nil {
		return nil, err
	}
	var all []contestant
	for _, part := range []func(*workloads) ([]contestant, error){t.floors, t.plainIssuer, t.tlsIssuer, t.edwardsIssuer} {
		some, err := part(w)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (t *town) floors(w *workloads) ([]contestant, error) {
	identity := filepath.Join(t.dir, "floor")
	if err := w.writeServer(&home{dir: identity}); err != nil {
		return nil, err
	}
	var all []contestant
	for _, f := range []struct {
		name string
		s    floorSettings
		c    *signing
	}{
		{floorES, floorSettings{Algorithm: narrowcast.ES256, Client: w.ecdsa.set}, w.ecdsa},
		{floorED, floorSettings{Algorithm: narrowcast.Ed25519, Client: w.edwards.set}, w.edwards},
		{floorMTLS, floorSettings{Algorithm: narrowcast.ES256, Identity: identity}, nil},
	} {
		for _, book := range []string{"", filepath.Join(t.dir, string(f.s.Algorithm)+filepath.Base(f.s.Identity)+".book")} {
			f.s.Book = book
			name := f.name
			if book != "" {
				name += synced
			}
			one, err := t.floor(name, f.s)
			if err != nil {
				return nil, err
			}
			if f.c != nil {
				one.asker = privateKeyJWT(f.c, issuerID, exchangeResource, nil)
			} else {
				one.asker, one.tls = connected("partner", exchangeResource), w.partner.client(w.authority)
			}
			all = append(all, contestant{target: one})
		}
	}
	return all, nil
}

// ask is one more way to ask the issuer that own is.
func (own *target) ask(name, floor string, how func(string) (asker, error)) contestant {
	one := *own
	one.name, one.asker = name, how
	return contestant{&one, floor, floor + synced}
}

func (t *town) plainIssuer(w *workloads) ([]contestant, error) {
	h, err := t.home("plain", "http")
	if err != nil {
		return nil, err
	}
	if err := w.enrol(h); err != nil {
		return nil, err
	}
	own, err := h.serve(nil)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(narrowcast.ES256)
	if err != nil {
		return nil, err
	}
	prover, err := dpop.NewProver(narrowcast.ES256, signer)
	if err != nil {
		return nil, err
	}
	svid := func() (string, error) { return w.domain.token("", workloadID, h.issuer) }
	assertion := asking("client_credentials", exchangeResource)
	assertion.Set("client_assertion_type", typeSPIFFE)
	exchange := asking(grantExchange, exchangeResource)
	exchange.Set("subject_token_type", tokenTypeJWT)
	return []contestant{
		own.ask(byKey, floorES, privateKeyJWT(w.ecdsa, h.issuer, exchangeResource, nil)),
		own.ask("the same with a DPoP proof ES256", floorES, privateKeyJWT(w.ecdsa, h.issuer, exchangeResource, prover)),
		own.ask("JWT-SVID as client assertion, to ES256", floorES, showing(svid, assertion, "client_assertion")),
		own.ask("JWT-SVID as jwt-bearer grant, to ES256", floorES, showing(svid, asking(grantJWTBearer, exchangeResource), "assertion")),
		own.ask("JWT-SVID in a token exchange, to ES256", floorES, showing(svid, exchange, "subject_token")),
	}, nil
}
