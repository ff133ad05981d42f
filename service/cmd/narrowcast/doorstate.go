package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/metrics"
)

// health serves the operations listener: state in JSON, health, metrics, and the
// metadata for a proxy that cannot have it where it asks.
func (d *door) health() (http.Handler, error) {
	m := metrics.New()
	err := errors.Join(
		m.Counter("narrowcast_guard_accepted_total", "Tokens accepted.", func() uint64 { return d.guard.State().Accepted }),
		m.Counter("narrowcast_guard_rejected_total", "Tokens refused.", func() uint64 { return d.guard.State().Rejected }),
		m.Counter("narrowcast_guard_off_target_total", "Genuine tokens that were addressed to another resource.", func() uint64 { return d.guard.State().OffTarget }),
		m.Counter("narrowcast_guard_would_reject_total", "Requests that only observe mode let pass.", func() uint64 { return d.guard.State().WouldReject }),
		m.Counter("narrowcast_guard_unrecorded_total", "Refusals of forged tokens that were only counted.", func() uint64 { return d.guard.State().Unrecorded }),
		m.Gauge("narrowcast_guard_observing", "1 while the audience check is set aside.", func() float64 {
			if d.guard.State().Mode == event.Observe {
				return 1
			}
			return 0
		}),
	)
	err = errors.Join(err, d.countSenders(m), d.death.count(m))
	if d.reporter != nil {
		err = errors.Join(err,
			m.Counter("narrowcast_report_dropped_total", "Events dropped because the spool was full.", func() uint64 { return d.reporter.State().Dropped }),
			m.Gauge("narrowcast_report_spooled", "Events that wait for the issuer.", func() float64 { return float64(d.reporter.State().Spooled) }),
			m.Gauge("narrowcast_report_lag_seconds", "Age of the oldest event that waits.", func() float64 { return d.reporter.State().Lag.Seconds() }),
		)
	}
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	d.serveMetadata(mux)
	mux.Handle("/", httpapi.Operations(httpapi.OperationsConfig{Metrics: m.Handler(), Log: d.log, Ready: d.ready}))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.state()) // the other end is gone
	})
	return mux, nil
}

// countSenders has a counter for each way in which a token comes from its sender,
// or does not.
func (d *door) countSenders(m *metrics.Metrics) error {
	var errs []error
	for _, c := range []struct {
		name, help string
		read       func(guard.Senders) uint64
	}{
		{"proofs_accepted", "Requests let in with a proof of possession.", func(s guard.Senders) uint64 { return s.Proved }},
		{"downgrades", "Bound tokens that came without what they are bound to.", func(s guard.Senders) uint64 { return s.Downgraded }},
		{"other_senders", "Bound tokens that came with another key or certificate.", func(s guard.Senders) uint64 { return s.OtherSender }},
		{"proofs_malformed", "Proofs missing, there twice, malformed or wrongly signed.", func(s guard.Senders) uint64 { return s.Malformed }},
		{"proofs_other_method", "Proofs for another method.", func(s guard.Senders) uint64 { return s.OtherMethod }},
		{"proofs_other_uri", "Proofs for another address.", func(s guard.Senders) uint64 { return s.OtherURI }},
		{"proofs_other_token", "Proofs for another token.", func(s guard.Senders) uint64 { return s.OtherToken }},
		{"proofs_other_time", "Proofs too old or too new.", func(s guard.Senders) uint64 { return s.OtherTime }},
		{"proofs_replayed", "Proofs that were shown before.", func(s guard.Senders) uint64 { return s.Replayed }},
		{"proofs_without_nonce", "Proofs without a nonce that is still good.", func(s guard.Senders) uint64 { return s.NonceAsked }},
		{"proofs_not_remembered", "Proofs refused because the memory of proofs is full.", func(s guard.Senders) uint64 { return s.MemoryFull }},
	} {
		errs = append(errs, m.Counter("narrowcast_guard_"+c.name+"_total", c.help, func() uint64 { return c.read(d.guard.State().Senders) }))
	}
	return errors.Join(errs...)
}

// ready reports a door that can verify nothing for want of keys, or that refuses
// everybody because it does not know what was revoked.
func (d *door) ready(context.Context) error {
	if f := d.death.follower; f != nil {
		if s := f.State(); s.Stale && s.WhenStale == feed.Refuse {
			return fmt.Errorf("what was revoked is not known well enough: %s", cmp.Or(s.LastError, "the feed has not said yet"))
		}
	}
	for _, k := range d.keys {
		if s := k.stats(); !s.Usable {
			return fmt.Errorf("no usable keys of %s: %w", k.issuer, errors.Join(s.LastError, errNoKeys))
		}
	}
	return nil
}

var errNoKeys = errors.New("none were fetched yet")

// state is the whole truth about a door, for people and dashboards.
func (d *door) state() any {
	type keys struct {
		Issuer    string `json:"issuer"`
		Reads     string `json:"reads"`          // the class of its tokens, and the terms in which they differ
		Keys      *int   `json:"keys,omitempty"` // absent where they are not counted
		Usable    bool   `json:"usable"`
		AgeSecond int    `json:"age_seconds"`
		LastError string `json:"last_error,omitempty"`
	}
	g := d.guard.State()
	out := struct {
		Audience     string      `json:"audience"`
		Digest       string      `json:"digest"`
		Mode         event.Mode  `json:"mode"`
		ObserveOwner string      `json:"observe_owner,omitempty"`
		ObserveUntil time.Time   `json:"observe_until,omitzero"`
		Accepted     uint64      `json:"accepted"`
		Rejected     uint64      `json:"rejected"`
		OffTarget    uint64      `json:"off_target"`
		WouldReject  uint64      `json:"would_reject"`
		Unrecorded   uint64      `json:"unrecorded"`
		Sender       string      `json:"sender"`
		Senders      senders     `json:"senders"`
		Keys         []keys      `json:"keys"`
		Report       *reportHere `json:"report,omitempty"`
		Feed         *feedHere   `json:"feed,omitempty"`
	}{
		Audience: g.Audience, Digest: g.Digest, Mode: g.Mode, ObserveOwner: g.ObserveOwner, ObserveUntil: g.ObserveUntil,
		Accepted: g.Accepted, Rejected: g.Rejected, OffTarget: g.OffTarget, WouldReject: g.WouldReject, Unrecorded: g.Unrecorded,
		Sender: d.settings.Sender, Senders: senders(g.Senders), Keys: []keys{}, Feed: d.death.state(),
	}
	for _, k := range d.keys {
		s := k.stats()
		row := keys{k.issuer.String(), k.reads, &s.Keys, s.Usable, int(s.Age.Seconds()), ""}
		if k.uncounted {
			row.Keys = nil
		}
		if s.LastError != nil {
			row.LastError = s.LastError.Error()
		}
		out.Keys = append(out.Keys, row)
	}
	if d.reporter != nil {
		s := d.reporter.State()
		out.Report = &reportHere{s.Spooled, s.Delivered, s.Dropped, s.Refused, int(s.Lag.Seconds()), s.LastSuccess, s.LastError}
	}
	return out
}

// senders are guard.Senders by their names in JSON.
type senders struct {
	Proved      uint64 `json:"proved"`
	Downgraded  uint64 `json:"downgraded"`
	OtherSender uint64 `json:"other_sender"`
	Malformed   uint64 `json:"proof_malformed"`
	OtherMethod uint64 `json:"proof_other_method"`
	OtherURI    uint64 `json:"proof_other_uri"`
	OtherToken  uint64 `json:"proof_other_token"`
	OtherTime   uint64 `json:"proof_other_time"`
	Replayed    uint64 `json:"proof_replayed"`
	NonceAsked  uint64 `json:"proof_without_nonce"`
	MemoryFull  uint64 `json:"proof_not_remembered"`
}

// reportHere is how the events of a door fare on their way to the issuer.
type reportHere struct {
	Spooled     int       `json:"spooled"`
	Delivered   uint64    `json:"delivered"`
	Dropped     uint64    `json:"dropped"`
	Refused     uint64    `json:"refused"`
	LagSeconds  int       `json:"lag_seconds"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
}

// complain logs why events do not reach the issuer, once for each cause. A guard
// whose audience is not the registered one learns it here.
func (d *door) complain(ctx context.Context) {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for last := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		s := d.reporter.State()
		if s.LastError != "" && s.LastError != last {
			d.log.Warn("events do not reach the issuer; they wait in the spool", "error", s.LastError, "waiting", s.Spooled)
		}
		last = s.LastError
	}
}
