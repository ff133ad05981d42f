package settings

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Tasks are the bounds of tasks.
type Tasks struct {
	Lease     time.Duration // of a task that does not say
	MaxLife   time.Duration
	PerClient int
}

// StatusLists say how status lists are published.
type StatusLists struct {
	TTL    time.Duration
	Places int
	Export string // a directory; empty: they are not exported
}

// TransactionTokens are what an issuer of them is set to.
type TransactionTokens struct {
	TrustDomain narrowcast.Audience // zero: there are none
	TTL         time.Duration
}

// issuerTasks is how tokens end before they expire.
func issuerTasks() []option[Issuer] {
	return []option[Issuer]{
		group(Option{Key: "tasks",
			Text: "The bounds of tasks, whose tokens die with them.",
			Gain: "keeps tokens of a task alive for longer after its runner was cut off."},
			taskOptions(), func(s *Issuer) *Tasks { return &s.Tasks }),
		group(Option{Key: "status_lists",
			Text: "How status lists are published, for verifiers that do not follow the feed. A resource asks for them with tokens.status_list in the registry.",
			Gain: "makes revocations arrive later at such verifiers."},
			statusListOptions(), func(s *Issuer) *StatusLists { return &s.StatusLists }),
		group(Option{Key: "draft_transaction_tokens", Default: "none",
			Text: "Transaction tokens after draft-ietf-oauth-transaction-tokens, which is not final. They are made by an exchange of a token of ours, by whom that is addressed to, and are no access tokens: they travel beside one that is for one resource.",
			Gain: "nothing at verifiers of access tokens. Services that take a transaction token alone take it from every service of the trust domain."},
			transactionTokenOptions(), func(s *Issuer) *TransactionTokens { return &s.TransactionTokens }),
	}
}

func transactionTokenOptions() []option[TransactionTokens] {
	return []option[TransactionTokens]{
		{Option: Option{Key: "trust_domain", Required: true,
			Text: "The aud of transaction tokens: an https URL that is neither the issuer nor a resource.",
			Gain: "makes transaction tokens that services of another trust domain take."},
			read: func(v sy.Value, s *TransactionTokens) { parsed(&s.TrustDomain, narrowcast.ParseAudience, v) }},
		{Option: Option{Key: "ttl", Default: "15s",
			Text: "How long a transaction token lives, 1s to 60s, and never longer than the token that it was made from.",
			Gain: "lets a stolen one be shown for as long."},
			read: func(v sy.Value, s *TransactionTokens) { into(&s.TTL, duration(time.Second, time.Minute), v) }},
	}
}

func taskOptions() []option[Tasks] {
	return []option[Tasks]{
		{Option: Option{Key: "lease", Default: "10s",
			Text: "How long a task lives on when its runner says nothing, unless it asks for another span, 2s to 5m.",
			Gain: "keeps tokens of a task alive for as long after its runner was cut off."},
			read: func(v sy.Value, s *Tasks) { into(&s.Lease, duration(2*time.Second, 5*time.Minute), v) }},
		{Option: Option{Key: "max_life", Default: "24h",
			Text: "The longest life of a task, 1m to 168h.",
			Gain: "lets a forgotten task go on for longer."},
			read: func(v sy.Value, s *Tasks) { into(&s.MaxLife, duration(time.Minute, 7*day), v) }},
		{Option: Option{Key: "per_client", Default: "1000",
			Text: "How many tasks of one client may live at the same time, 1 to 100000.",
			Gain: "lets one client fill the store, or keeps it from working."},
			read: func(v sy.Value, s *Tasks) {
				into(&s.PerClient, func(v sy.Value) (int, bool) { return v.Int(1, 100_000) }, v)
			}},
	}
}

func statusListOptions() []option[StatusLists] {
	return []option[StatusLists]{
		{Option: Option{Key: "ttl", Default: "30s",
			Text: "How long a verifier may keep a list, 5s to 10m.",
			Gain: "makes revocations arrive later by as much."},
			read: func(v sy.Value, s *StatusLists) { into(&s.TTL, duration(5*time.Second, 10*time.Minute), v) }},
		{Option: Option{Key: "places", Default: "65536",
			Text: "How many tokens one list tells of, 1024 to 1048576.",
			Gain: "shows more precisely how many tokens there are, when it is small."},
			read: func(v sy.Value, s *StatusLists) {
				into(&s.Places, func(v sy.Value) (int, bool) { return v.Int(1024, 1<<20) }, v)
			}},
		{Option: Option{Key: "export", Default: "none",
			Text: "A directory into which all lists are written again and again, for a plain web server under the address issuer/status.",
			Gain: "writes public files somewhere else."},
			read: func(v sy.Value, s *StatusLists) { s.Export = path(v) }},
	}
}
