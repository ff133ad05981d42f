package settings

import (
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Issuer are the settings of the issuer. Paths are absolute or begin at the
// working directory. No secret is in it.
type Issuer struct {
	Issuer         narrowcast.Issuer
	Tenant         string
	Listen         string
	Operations     string
	TLS            TLS
	TLSEndsAtProxy bool
	Database       string
	Registry       string
	MasterKeyFile  string
	Algorithm      narrowcast.Algorithm
	RotateEvery    time.Duration
	PublishAhead   time.Duration
	Skew           time.Duration
	Drain          time.Duration

	Postgres           Postgres // the store, when Database is empty
	Hosted             bool     // another house serves this one
	Tenants            string   // the directory of the houses that this one serves
	Quotas             Quotas
	Signer             Signer
	ClientCertificates bool
	CertificateHeader  CertificateHeader
	DPoP               IssuerDPoP
	Trust              []Trust
	Tasks              Tasks
	StatusLists        StatusLists
	TransactionTokens  TransactionTokens

	_ struct{}
}

// LoadIssuer reads the settings file of the issuer. The error names every fault
// with its place.
func LoadIssuer(name string) (Issuer, error) {
	text, err := readFile(name)
	if err != nil {
		return Issuer{}, err
	}
	return ParseIssuer(name, text)
}

// ParseIssuer is LoadIssuer for a text; relative paths are taken from the
// directory of name.
func ParseIssuer(name string, text []byte) (Issuer, error) {
	s := Issuer{
		Listen: "127.0.0.1:8480", Operations: "127.0.0.1:8481", Algorithm: narrowcast.ES256,
		RotateEvery: 30 * day, PublishAhead: time.Hour, Skew: narrowcast.DefaultSkew, Drain: 10 * time.Second,
		Postgres: Postgres{Schema: "narrowcast", Connections: 4}, DPoP: IssuerDPoP{Offered: true},
		Tasks:       Tasks{Lease: 10 * time.Second, MaxLife: 24 * time.Hour, PerClient: 1000},
		StatusLists: StatusLists{TTL: 30 * time.Second, Places: 1 << 16}, TransactionTokens: TransactionTokens{TTL: 15 * time.Second},
	}
	err := parse(name, text, &s, issuerOptions(), s.check)
	if err != nil {
		return Issuer{}, err
	}
	return s, nil
}

func (s *Issuer) check(v sy.Value) {
	if s.Hosted {
		s.checkHosted(v)
	} else {
		checkListeners(v, s.Listen, s.Operations, s.TLS, s.TLSEndsAtProxy)
	}
	if s.PublishAhead >= s.RotateEvery {
		v.Fault("publish_ahead must be shorter than rotate_every")
	}
	if v.Has("certificate_header") && !s.TLSEndsAtProxy {
		v.Fault("certificate_header is given, and tls_ends_at_proxy is not true")
	}
	if s.CertificateHeader.Dialect == XForwardedClientCert {
		v.Fault("certificate_header.dialect: %s need not hold the certificate itself, and the issuer must see whom it names", XForwardedClientCert)
	}
	if v.Has("database") == v.Has("postgres") {
		v.Fault("must have either database or postgres")
	}
	seen := map[narrowcast.Issuer]bool{}
	for _, t := range s.Trust {
		if !t.Issuer.IsZero() && seen[t.Issuer] {
			v.Fault("trust: %s is listed twice", t.Issuer)
		}
		seen[t.Issuer] = true
	}
}

// checkHosted refuses what the house that serves this one decides.
func (s *Issuer) checkHosted(v sy.Value) {
	for _, key := range []string{"listen", "operations", "tls", "tls_ends_at_proxy", "drain", "tenants", "certificate_header"} {
		if v.Has(key) {
			v.Fault("%s is decided by the house that serves this one (hosted: true)", key)
		}
	}
	if s.Tenant == "" {
		v.Fault("tenant is required in a house that another one serves")
	}
}

const day = 24 * time.Hour

// IssuerOptions documents the options of the issuer's settings file.
func IssuerOptions() []Option { return documented("", issuerOptions()) }

func issuerOptions() []option[Issuer] {
	return slices.Concat(issuerPlaces(), issuerKeys(), issuerSenders(), issuerTasks(), issuerTenants())
}

func issuerPlaces() []option[Issuer] {
	return []option[Issuer]{
		{Option: Option{Key: "issuer", Required: true,
			Text: "The issuer identifier: the iss of all tokens and the base of all addresses. https, or http on loopback.",
			Gain: "makes tokens that no verifier accepts, and so stops everything."},
			read: func(v sy.Value, s *Issuer) { parsed(&s.Issuer, webIssuer, v) }},
		{Option: Option{Key: "tenant",
			Text: "The tenant that this issuer serves; written into every event and every token.",
			Gain: "makes the book speak of another tenant."},
			read: func(v sy.Value, s *Issuer) { parsed(&s.Tenant, label, v) }},
		{Option: Option{Key: "listen", Default: "127.0.0.1:8480",
			Text: "Where clients and guards reach the issuer.",
			Gain: "opens the token endpoint to other networks; clients must still authenticate."},
			read: func(v sy.Value, s *Issuer) { s.Listen = address(v) }},
		{Option: Option{Key: "operations", Default: "127.0.0.1:8481",
			Text: "Where health and metrics are served. Nothing there needs a credential.",
			Gain: "shows counts and health to other networks."},
			read: func(v sy.Value, s *Issuer) { s.Operations = address(v) }},
		issuerTLS(),
		{Option: Option{Key: "tls_ends_at_proxy", Default: "false",
			Text: "A proxy on a trusted path ends TLS, so listen may be plain off loopback.",
			Gain: "makes tokens and secrets travel in the clear where there is no such proxy."},
			read: func(v sy.Value, s *Issuer) { into(&s.TLSEndsAtProxy, sy.Value.Bool, v) }},
		{Option: Option{Key: "database",
			Text: "The file of the book, the revisions and the sealed keys. narrowcast init makes it; starting does not. This or postgres.",
			Gain: "presents another past: another book, another registry, other keys."},
			read: func(v sy.Value, s *Issuer) { s.Database = path(v) }},
		group(Option{Key: "postgres",
			Text: "A PostgreSQL database instead of a file, for several replicas of one issuer.",
			Gain: "presents another past: another book, another registry, other keys."},
			postgresOptions(), func(s *Issuer) *Postgres { return &s.Postgres }),
		{Option: Option{Key: "registry", Reload: byApply,
			Text: "The directory that plan and apply read when they are given none. Serving reads the applied revision only.",
			Gain: "nothing until somebody applies it."},
			read: func(v sy.Value, s *Issuer) { s.Registry = path(v) }},
	}
}

func issuerKeys() []option[Issuer] {
	return []option[Issuer]{
		{Option: Option{Key: "master_key_file", Required: true,
			Text: "The file with the key that seals the signing keys. Only its path stands here.",
			Gain: "keeps the issuer from starting; with the file and the database, signs any token."},
			read: func(v sy.Value, s *Issuer) { s.MasterKeyFile = path(v) }},
		group(Option{Key: "signer",
			Text: "A program that keeps the signing keys, such as one in front of a hardware module. Without it they are kept sealed in the store.",
			Gain: "runs a program of their choice as the issuer, and makes it sign with keys of their choice from the next rotation on."},
			signerOptions(), func(s *Issuer) *Signer { return &s.Signer }),
		{Option: Option{Key: "algorithm", Default: "ES256",
			Text: "The algorithm of new signing keys: ES256, ES384, RS256, PS256 or Ed25519.",
			Gain: "makes tokens that verifiers with another list refuse."},
			read: func(v sy.Value, s *Issuer) { parsed(&s.Algorithm, narrowcast.ParseAlgorithm, v) }},
		{Option: Option{Key: "rotate_every", Default: "720h (30 days)",
			Text: "How long one key signs, 1h to 8760h.",
			Gain: "keeps a stolen signing key useful for longer."},
			read: func(v sy.Value, s *Issuer) { into(&s.RotateEvery, duration(time.Hour, 365*day), v) }},
		{Option: Option{Key: "publish_ahead", Default: "1h",
			Text: "How long a new key is published before it signs, 1s to 168h. Longer than verifiers keep a key set: guards look again after 12 s or so, others after minutes.",
			Gain: "makes verifiers refuse tokens just after a rotation, when it is too short."},
			read: func(v sy.Value, s *Issuer) { into(&s.PublishAhead, duration(time.Second, 7*day), v) }},
		{Option: Option{Key: "skew", Default: "5s",
			Text: "How far the clocks of clients may differ, 1s to 1m.",
			Gain: "lengthens the life of client assertions by as much."},
			read: func(v sy.Value, s *Issuer) { into(&s.Skew, duration(time.Second, narrowcast.MaxSkew), v) }},
		{Option: Option{Key: "drain", Default: "10s",
			Text: "How long requests under way may take when the issuer stops, 1s to 5m.",
			Gain: "makes stopping slow, or cuts requests off."},
			read: func(v sy.Value, s *Issuer) { into(&s.Drain, duration(time.Second, 5*time.Minute), v) }},
	}
}
