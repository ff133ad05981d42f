package settings

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Values of sender.
const (
	SenderBearer    = "bearer"
	SenderPreferred = "preferred"
	SenderRequired  = "required"
)

// Values of certificate_header.dialect.
const (
	ClientCert           = "client-cert"
	SSLClientCert        = "ssl-client-cert"
	XForwardedClientCert = "x-forwarded-client-cert"
)

// GuardDPoP is how proofs of possession are checked. It counts unless the sender is
// bearer.
type GuardDPoP struct {
	Origin          string // empty: that of the audience
	Algorithms      []narrowcast.Algorithm
	Nonces          bool
	NonceSecretFile string
	Window          time.Duration
	Memory          int
}

// Clients says whether the listener asks callers for a certificate. With a CA file
// what they show must be from there; without, possession is all that is checked.
type Clients struct {
	Ask    bool
	CAFile string
}

// CertificateHeader is the header by which a proxy hands on the certificate of a
// caller. The zero value means none.
type CertificateHeader struct {
	Dialect string
	From    []netip.Prefix
}

func defaultDPoP() GuardDPoP {
	return GuardDPoP{Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519}, Window: time.Minute, Memory: 1 << 18}
}

// guardSender is who may show a token.
func guardSender() []option[guardDraft] {
	return []option[guardDraft]{
		{Option: Option{Key: "sender", Default: SenderBearer,
			Text: "required: only tokens that are bound to their sender, by DPoP or by a certificate. preferred: bearer tokens too. bearer: DPoP is not offered.",
			Gain: "makes a stolen bearer token work. A token that is bound needs its sender in any case."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.Sender, func(v sy.Value) (string, bool) {
					return sy.OneOf(v, SenderRequired, SenderPreferred, SenderBearer)
				}, v)
			}},
		group(Option{Key: "dpop",
			Text: "How proofs of possession are checked (RFC 9449). Allowed with sender required or preferred.",
			Gain: "nothing by itself."},
			guardDPoPOptions(), func(d *guardDraft) *GuardDPoP { return &d.DPoP }),
		group(Option{Key: "certificate_header",
			Text: "How a proxy that ends TLS hands on the certificate of the caller. From everybody else the header is removed.",
			Gain: "may say that a token bound to any certificate comes from its sender."},
			certificateHeaderOptions(), func(d *guardDraft) *CertificateHeader { return &d.CertificateHeader }),
		guardPassthrough(),
	}
}

func guardDPoPOptions() []option[GuardDPoP] {
	return []option[GuardDPoP]{
		{Option: Option{Key: "origin", Default: "the origin of the audience",
			Text: "Scheme, host and port under which callers know the service. With the path it is what a proof must name; no header has a say in it.",
			Gain: "makes proofs for another place count here."},
			read: func(v sy.Value, s *GuardDPoP) { parsed(&s.Origin, originURL, v) }},
		{Option: Option{Key: "algorithms", Default: "[ES256, Ed25519]",
			Text: "The algorithms that a proof may use.",
			Gain: "locks callers out, or lets an algorithm count that was to be given up."},
			read: func(v sy.Value, s *GuardDPoP) {
				s.Algorithms = nil
				algorithms(v, &s.Algorithms)
			}},
		{Option: Option{Key: "nonces", Default: "false",
			Text: "Demand a nonce of this guard in every proof, good for five minutes. It costs callers one more request now and then.",
			Gain: "lets proofs be made in advance, by somebody who holds the key for a moment."},
			read: func(v sy.Value, s *GuardDPoP) { into(&s.Nonces, sy.Value.Bool, v) }},
		{Option: Option{Key: "nonce_secret_file", Default: "a secret of this process",
			Text: "A file with 32 bytes or more that guards of one audience share, so that each knows the nonces of the others. Only its path stands here.",
			Gain: "nothing without the secret itself; who has that can make nonces, and no proofs."},
			read: func(v sy.Value, s *GuardDPoP) { s.NonceSecretFile = path(v) }},
		{Option: Option{Key: "window", Default: "1m",
			Text: "How far the time of a proof may lie from now, 5s to 5m.",
			Gain: "lengthens the time for which a proof that was caught on its way, and never arrived, can be used."},
			read: func(v sy.Value, s *GuardDPoP) { into(&s.Window, duration(5*time.Second, 5*time.Minute), v) }},
		{Option: Option{Key: "memory", Default: "262144",
			Text: "How many proofs are remembered, for up to four windows, 1000 to 16777216. When it is full, proofs are refused. Each guard remembers for itself.",
			Gain: "makes the guard refuse under load, or use more memory."},
			read: func(v sy.Value, s *GuardDPoP) {
				into(&s.Memory, func(v sy.Value) (int, bool) { return v.Int(1000, 1<<24) }, v)
			}},
	}
}

func certificateHeaderOptions() []option[CertificateHeader] {
	return []option[CertificateHeader]{
		{Option: Option{Key: "dialect", Required: true,
			Text: "client-cert (RFC 9440), ssl-client-cert (percent-encoded PEM of nginx) or x-forwarded-client-cert (Envoy). One header is read and no other.",
			Gain: "makes the guard read a header that callers can write to."},
			read: func(v sy.Value, s *CertificateHeader) {
				into(&s.Dialect, func(v sy.Value) (string, bool) {
					return sy.OneOf(v, ClientCert, SSLClientCert, XForwardedClientCert)
				}, v)
			}},
		{Option: Option{Key: "from", Required: true,
			Text: "The addresses or networks of the proxies, at most 64. The proxies must overwrite what callers send, and nobody else may connect from there.",
			Gain: "may say that a token bound to any certificate comes from its sender."},
			read: func(v sy.Value, s *CertificateHeader) {
				v.List(1, 64, func(v sy.Value) {
					if prefix, ok := sy.Parsed(v, network); ok {
						s.From = append(s.From, prefix)
					}
				})
			}},
	}
}

// guardTLS is the certificate of the listener, and what it asks of callers.
func guardTLS() option[guardDraft] {
	own, callers := tlsOptions(), clientOptions()
	return option[guardDraft]{
		Option: Option{Key: "tls",
			Text: "The certificate of the listener. Needed off loopback unless tls_ends_at_proxy.",
			Gain: "shows callers another certificate."},
		inside: slices.Concat(documented("tls.", own), documented("tls.", callers)),
		read: func(v sy.Value, d *guardDraft) {
			if v.Object(slices.Concat(fields(&d.TLS, own), fields(&d.Clients, callers))...) && d.Clients.CAFile != "" && !d.Clients.Ask {
				v.Fault("client_ca_file is given, and client_certificates is not true")
			}
		},
	}
}

func clientOptions() []option[Clients] {
	return []option[Clients]{
		{Option: Option{Key: "client_certificates", Default: "false",
			Text: "Ask callers for a certificate, so that tokens bound to one can be shown (RFC 8705). A caller without one is served as far as his token goes.",
			Gain: "locks out the callers whose tokens are bound to a certificate."},
			read: func(v sy.Value, s *Clients) { into(&s.Ask, sy.Value.Bool, v) }},
		{Option: Option{Key: "client_ca_file", Default: "none: any certificate; the token says which one",
			Text: "The authorities that certificates of callers must come from, PEM. The system's own are never used.",
			Gain: "lets callers of another authority connect; they still need a token that is bound to their certificate."},
			read: func(v sy.Value, s *Clients) { s.CAFile = path(v) }},
	}
}

// checkSender looks at what no single option can know.
func (d *guardDraft) checkSender(v sy.Value) {
	if d.Sender == SenderBearer {
		if v.Has("dpop") {
			v.Fault("dpop is given, and sender is bearer: say required or preferred")
		}
		return
	}
	if d.DPoP.Origin == "" && !d.Audience.IsZero() {
		u, err := url.Parse(d.Audience.String())
		if err == nil {
			_, err = originURL(u.Scheme + "://" + u.Host)
		}
		if err != nil {
			v.Fault("dpop.origin is required: the audience is not an https address that it could be taken from")
		}
	}
	if d.DPoP.NonceSecretFile != "" && !d.DPoP.Nonces {
		v.Fault("dpop.nonce_secret_file is given, and dpop.nonces is not true")
	}
}

// originURL reads scheme, host and port.
func originURL(s string) (string, error) {
	u, err := webURL(s)
	switch {
	case err != nil:
		return "", err
	case u.Path != "" && u.Path != "/":
		return "", errors.New("must be scheme, host and port alone")
	}
	return u.Scheme + "://" + u.Host, nil
}

// network reads an address or a network, and never all of them.
func network(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, errors.New("must be an address or a network such as 10.1.0.0/16")
		}
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New("must be an address or a network such as 10.1.0.0/16")
	case prefix.Bits() == 0 || prefix.Addr().Is4In6() && prefix.Bits() <= 96: // all of IPv4
		return netip.Prefix{}, errors.New("is everybody: name the proxies")
	case prefix.Masked() != prefix:
		return netip.Prefix{}, errors.New("has bits set behind its length: is it an address?")
	}
	return prefix, nil
}
