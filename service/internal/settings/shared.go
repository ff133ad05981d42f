package settings

import (
	"time"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// TLS is the certificate of a listener. The zero TLS means none.
type TLS struct {
	CertificateFile string
	KeyFile         string
}

// Exception is a weakening that somebody answers for until an end. The zero
// Exception is none.
type Exception struct {
	Owner string
	Until time.Time
}

// Holds reports whether the exception is in force at this instant.
func (e Exception) Holds(at time.Time) bool { return e.Owner != "" && at.Before(e.Until) }

func tlsOptions() []option[TLS] {
	return []option[TLS]{
		{Option: Option{Key: "certificate_file", Required: true,
			Text: "The certificate chain, PEM.",
			Gain: "shows callers another certificate; they refuse one they do not trust."},
			read: func(v sy.Value, s *TLS) { s.CertificateFile = path(v) }},
		{Option: Option{Key: "key_file", Required: true,
			Text: "The private key of the certificate, PEM. Only its path stands here.",
			Gain: "nothing without the key itself; a wrong path keeps the program from starting."},
			read: func(v sy.Value, s *TLS) { s.KeyFile = path(v) }},
	}
}

func exceptionOptions(what string) []option[Exception] {
	return []option[Exception]{
		{Option: Option{Key: "owner", Required: true,
			Text: "Who answers for the exception.",
			Gain: "puts the blame on somebody else."},
			read: func(v sy.Value, s *Exception) { parsed(&s.Owner, label, v) }},
		{Option: Option{Key: "until", Required: true,
			Text: "The last day of the exception, in UTC, or an instant. It ends by itself.",
			Gain: "keeps up for longer: " + what + "."},
			read: func(v sy.Value, s *Exception) { into(&s.Until, sy.Value.Until, v) }},
	}
}

// group makes an option whose value is a mapping with options of its own.
func group[S, T any](doc Option, inner []option[T], target func(*S) *T) option[S] {
	return option[S]{
		Option: doc,
		inside: documented(doc.Key+".", inner),
		read:   func(v sy.Value, s *S) { v.Object(fields(target(s), inner)...) },
	}
}

// list makes an option whose value is a list of mappings.
func list[S, T any](doc Option, low, high int, inner []option[T], check func(sy.Value, *T), target func(*S) *[]T) option[S] {
	return option[S]{
		Option: doc,
		inside: documented(doc.Key+"[].", inner),
		read: func(v sy.Value, s *S) {
			v.List(low, high, func(v sy.Value) {
				var element T
				if v.Object(fields(&element, inner)...) {
					check(v, &element)
				}
				*target(s) = append(*target(s), element)
			})
		},
	}
}
