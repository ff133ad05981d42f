package settings

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// GuardOptions documents the options of the guard's settings file.
func GuardOptions() []Option { return documented("", guardOptions()) }

func guardOptions() []option[guardDraft] {
	return slices.Concat(guardTrust(), guardSender(), guardRevocation(), guardLimits(), guardPlaces(), guardCarries())
}

// guardTrust is what decides whether a token opens the door.
func guardTrust() []option[guardDraft] {
	return []option[guardDraft]{
		{Option: Option{Key: "audience", Required: true,
			Text: "The one resource that this guard stands for: the string in aud. There is no list and no wildcard.",
			Gain: "makes the guard accept the tokens of another resource."},
			read: func(v sy.Value, d *guardDraft) { parsed(&d.Audience, narrowcast.ParseAudience, v) }},
		list(Option{Key: "issuers", Required: true,
			Text: "The issuers whose tokens are read, at least one.",
			Gain: "makes the guard trust an issuer of their own, and so opens the door."},
			1, 16, trustedOptions(), checkTrusted, func(d *guardDraft) *[]issuerDraft { return &d.trusted }),
		{Option: Option{Key: "algorithms", Required: true,
			Text: "The signature algorithms that count, at least one of ES256, ES384, RS256, PS256, Ed25519.",
			Gain: "locks callers out, or lets an algorithm count that was to be given up."},
			read: func(v sy.Value, d *guardDraft) { algorithms(v, &d.Algorithms) }},
		{Option: Option{Key: "tenant", Default: "none: a token that names a tenant is refused",
			Text: "The tenant that tokens must belong to.",
			Gain: "makes the guard accept the tokens of another tenant, and refuse its own."},
			read: func(v sy.Value, d *guardDraft) { parsed(&d.Tenant, label, v) }},
		{Option: Option{Key: "environment", Default: "none: a token that names an environment is refused",
			Text: "The environment that tokens must belong to.",
			Gain: "makes the guard accept the tokens of another environment, and refuse its own."},
			read: func(v sy.Value, d *guardDraft) { parsed(&d.Environment, label, v) }},
		{Option: Option{Key: "mode", Default: "enforce",
			Text: "enforce, or observe: a wrong audience is recorded and served. No other check is ever relaxed.",
			Gain: "lets tokens of other resources in, visibly: in health, metrics and every event."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.mode, func(v sy.Value) (string, bool) { return sy.OneOf(v, "enforce", "observe") }, v)
			}},
		group(Option{Key: "observe", Default: "none",
			Text: "Who answers for the mode observe, and when it ends. Needed with it and not allowed without.",
			Gain: "nothing without the mode."},
			exceptionOptions("tokens of other resources are served"),
			func(d *guardDraft) *Exception { return &d.Observe }),
	}
}

func algorithms(v sy.Value, list *[]narrowcast.Algorithm) {
	v.List(1, 5, func(v sy.Value) {
		alg, ok := sy.Parsed(v, narrowcast.ParseAlgorithm)
		switch {
		case ok && slices.Contains(*list, alg):
			v.Fault("is listed twice")
		case ok:
			*list = append(*list, alg)
		}
	})
}

func guardLimits() []option[guardDraft] {
	return []option[guardDraft]{
		{Option: Option{Key: "skew", Default: "5s",
			Text: "How far the issuer's clock may differ, 1s to 1m.",
			Gain: "lengthens the life of every token by as much."},
			read: func(v sy.Value, d *guardDraft) { into(&d.Skew, duration(time.Second, narrowcast.MaxSkew), v) }},
		{Option: Option{Key: "max_lifetime", Default: "1h",
			Text: "The longest life of a token that is accepted, 10s to 24h.",
			Gain: "lets long-lived tokens in, if the issuer makes them."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.MaxLifetime, duration(10*time.Second, narrowcast.CeilingMaxLifetime), v)
			}},
		{Option: Option{Key: "cache", Default: "0",
			Text: "How many verified tokens are remembered, up to 1000000. Only the signature is not checked again.",
			Gain: "makes the guard use more memory, or more time."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.Cache, func(v sy.Value) (int, bool) { return v.Int(0, 1_000_000) }, v)
			}},
		{Option: Option{Key: "cache_for", Default: "1m",
			Text: "How long a token is remembered, 1s to 1h.",
			Gain: "lets the removal of a key go unnoticed for as long."},
			read: func(v sy.Value, d *guardDraft) { into(&d.CacheFor, duration(time.Second, time.Hour), v) }},
	}
}
