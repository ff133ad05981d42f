package settings

import (
	"net/url"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// IssuerDPoP is how the issuer takes proofs of possession.
type IssuerDPoP struct {
	Offered bool
	Nonces  bool
	Window  time.Duration // 0: the default of the room dpop
	Memory  int           // 0: the default of the room dpop
}

// Trust is how this machine reaches what it checks the tokens of a foreign
// issuer by. Who is trusted stands in the registry; files and sockets of this
// machine stand here.
type Trust struct {
	Issuer      narrowcast.Issuer
	CAFile      string
	WorkloadAPI string
	TokenReview TokenReview
}

// TokenReview is a Kubernetes API server that is asked about tokens.
type TokenReview struct {
	URL       string
	CAFile    string
	TokenFile string
}

// issuerSenders is who may ask, and what binds tokens to them.
func issuerSenders() []option[Issuer] {
	return []option[Issuer]{
		group(Option{Key: "certificate_header", Default: "none",
			Text: "How a proxy that ends TLS hands on the certificates of clients.",
			Gain: "lets whoever may connect from there be any client that authenticates by a certificate."},
			certificateHeaderOptions(), func(s *Issuer) *CertificateHeader { return &s.CertificateHeader }),
		group(Option{Key: "dpop",
			Text: "Proofs of possession at the token endpoint (RFC 9449).",
			Gain: "keeps clients that prove a key out."},
			dpopOptions(), func(s *Issuer) *IssuerDPoP { return &s.DPoP }),
		list(Option{Key: "trust", Default: "none",
			Text: "For foreign issuers of the registry: the files and sockets of this machine by which they are reached.",
			Gain: "makes the issuer believe a Workload API or an API server of their own, and so lets anybody in."},
			1, 64, trustOptions(), checkTrust, func(s *Issuer) *[]Trust { return &s.Trust }),
	}
}

func dpopOptions() []option[IssuerDPoP] {
	return []option[IssuerDPoP]{
		{Option: Option{Key: "offered", Default: "true",
			Text: "Whether proofs are taken at all.",
			Gain: "keeps clients that prove a key out."},
			read: func(v sy.Value, s *IssuerDPoP) { into(&s.Offered, sy.Value.Bool, v) }},
		{Option: Option{Key: "nonces", Default: "false",
			Text: "Demand a nonce of ours in every proof, so that none can be made in advance. Costs clients one more round trip now and then.",
			Gain: "lets proofs that were made in advance count."},
			read: func(v sy.Value, s *IssuerDPoP) { into(&s.Nonces, sy.Value.Bool, v) }},
		{Option: Option{Key: "window", Default: "1m",
			Text: "How far the time in a proof may be from ours, 5s to 5m.",
			Gain: "lets a stolen proof count for longer."},
			read: func(v sy.Value, s *IssuerDPoP) { into(&s.Window, duration(5*time.Second, 5*time.Minute), v) }},
		{Option: Option{Key: "memory", Default: "262144",
			Text: "How many proofs are remembered, so that none is used twice; 1000 to 16777216. When it is full, proofs are refused.",
			Gain: "makes clients be refused under load."},
			read: func(v sy.Value, s *IssuerDPoP) {
				into(&s.Memory, func(v sy.Value) (int, bool) { return v.Int(1000, 1<<24) }, v)
			}},
	}
}

func trustOptions() []option[Trust] {
	return []option[Trust]{
		{Option: Option{Key: "issuer", Required: true,
			Text: "The id of the foreign issuer in the registry; spiffe://DOMAIN for a trust domain.",
			Gain: "points the rest of the entry at another issuer."},
			read: func(v sy.Value, s *Trust) { parsed(&s.Issuer, narrowcast.ParseIssuer, v) }},
		{Option: Option{Key: "ca_file",
			Text: "The authorities, PEM, that may vouch for the web server with its keys; default those of the system. The API server of token_review has its own.",
			Gain: "lets a server of their own hand out keys, and so lets anybody in."},
			read: func(v sy.Value, s *Trust) { s.CAFile = path(v) }},
		{Option: Option{Key: "workload_api",
			Text: "The socket of the SPIFFE Workload API that supplies the bundle of the trust domain.",
			Gain: "lets an agent of their own hand out keys, and so lets anybody in."},
			read: func(v sy.Value, s *Trust) { s.WorkloadAPI = path(v) }},
		group(Option{Key: "token_review",
			Text: "The Kubernetes API server that is asked whether a token still stands.",
			Gain: "lets a server of their own say yes; the signature must still be right."},
			reviewOptions(), func(s *Trust) *TokenReview { return &s.TokenReview }),
	}
}

func reviewOptions() []option[TokenReview] {
	return []option[TokenReview]{
		{Option: Option{Key: "url", Required: true,
			Text: "The API server, https.",
			Gain: "lets a server of their own say yes, and gets our token and those that are asked about; the signature must still be right."},
			read: func(v sy.Value, s *TokenReview) {
				var u *url.URL
				if parsed(&u, webURL, v); u != nil {
					s.URL = u.String()
				}
			}},
		{Option: Option{Key: "ca_file", Required: true,
			Text: "The authority of the API server, PEM.",
			Gain: "lets a server of their own say yes; the signature must still be right."},
			read: func(v sy.Value, s *TokenReview) { s.CAFile = path(v) }},
		{Option: Option{Key: "token_file", Required: true, Reload: atOnce,
			Text: "The token with which we ask; it may create token reviews. Only its path stands here.",
			Gain: "makes the API server refuse us, and so every token of the cluster."},
			read: func(v sy.Value, s *TokenReview) { s.TokenFile = path(v) }},
	}
}

func checkTrust(v sy.Value, t *Trust) {
	if t.CAFile == "" && t.WorkloadAPI == "" && t.TokenReview == (TokenReview{}) {
		v.Fault("says nothing; give ca_file, workload_api or token_review")
	}
}

// issuerTLS is the certificate of the listener, and what it asks of clients.
func issuerTLS() option[Issuer] {
	own := tlsOptions()
	ask := []option[Issuer]{{Option: Option{Key: "client_certificates", Default: "false",
		Text: "Ask clients for a certificate, for mTLS client authentication and tokens bound to a certificate (RFC 8705). The registry says which ones count, not the authorities of the system.",
		Gain: "keeps clients with certificates out."},
		read: func(v sy.Value, s *Issuer) { into(&s.ClientCertificates, sy.Value.Bool, v) }}}
	return option[Issuer]{
		Option: Option{Key: "tls",
			Text: "The certificate of the listener. Needed off loopback unless tls_ends_at_proxy.",
			Gain: "shows callers another certificate."},
		inside: slices.Concat(documented("tls.", own), documented("tls.", ask)),
		read: func(v sy.Value, s *Issuer) {
			v.Object(slices.Concat(fields(&s.TLS, own), fields(s, ask))...)
		},
	}
}
