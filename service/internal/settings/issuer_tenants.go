package settings

import (
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Quotas bound what one tenant may take of the machine. Zero is no bound.
type Quotas struct {
	RequestsPerSecond int
	MintsPerSecond    int
	EventsPerSecond   int
	TasksPerSecond    int
	Concurrent        int
}

// issuerTenants is who shares this process.
func issuerTenants() []option[Issuer] {
	return []option[Issuer]{
		{Option: Option{Key: "tenants", Default: "none",
			Text: "A directory of further houses, one per tenant, that this process serves on its listeners. Each is made by narrowcast init --hosted, with an issuer, keys, a registry and a book of its own.",
			Gain: "serves houses of their own under this address. The settings of a house, unlike its registry, make this process read files and run programs: they belong to whoever runs the machine."},
			read: func(v sy.Value, s *Issuer) { s.Tenants = path(v) }},
		{Option: Option{Key: "hosted", Default: "false",
			Text: "This house is served by another one, in whose tenants directory it lies.",
			Gain: "keeps the issuer from starting."},
			read: func(v sy.Value, s *Issuer) { into(&s.Hosted, sy.Value.Bool, v) }},
		group(Option{Key: "quotas",
			Text: "What this tenant may take of the machine, so that its storm leaves others alone.",
			Gain: "slows other tenants down, or this one."},
			quotaOptions(), func(s *Issuer) *Quotas { return &s.Quotas }),
	}
}

func quotaOptions() []option[Quotas] {
	number := func(key, text string, target func(*Quotas) *int) option[Quotas] {
		return option[Quotas]{
			Option: Option{Key: key, Default: "no bound", Text: text, Gain: "slows other tenants down, or this one."},
			read: func(v sy.Value, s *Quotas) {
				into(target(s), func(v sy.Value) (int, bool) { return v.Int(1, 1_000_000) }, v)
			},
		}
	}
	return []option[Quotas]{
		number("requests_per_second", "Requests of any kind, before anything is read of them. More get 429.",
			func(s *Quotas) *int { return &s.RequestsPerSecond }),
		number("mints_per_second", "Token requests of clients that proved who they are. More get 429.",
			func(s *Quotas) *int { return &s.MintsPerSecond }),
		number("events_per_second", "Events that guards report. More get 429 and are sent again.",
			func(s *Quotas) *int { return &s.EventsPerSecond }),
		number("tasks_per_second", "Tasks opened, ended or otherwise changed; renewals do not count. More get 429.",
			func(s *Quotas) *int { return &s.TasksPerSecond }),
		number("concurrent", "Requests at the same time, followers of the feed apart. More get 429.",
			func(s *Quotas) *int { return &s.Concurrent }),
	}
}
