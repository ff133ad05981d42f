package settings

import (
	"net/url"
	"time"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Guard are the settings of a guard that stands alone. Paths are absolute or
// begin at the working directory. No secret is in it.
type Guard struct {
	Name        string
	Audience    narrowcast.Audience
	Issuers     []TrustedIssuer
	Algorithms  []narrowcast.Algorithm
	Tenant      string
	Environment string
	Skew        time.Duration
	MaxLifetime time.Duration
	Cache       int
	CacheFor    time.Duration
	// Sender is SenderRequired, SenderPreferred or SenderBearer.
	Sender string
	DPoP   GuardDPoP
	// Observe is set when the mode is observe: a wrong audience is recorded and
	// served until the exception ends.
	Observe Exception

	Listen         string
	Operations     string
	TLS            TLS
	Clients        Clients
	TLSEndsAtProxy bool
	// CertificateHeader is how a proxy that ends TLS hands on certificates.
	CertificateHeader CertificateHeader
	// Passthrough says whose tokens are whose, to name services that hand them on.
	Passthrough []Forwarder
	Upstream    *url.URL          // a reverse proxy in front of this address, or
	ForwardAuth string            // answers to a proxy that asks: x-forwarded, x-original or request-line
	PassClaims  map[string]string // claim to header
	Routes      []Route
	Events      Events
	Feed        Feed
	StatusLists StatusListSource
	SingleUse   SingleUse
	MaxContent  int

	_ struct{}
}

// Events says where the guard's events go: to the issuer, or into a file.
type Events struct {
	URL            string // empty: the events door of the credential's issuer
	CredentialFile string
	Spool          string
	File           string
}

// Values of forward_auth.
const (
	XForwarded  = "x-forwarded"
	XOriginal   = "x-original"
	RequestLine = "request-line"
)

// LoadGuard reads the settings file of a guard. The error names every fault with
// its place.
func LoadGuard(name string) (Guard, error) {
	text, err := readFile(name)
	if err != nil {
		return Guard{}, err
	}
	return ParseGuard(name, text)
}

// ParseGuard is LoadGuard for a text; relative paths are taken from the
// directory of name.
func ParseGuard(name string, text []byte) (Guard, error) {
	d := guardDraft{Guard: Guard{
		Listen: "127.0.0.1:8470", Operations: "127.0.0.1:8471", Skew: narrowcast.DefaultSkew,
		MaxLifetime: narrowcast.DefaultMaxLifetime, CacheFor: narrowcast.DefaultCacheFor,
		Sender: SenderBearer, DPoP: defaultDPoP(), MaxContent: 1 << 20,
	}}
	if err := parse(name, text, &d, guardOptions(), d.check); err != nil {
		return Guard{}, err
	}
	return d.Guard, nil
}

// guardDraft is a Guard with what only the checks need.
type guardDraft struct {
	Guard
	mode    string
	trusted []issuerDraft
}

func (d *guardDraft) check(v sy.Value) {
	checkListeners(v, d.Listen, d.Operations, d.TLS, d.TLSEndsAtProxy)
	if !v.Has("upstream") && !v.Has("forward_auth") {
		v.Fault("upstream or forward_auth is required: what does the guard stand in front of?")
	}
	if v.Has("upstream") && v.Has("forward_auth") {
		v.Fault("upstream and forward_auth exclude each other")
	}
	switch {
	case d.mode == "observe" && !v.Has("observe"):
		v.Fault("mode is observe: observe.owner and observe.until are required; somebody answers for it, and it ends")
	case d.mode != "observe" && v.Has("observe"):
		v.Fault("observe is given, and mode is not observe")
	}
	d.checkIssuers(v)
	d.checkSender(v)
	d.checkPassthrough(v)
	d.checkRevocation(v)
	d.checkRoutes(v)
}

func readEvents(v sy.Value, d *guardDraft, inner []option[Events]) {
	if !v.Object(fields(&d.Events, inner)...) {
		return
	}
	toIssuer := v.Has("credential_file") || v.Has("spool") || v.Has("url")
	switch {
	case v.Has("file") && toIssuer:
		v.Fault("either file, or credential_file and spool")
	case !v.Has("file") && (!v.Has("credential_file") || !v.Has("spool")):
		v.Fault("credential_file and spool are required, or file alone")
	}
}
