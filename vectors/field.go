package vectors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// field is one key of the header: how it is read into a vector and how it is
// written from one. A key that is written with no values is left out.
type field struct {
	key      string
	required bool
	many     bool // may stand more than once
	read     func(v *Vector, value string) error
	write    func(v *Vector) []string
}

// fields returns the keys in the order in which they are written.
func fields() []field {
	return append(append(verdictFields(), descriptiveFields()...), settingFields()...)
}

func verdictFields() []field {
	return []field{
		{"id", true, false, func(v *Vector, s string) error { return text(&v.ID, s) }, func(v *Vector) []string { return some(v.ID) }},
		{"title", true, false, func(v *Vector, s string) error { return text(&v.Title, s) }, func(v *Vector) []string { return some(v.Title) }},
		{"verdict", true, false, readVerdict, writeVerdict},
		{"reason", false, false, func(v *Vector, s string) (err error) {
			v.Reason, err = narrowcast.ParseReason(s)
			return err
		}, func(v *Vector) []string { return some(v.Reason.String()) }},
		{"control", false, false, func(v *Vector, s string) error { return text(&v.Control, s) }, func(v *Vector) []string { return some(v.Control) }},
	}
}

func descriptiveFields() []field {
	return []field{
		{"clause", false, false, func(v *Vector, s string) error { return text(&v.Clause, s) }, func(v *Vector) []string { return some(v.Clause) }},
		{"source", false, false, func(v *Vector, s string) error { return text(&v.Source, s) }, func(v *Vector) []string { return some(v.Source) }},
		{"cwe", false, false, func(v *Vector, s string) (err error) {
			v.CWE, err = count(s)
			return err
		}, func(v *Vector) []string { return positive(v.CWE) }},
		{"asvs", false, false, func(v *Vector, s string) error { return text(&v.ASVS, s) }, func(v *Vector) []string { return some(v.ASVS) }},
		{"strict", false, false, func(v *Vector, s string) error { return yes(&v.Strict, s) }, func(v *Vector) []string { return flag(v.Strict) }},
		{"needs", false, true, func(v *Vector, s string) error { return add(&v.Needs, s) }, func(v *Vector) []string { return v.Needs }},
	}
}

func settingFields() []field {
	return []field{
		{"now", true, false, readNow, func(v *Vector) []string { return some(v.Now.UTC().Format(time.RFC3339)) }},
		{"audience", true, false, func(v *Vector, s string) error { return v.Audience.UnmarshalText([]byte(s)) }, func(v *Vector) []string { return some(v.Audience.String()) }},
		{"issuer", true, true, readIssuer, writeIssuers},
		{"term", false, true, readTerm, writeTerms},
		{"algorithms", true, false, readAlgorithms, writeAlgorithms},
		{"skew-seconds", true, false, func(v *Vector, s string) error { return seconds(&v.Skew, s) }, func(v *Vector) []string { return positive(int(v.Skew.Seconds())) }},
		{"max-lifetime-seconds", true, false, func(v *Vector, s string) error { return seconds(&v.MaxLifetime, s) }, func(v *Vector) []string { return positive(int(v.MaxLifetime.Seconds())) }},
		{"tenant", false, false, func(v *Vector, s string) error { return text(&v.Tenant, s) }, func(v *Vector) []string { return some(v.Tenant) }},
		{"environment", false, false, func(v *Vector, s string) error { return text(&v.Environment, s) }, func(v *Vector) []string { return some(v.Environment) }},
		{"required-scope", false, false, func(v *Vector, s string) error { return v.Required.UnmarshalText([]byte(s)) }, func(v *Vector) []string { return some(v.Required.String()) }},
		{"certificate", false, false, func(v *Vector, s string) error { return text(&v.Certificate, s) }, func(v *Vector) []string { return some(v.Certificate) }},
		{"proof", false, false, func(v *Vector, s string) error { return text(&v.Proof, s) }, func(v *Vector) []string { return some(v.Proof) }},
		{"binding-required", false, false, func(v *Vector, s string) error { return yes(&v.Binding, s) }, func(v *Vector) []string { return flag(v.Binding) }},
		{"revoked", false, true, func(v *Vector, s string) error { return add(&v.Revoked, narrowcast.TokenID(s)) }, func(v *Vector) []string { return each(v.Revoked) }},
		{"ended", false, true, func(v *Vector, s string) error { return add(&v.Ended, narrowcast.TaskID(s)) }, func(v *Vector) []string { return each(v.Ended) }},
		{"paused", false, true, func(v *Vector, s string) error { return add(&v.Paused, narrowcast.TaskID(s)) }, func(v *Vector) []string { return each(v.Paused) }},
		{"stale", false, false, func(v *Vector, s string) error { return yes(&v.Stale, s) }, func(v *Vector) []string { return flag(v.Stale) }},
		{"request", false, false, readRequest, func(v *Vector) []string { return some(v.Request) }},
		{"content", false, false, func(v *Vector, s string) error { return text(&v.Content, s) }, func(v *Vector) []string { return some(v.Content) }},
		{"uses", false, false, readUses, func(v *Vector) []string { return some(v.Uses) }},
		{"keys-unreachable", false, false, func(v *Vector, s string) error { return yes(&v.Unreachable, s) }, func(v *Vector) []string { return flag(v.Unreachable) }},
	}
}

func readVerdict(v *Vector, s string) error {
	v.Accept = s == "accept"
	if s != "accept" && s != "reject" {
		return errors.New("must be accept or reject")
	}
	return nil
}

func writeVerdict(v *Vector) []string {
	if v.Accept {
		return some("accept")
	}
	return some("reject")
}

func readNow(v *Vector, s string) (err error) {
	v.Now, err = time.Parse(time.RFC3339, s)
	v.Now = v.Now.UTC()
	return err
}

func readIssuer(v *Vector, s string) error {
	name, keys, found := strings.Cut(s, " ")
	if !found || keys == "" {
		return errors.New("must be an issuer and the file of its keys, separated by a space")
	}
	issuer, err := narrowcast.ParseIssuer(name)
	if err != nil {
		return err
	}
	return add(&v.Issuers, TrustedIssuer{Issuer: issuer, Keys: keys})
}

func readRequest(v *Vector, s string) error {
	method, target, _ := strings.Cut(s, " ")
	if method == "" || target == "" || strings.Contains(target, " ") {
		return errors.New("must be a method and a target, separated by a space")
	}
	return text(&v.Request, s)
}

func readUses(v *Vector, s string) error {
	if s != "first" && s != "used" && s != "unknown" {
		return errors.New("must be first, used or unknown")
	}
	return text(&v.Uses, s)
}

// readTerm reads an issuer that stands above, a space, and one of its terms.
func readTerm(v *Vector, s string) error {
	name, term, _ := strings.Cut(s, " ")
	at := slices.IndexFunc(v.Issuers, func(i TrustedIssuer) bool { return i.Issuer.String() == name })
	if at < 0 {
		return errors.New("must begin with an issuer that stands above")
	}
	if err := new(narrowcast.TrustedIssuer).SetTerm(term); err != nil {
		return err
	}
	return add(&v.Issuers[at].Terms, term)
}

func writeTerms(v *Vector) []string {
	var lines []string
	for _, i := range v.Issuers {
		for _, term := range i.Terms {
			lines = append(lines, i.Issuer.String()+" "+term)
		}
	}
	return lines
}

func writeIssuers(v *Vector) []string {
	var lines []string
	for _, i := range v.Issuers {
		lines = append(lines, i.Issuer.String()+" "+i.Keys)
	}
	return lines
}

func readAlgorithms(v *Vector, s string) error {
	for name := range strings.SplitSeq(s, " ") {
		alg, err := narrowcast.ParseAlgorithm(name)
		if err != nil {
			return err
		}
		v.Algorithms = append(v.Algorithms, alg)
	}
	return nil
}

func writeAlgorithms(v *Vector) []string { return some(strings.Join(each(v.Algorithms), " ")) }

func text(into *string, s string) error {
	*into = s
	if s == "" {
		return errors.New("is empty")
	}
	return nil
}

// maxRepeated bounds the keys that may stand more than once.
const maxRepeated = 16

func add[T any](into *[]T, value T) error {
	if len(*into) == maxRepeated {
		return fmt.Errorf("stands more than %d times", maxRepeated)
	}
	*into = append(*into, value)
	return nil
}

func yes(into *bool, s string) error {
	*into = s == "yes"
	if s != "yes" {
		return errors.New("must be yes or be left out")
	}
	return nil
}

func count(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1e6 {
		return 0, errors.New("must be a number from 0 to 1000000")
	}
	return n, nil
}

func seconds(into *time.Duration, s string) error {
	n, err := count(s)
	*into = time.Duration(n) * time.Second
	return err
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func positive(n int) []string {
	if n == 0 {
		return nil
	}
	return []string{strconv.Itoa(n)}
}

func flag(b bool) []string {
	if b {
		return []string{"yes"}
	}
	return nil
}

func each[T ~string](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}
