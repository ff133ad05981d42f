package narrowcast

import "fmt"

// Reason says why a token was not accepted. The catalogue is closed: every
// reason has a heading in docs/reasons.md, and the verifier, the guard, the
// vectors, the probes and the events all speak of the same ones.
//
// The zero Reason means that there is none.
type Reason uint8

// The catalogue, in the order in which a verifier checks.
const (
	// NotConfigured: the verifier is its zero value and refuses everything.
	NotConfigured Reason = iota + 1
	// TokenMissing: the request carries no token.
	TokenMissing
	// RequestMalformed: the request carries a token in a way that is not allowed.
	RequestMalformed
	// TooLarge: the token is longer than the limit.
	TooLarge
	// Malformed: the token is not a JWS in compact form with JSON inside.
	Malformed
	// DuplicateMember: a JSON member name occurs twice.
	DuplicateMember
	// CriticalHeader: the header demands an extension.
	CriticalHeader
	// EmbeddedKey: the header brings its own key or says where to fetch one.
	EmbeddedKey
	// AlgorithmNotAllowed: the algorithm is not on the verifier's list.
	AlgorithmNotAllowed
	// TypeMismatch: the token is of another class.
	TypeMismatch
	// IssuerUnknown: the issuer is absent or not trusted here.
	IssuerUnknown
	// KeyUnknown: the issuer has no key with this id.
	KeyUnknown
	// KeyUnavailable: the issuer's keys could not be had.
	KeyUnavailable
	// KeyWindow: the key is not valid at this time.
	KeyWindow
	// AlgorithmMismatch: the key belongs to another algorithm.
	AlgorithmMismatch
	// IssuerKeyMismatch: signed by a key of another trusted issuer.
	IssuerKeyMismatch
	// SignatureInvalid: the signature does not match.
	SignatureInvalid
	// ClaimMissing: a claim that the token class requires is absent.
	ClaimMissing
	// ClaimMalformed: a claim has the wrong type or form.
	ClaimMalformed
	// ClaimMismatch: a claim says something else than tokens of this issuer must.
	ClaimMismatch
	// Expired: the token is past its expiry.
	Expired
	// NotYetValid: the token is not valid yet.
	NotYetValid
	// LifetimeExceeded: the token lives longer than the ceiling.
	LifetimeExceeded
	// AudienceMissing: there is no audience, or an empty one.
	AudienceMissing
	// AudienceMalformed: the audience is neither a string nor a list of strings.
	AudienceMalformed
	// AudienceMismatch: the token is addressed to another resource.
	AudienceMismatch
	// AudienceMultiple: the token is addressed to others besides this resource.
	AudienceMultiple
	// AmbientAudience: the only audiences are ones that the issuer gives to everybody.
	AmbientAudience
	// TenantMismatch: the token belongs to another tenant.
	TenantMismatch
	// EnvironmentMismatch: the token belongs to another environment.
	EnvironmentMismatch
	// SenderMismatch: the presenter is not the sender the token is bound to.
	SenderMismatch
	// Downgrade: a token bound to its sender came as a plain bearer token.
	Downgrade
	// ProofInvalid: the proof of possession is wrong or about another request.
	ProofInvalid
	// Replayed: the proof of possession, or a token for one use, was shown before.
	Replayed
	// BindingRequired: the token is bound to no sender, and this resource demands it.
	BindingRequired
	// Revoked: the token was revoked.
	Revoked
	// TaskEnded: the task that the token belongs to has ended.
	TaskEnded
	// TaskPaused: the task that the token belongs to is paused.
	TaskPaused
	// Stale: what is known of revocations is older than this resource allows.
	Stale
	// TxnMismatch: the token is for one exact request, and this is another one.
	TxnMismatch
	// UseUnknown: the token is for one use, and nobody knows whether it was used.
	UseUnknown
	// InsufficientScope: the token is good and does not allow this call.
	InsufficientScope
)

// Answer is what the caller is told, by RFC 6750 section 3.1.
type Answer uint8

// The answers.
const (
	// Unauthorized: 401 with error invalid_token, the same for every cause.
	Unauthorized Answer = iota
	// Challenge: 401 without an error code, because no token came.
	Challenge
	// BadRequest: 400 with error invalid_request.
	BadRequest
	// Forbidden: 403 with error insufficient_scope.
	Forbidden
)

type entry struct {
	code     string
	sentence string
	answer   Answer
	clause   string
	cwe      int
	asvs     string
}

var catalogue = [...]entry{
	NotConfigured:       {"not_configured", "the verifier was never configured", Unauthorized, "law 2", 1188, "13.1.1"},
	TokenMissing:        {"token_missing", "the request carries no token", Challenge, "RFC 6750 §3.1", 306, "10.3.1"},
	RequestMalformed:    {"request_malformed", "the request carries its token in a way that is not allowed", BadRequest, "RFC 6750 §2", 436, "10.3.1"},
	TooLarge:            {"too_large", "the token is longer than the limit", Unauthorized, "RFC 8725 §3", 770, "9.1.1"},
	Malformed:           {"malformed", "the token is not a JWS in compact form with one JSON object inside", Unauthorized, "RFC 7515 §5.2", 20, "9.1.1"},
	DuplicateMember:     {"duplicate_member", "a JSON member name occurs twice", Unauthorized, "RFC 7515 §4", 436, "9.1.1"},
	CriticalHeader:      {"critical_header", "the header demands an extension that is not supported", Unauthorized, "RFC 7515 §4.1.11", 440, "9.1.1"},
	EmbeddedKey:         {"embedded_key", "the header brings its own key or an address to fetch one from", Unauthorized, "RFC 8725 §3.10", 345, "9.1.3"},
	AlgorithmNotAllowed: {"algorithm_not_allowed", "the algorithm is not on the list of this verifier", Unauthorized, "RFC 8725 §3.1", 327, "9.1.2"},
	TypeMismatch:        {"type_mismatch", "the token is of another class", Unauthorized, "RFC 9068 §4", 843, "9.2.2"},
	IssuerUnknown:       {"issuer_unknown", "the issuer is absent or not trusted here", Unauthorized, "RFC 9068 §4", 346, "9.1.3"},
	KeyUnknown:          {"key_unknown", "the issuer has no key with this id", Unauthorized, "RFC 7515 §6", 347, "9.1.3"},
	KeyUnavailable:      {"key_unavailable", "the keys of the issuer could not be had", Unauthorized, "RFC 7517 §5", 347, "9.1.3"},
	KeyWindow:           {"key_window", "the key is not valid at this time", Unauthorized, "RFC 8725 §3.8", 324, "9.1.3"},
	AlgorithmMismatch:   {"algorithm_mismatch", "the key belongs to another algorithm", Unauthorized, "RFC 8725 §3.1", 327, "9.1.2"},
	IssuerKeyMismatch:   {"issuer_key_mismatch", "the token was signed by a key of another trusted issuer", Unauthorized, "RFC 8725 §3.8", 345, "9.1.3"},
	SignatureInvalid:    {"signature_invalid", "the signature does not match", Unauthorized, "RFC 7515 §5.2", 347, "9.1.1"},
	ClaimMissing:        {"claim_missing", "a claim that this class of token requires is absent", Unauthorized, "RFC 9068 §2.2", 345, "9.2.1"},
	ClaimMalformed:      {"claim_malformed", "a claim has the wrong type or form", Unauthorized, "RFC 7519 §4.1", 20, "9.2.1"},
	ClaimMismatch:       {"claim_mismatch", "a claim says something else than the tokens of this issuer must say here", Unauthorized, "RFC 8725 §3.12", 863, "9.2.2"},
	Expired:             {"expired", "the token is past its expiry", Unauthorized, "RFC 7519 §4.1.4", 613, "9.2.1"},
	NotYetValid:         {"not_yet_valid", "the token is not valid yet", Unauthorized, "RFC 7519 §4.1.5", 613, "9.2.1"},
	LifetimeExceeded:    {"lifetime_exceeded", "the token lives longer than the ceiling of this resource", Unauthorized, "RFC 6750 §5.3", 613, "9.2.1"},
	AudienceMissing:     {"audience_missing", "the token names no audience", Unauthorized, "RFC 9068 §4", 1270, "9.2.3"},
	AudienceMalformed:   {"audience_malformed", "the audience is neither a string nor a list of strings", Unauthorized, "RFC 7519 §4.1.3", 20, "9.2.3"},
	AudienceMismatch:    {"audience_mismatch", "the token is addressed to another resource", Unauthorized, "RFC 7519 §4.1.3", 863, "9.2.3"},
	AudienceMultiple:    {"audience_multiple", "the token is addressed to others besides this resource", Unauthorized, "law 1", 863, "9.2.4"},
	AmbientAudience:     {"ambient_audience", "the token names only an audience that its issuer gives to everybody", Unauthorized, "RFC 9700 §2.3", 863, "9.2.3"},
	TenantMismatch:      {"tenant_mismatch", "the token belongs to another tenant", Unauthorized, "RFC 8725 §3.8", 863, "9.2.4"},
	EnvironmentMismatch: {"environment_mismatch", "the token belongs to another environment", Unauthorized, "OWASP NHI8", 863, "9.2.4"},
	SenderMismatch:      {"sender_mismatch", "the presenter is not the sender that the token is bound to", Unauthorized, "RFC 7800 §3", 290, "10.3.5"},
	Downgrade:           {"downgrade", "a token bound to its sender came as a plain bearer token", Unauthorized, "RFC 9449 §7.2", 757, "10.3.5"},
	ProofInvalid:        {"proof_invalid", "the proof of possession is wrong or about another request", Unauthorized, "RFC 9449 §4.3", 345, "10.3.5"},
	Replayed:            {"replayed", "the proof of possession, or a token for one use, was shown before", Unauthorized, "RFC 9449 §11.1", 294, "10.3.5"},
	BindingRequired:     {"binding_required", "the token is bound to no sender, and this resource demands it", Unauthorized, "RFC 9700 §2.2.1", 308, "10.3.5"},
	Revoked:             {"revoked", "the token was revoked", Unauthorized, "RFC 7009 §2.2", 613, "10.4.9"},
	TaskEnded:           {"task_ended", "the task that the token belongs to has ended", Unauthorized, "law 6", 613, "10.4.9"},
	TaskPaused:          {"task_paused", "the task that the token belongs to is paused", Unauthorized, "law 6", 613, "10.4.9"},
	Stale:               {"stale", "what is known of revocations is older than this resource allows", Unauthorized, "law 6", 613, "10.4.9"},
	TxnMismatch:         {"txn_mismatch", "the token is for one exact request, and this is another one", Unauthorized, "RFC 9396 §9.1", 863, "10.3.2"},
	UseUnknown:          {"use_unknown", "the token is for one use, and whether it was used could not be found out", Unauthorized, "RFC 9449 §11.1", 294, "10.3.5"},
	InsufficientScope:   {"insufficient_scope", "the token does not allow this call", Forbidden, "RFC 6750 §3.1", 862, "10.3.2"},
}

// Reasons returns the catalogue in order.
func Reasons() []Reason {
	all := make([]Reason, 0, len(catalogue)-1)
	for r := NotConfigured; int(r) < len(catalogue); r++ {
		all = append(all, r)
	}
	return all
}

// ParseReason reads a code such as "audience_mismatch".
func ParseReason(code string) (Reason, error) {
	for _, r := range Reasons() {
		if catalogue[r].code == code {
			return r, nil
		}
	}
	return 0, fmt.Errorf("reason %s: not in the catalogue", quote(code))
}

func (r Reason) entry() entry {
	if int(r) < len(catalogue) {
		return catalogue[r]
	}
	return entry{code: "not_configured", sentence: "a reason outside the catalogue"}
}

// String returns the code, or "" for the zero Reason.
func (r Reason) String() string { return r.entry().code }

// Sentence says in plain words what is wrong. It is for operators and logs, not
// for the caller.
func (r Reason) Sentence() string { return r.entry().sentence }

// Answer says what the caller is told.
func (r Reason) Answer() Answer { return r.entry().answer }

// Clause names the text that demands the check.
func (r Reason) Clause() string { return r.entry().clause }

// CWE is the number of the weakness that a verifier without the check has.
func (r Reason) CWE() int { return r.entry().cwe }

// ASVS is the requirement of OWASP ASVS 5.0 that the check belongs to.
func (r Reason) ASVS() string { return r.entry().asvs }

// AboutAudience reports whether r is one of the reasons that observe mode may
// set aside: they concern to whom a token is addressed and nothing else.
func (r Reason) AboutAudience() bool { return r >= AudienceMissing && r <= AmbientAudience }

// MarshalText writes the code.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a code; the empty text is the zero Reason.
func (r *Reason) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = 0
		return nil
	}
	*r, err = ParseReason(string(b))
	return err
}
