// Package probe is the visitor who tries every wrong letter at a door.
//
// It forges tokens with a single fault each, signed with keys that the door was
// told to trust for the visit, and looks which of them open it. A refusal shows
// something only when the same token without the fault is let in, before and
// after; where that is missing, the answer is "not established" and says why.
//
// To probe a service of somebody else without consent is an attack. A Prober
// sends nothing to a host that is neither loopback nor on its list.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/forge"
)

// Prober tries the faults at one door. It is made by New and may be used again.
// The zero Prober sends nothing.
type Prober struct {
	config Config
	target target
	client *http.Client
}

// New makes a Prober, or returns every fault of the configuration.
func New(c Config) (*Prober, error) {
	t, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return &Prober{config: c, target: t, client: c.client()}, nil
}

var errNotMade = errors.New("probe: the prober was never configured")

// Run tries all faults that the door can show and returns what it saw. Cancel
// ctx to stop: what was not tried is then not established. The error is about a
// Prober that was never configured or a token that could not be forged, never
// about the door.
func (p *Prober) Run(ctx context.Context) (*Report, error) {
	if p == nil || p.client == nil {
		return nil, errNotMade
	}
	w := p.config.world()
	v := &visit{ctx: ctx, p: p, w: w, report: p.blank(w.Now)}
	if err := v.controls(); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	for _, group := range p.batches(w, v.report) {
		if err := v.batch(group); err != nil {
			return nil, fmt.Errorf("probe: %w", err)
		}
	}
	slices.SortStableFunc(v.report.Findings, func(a, b Finding) int { return a.order - b.order })
	v.report.Ended = p.config.Now().UTC()
	return v.report, nil
}

func (p *Prober) blank(now time.Time) *Report {
	return &Report{
		Version: ReportVersion, Target: p.target.shown, Audience: p.config.Audience.String(),
		Issuer: p.config.Issuer.String(), Started: now.UTC(),
	}
}

// batchSize is how many wrong tokens are sent between two right ones.
const batchSize = 10

// batches puts together the faults that share a control. A fault that this door
// cannot show goes into the report at once, with what is missing.
func (p *Prober) batches(w *forge.World, r *Report) [][]trial {
	byControl := map[string][]trial{}
	var order []string
	for i, f := range forge.Faults() {
		t := trial{fault: f, order: i, control: w.ControlOf(f)}
		if missing := p.config.missing(f.Needs); missing != "" {
			r.Findings = append(r.Findings, t.finding(NotEstablished, 0, "not tried: needs "+missing))
			continue
		}
		if byControl[t.control] == nil {
			order = append(order, t.control)
		}
		byControl[t.control] = append(byControl[t.control], t)
	}
	var all [][]trial
	for _, control := range order {
		all = slices.AppendSeq(all, slices.Chunk(byControl[control], batchSize))
	}
	return all
}

// trial is one fault that will be tried.
type trial struct {
	fault   forge.Fault
	order   int
	control string
}

func (t trial) finding(v Verdict, status int, premise string) Finding {
	f := t.fault
	return Finding{
		ID: f.ID, Title: f.Title, Group: f.Group, Reason: f.Reason, Verdict: v, Status: status, Premise: premise,
		Clause: f.Reason.Clause(), Source: f.Source, CWE: f.Reason.CWE(), ASVS: f.Reason.ASVS(), Strict: f.Strict,
		order: t.order,
	}
}

// algorithms that a world of probes has keys for.
func algorithms() []narrowcast.Algorithm {
	return []narrowcast.Algorithm{narrowcast.ES256, narrowcast.ES384, narrowcast.RS256, narrowcast.PS256, narrowcast.Ed25519}
}
