package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/mint"
)

// caller is somebody at the door: what the token is bound to, and what has to be
// checked at the least.
type caller struct {
	name  string
	alg   narrowcast.Algorithm // of the proof; empty for none
	mtls  bool
	cache int
}

func callers() []caller {
	var all []caller
	for _, cache := range []int{0, 1000} {
		suffix := ""
		if cache > 0 {
			suffix = ", token seen before"
		}
		all = append(all, caller{name: "bearer" + suffix, cache: cache}, caller{name: "mTLS-bound" + suffix, mtls: true, cache: cache})
		for _, alg := range proofAlgorithms() {
			all = append(all, caller{name: "DPoP " + string(alg) + suffix, alg: alg, cache: cache})
		}
	}
	return all
}

// rawName is the floor of a caller: the signatures that nobody can do without.
func (c caller) rawName() string {
	switch {
	case c.cache > 0 && c.alg == "":
		return ""
	case c.cache > 0:
		return "raw: proof " + string(c.alg)
	case c.alg == "":
		return "raw: token"
	}
	return "raw: token and proof " + string(c.alg)
}

// raws are the floors by their names.
func (s *stage) raws(token string) ([]*entrant, error) {
	one := rawCheck(sample{text: token, public: s.public})
	field := []*entrant{{name: "raw: token", run: func(int) error { return one() }}}
	for _, alg := range proofAlgorithms() {
		proof, err := s.rawProof(alg, token)
		if err != nil {
			return nil, err
		}
		field = append(field,
			&entrant{name: "raw: token and proof " + string(alg), run: func(int) error {
				if err := one(); err != nil {
					return err
				}
				return proof()
			}},
			&entrant{name: "raw: proof " + string(alg), run: func(int) error { return proof() }})
	}
	return field, nil
}

// atTheDoor verifies tokens that are bound in different ways: with the verifier,
// and through the middleware with a handler that does nothing.
func (s *stage) atTheDoor(p plan) ([]table, []goal, error) {
	plain, err := s.token(mint.Confirmation{})
	if err != nil {
		return nil, nil, err
	}
	field, err := s.raws(plain)
	if err != nil {
		return nil, nil, err
	}
	raws := len(field)
	for _, build := range []func(caller) (*entrant, error){s.verifying, s.knocking} {
		for _, c := range callers() {
			e, err := build(c)
			if err != nil {
				return nil, nil, err
			}
			field = append(field, e)
		}
	}
	if err := race(field, p.rounds, p.each); err != nil {
		return nil, nil, err
	}
	floors := map[string]*entrant{}
	for _, e := range field[:raws] {
		floors[e.name] = e
	}
	n := len(callers())
	tables := []table{
		doorTable("Verifier.Verify", field[:raws], field[raws:raws+n], floors),
		doorTable("guard.Wrap around an empty handler", nil, field[raws+n:], floors),
	}
	return tables, nil, nil
}

func doorTable(title string, raws, own []*entrant, floors map[string]*entrant) table {
	t := table{Title: title, Columns: []column{{"ns", 0}, {"to its raw checks", 3}, {"to bearer", 3}, {"above bearer, ns", 0}, {"allocations", 0}}}
	for _, e := range raws {
		t.add(e.name, e.ns(), 1, none, none, e.allocs)
	}
	var bearer *entrant
	for i, c := range callers() {
		e := own[i]
		if c.alg == "" && !c.mtls {
			bearer = e
		}
		t.add(c.name, e.ns(), e.to(floors[c.rawName()]), e.to(bearer), e.above(bearer), e.allocs)
	}
	return t
}

// bound is the token of a caller and the proofs that go with it.
func (s *stage) bound(c caller) (*stock, error) {
	var to mint.Confirmation
	if c.mtls {
		to.Certificate = s.certificate.thumbprint()
	}
	if c.alg != "" {
		to.Key = s.provers[c.alg].Thumbprint()
	}
	token, err := s.token(to)
	return &stock{prover: s.provers[c.alg], token: token}, err
}

func (s *stage) verifying(c caller) (*entrant, error) {
	proofs, err := s.bound(c)
	if err != nil {
		return nil, err
	}
	v, err := s.verifier(c.cache)
	if err != nil {
		return nil, err
	}
	need := narrowcast.MustScope("charge")
	if c.alg == "" {
		shown := narrowcast.Presentation{Need: need}
		if c.mtls {
			shown.Certificate = s.certificate.thumbprint()
		}
		return &entrant{name: c.name, run: func(int) error { return verifyAs(v, proofs.token, shown) }}, nil
	}
	checker, err := newChecker()
	if err != nil {
		return nil, err
	}
	return &entrant{name: c.name, ready: proofs.ready, run: func(i int) error {
		return verifyAs(v, proofs.token, narrowcast.Presentation{Need: need, Prove: func() (string, narrowcast.Reason) {
			thumbprint, err := checker.Check(proofs.shown(i))
			if err != nil {
				return "", narrowcast.ProofInvalid
			}
			return thumbprint, 0
		}})
	}}, nil
}

func (s *stage) knocking(c caller) (*entrant, error) {
	proofs, err := s.bound(c)
	if err != nil {
		return nil, err
	}
	door, err := s.door(c.cache)
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(http.MethodGet, "/charge", nil)
	for _, name := range []string{"Accept", "User-Agent", "Traceparent", "X-Request-Id"} {
		r.Header.Set(name, "value")
	}
	e := &entrant{name: c.name, run: func(int) error { return knock(door, r) }}
	switch {
	case c.alg != "":
		r.Header.Set("Authorization", "DPoP "+proofs.token)
		e.ready = proofs.ready
		e.run = func(i int) error {
			r.Header["Dpop"] = proofs.proofs[i : i+1]
			return knock(door, r)
		}
	case c.mtls:
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{s.certificate.certificate}}
		fallthrough
	default:
		r.Header.Set("Authorization", "Bearer "+proofs.token)
	}
	return e, nil
}

func (s *stage) door(cache int) (http.Handler, error) {
	v, err := s.verifier(cache)
	if err != nil {
		return nil, err
	}
	checker, err := newChecker()
	if err != nil {
		return nil, err
	}
	need := narrowcast.MustScope("charge")
	g, err := guard.New(guard.Config{
		Verifier: v, Sink: guard.DangerouslyRecordNothing{}, Now: time.Now, Name: "bench",
		ScopeFor: func(*http.Request) narrowcast.Scope { return need },
		Sender:   guard.SenderPreferred, DPoP: guard.DPoP{Checker: checker}, Certificates: guard.Certificates{Asked: true},
	})
	if err != nil {
		return nil, err
	}
	return g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })), nil
}

// answer keeps the status and costs nothing.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }

func knock(door http.Handler, r *http.Request) error {
	a := answer{header: http.Header{}}
	door.ServeHTTP(&a, r)
	if a.status != http.StatusNoContent {
		return errStatus(a.status)
	}
	return nil
}
