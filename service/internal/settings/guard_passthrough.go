package settings

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Forwarder is a party that serves an audience and might hand on the tokens that
// come to it. One of SPIFFE, Certificate and Key is set.
type Forwarder struct {
	SPIFFE      string // the SPIFFE ID in its certificate
	Certificate string // the SHA-256 thumbprint of its certificate (RFC 8705 section 3.1)
	Key         string // the thumbprint of its DPoP key (RFC 9449 section 6.1)
	Audience    narrowcast.Audience
}

// guardPassthrough names those who show tokens at this door that were for them.
func guardPassthrough() option[guardDraft] {
	return list(Option{Key: "passthrough", Default: "none: such a token is off target, as if it were stolen",
		Text: "Which party serves which audience, at most 256. A token for it that it shows here is refused in any case; the event says that it was handed on by its addressee.",
		Gain: "puts the blame for a stolen token on somebody else, or takes it off. It opens no door."},
		1, 256, forwarderOptions(), checkForwarder, func(d *guardDraft) *[]Forwarder { return &d.Passthrough })
}

func forwarderOptions() []option[Forwarder] {
	const blame = "names another party in events."
	return []option[Forwarder]{
		{Option: Option{Key: "spiffe", Default: "none",
			Text: "The SPIFFE ID in its certificate. Needs tls.client_ca_file: in a certificate that nobody vouches for, anybody writes any name.",
			Gain: blame},
			read: func(v sy.Value, s *Forwarder) {
				if id, ok := sy.Parsed(v, narrowcast.ParseSPIFFEID); ok {
					s.SPIFFE = id.String()
				}
			}},
		{Option: Option{Key: "certificate_sha256", Default: "none",
			Text: "The SHA-256 thumbprint of its certificate: as openssl x509 -fingerprint -sha256 prints it, or as it stands in cnf.",
			Gain: blame},
			read: func(v sy.Value, s *Forwarder) { parsed(&s.Certificate, certificateThumbprint, v) }},
		{Option: Option{Key: "key_thumbprint", Default: "none",
			Text: "The thumbprint of the key of its proofs of possession (RFC 7638, SHA-256), as it stands in cnf. Needs sender preferred or required.",
			Gain: blame},
			read: func(v sy.Value, s *Forwarder) { parsed(&s.Key, keyThumbprint, v) }},
		{Option: Option{Key: "audience", Required: true,
			Text: "The resource that it serves: the string in aud.",
			Gain: blame},
			read: func(v sy.Value, s *Forwarder) { parsed(&s.Audience, narrowcast.ParseAudience, v) }},
	}
}

func checkForwarder(v sy.Value, s *Forwarder) {
	said := 0
	for _, name := range []string{"spiffe", "certificate_sha256", "key_thumbprint"} {
		if v.Has(name) {
			said++
		}
	}
	if said != 1 {
		v.Fault("needs one of spiffe, certificate_sha256 and key_thumbprint: by what is the party known?")
	}
}

// checkPassthrough refuses entries that could never count.
func (d *guardDraft) checkPassthrough(v sy.Value) {
	seen := map[Forwarder]bool{}
	var spiffe, certificate, key bool
	for _, f := range d.Passthrough {
		spiffe, certificate, key = spiffe || f.SPIFFE != "", certificate || f.Certificate != "", key || f.Key != ""
		if who := f.SPIFFE + f.Certificate + f.Key; who != "" && seen[f] {
			v.Fault("passthrough: %s is listed twice for %s", who, f.Audience)
		}
		seen[f] = true
		if !f.Audience.IsZero() && f.Audience == d.Audience {
			v.Fault("passthrough: %s is the audience of this guard, and its tokens are meant to come", f.Audience)
		}
	}
	if spiffe && d.Clients.CAFile == "" {
		v.Fault("passthrough: spiffe is given, and nobody vouches for certificates: tls.client_ca_file is required")
	}
	if certificate && !d.Clients.Ask && !v.Has("certificate_header") {
		v.Fault("passthrough: certificate_sha256 is given, and no certificates come: tls.client_certificates or certificate_header is required")
	}
	if key && d.Sender == SenderBearer {
		v.Fault("passthrough: key_thumbprint is given, and sender is bearer: say required or preferred")
	}
}

// keyThumbprint reads a SHA-256 thumbprint in base64url.
func keyThumbprint(s string) (string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 32 {
		return "", errors.New("must be a SHA-256 thumbprint, 43 characters of base64url")
	}
	return s, nil
}

// certificateThumbprint also reads the form with hexadecimal digits.
func certificateThumbprint(s string) (string, error) {
	if raw, err := hex.DecodeString(strings.ReplaceAll(s, ":", "")); err == nil && len(raw) == 32 {
		return base64.RawURLEncoding.EncodeToString(raw), nil
	}
	if _, err := keyThumbprint(s); err != nil {
		return "", errors.New("must be a SHA-256 thumbprint, 64 hexadecimal digits or 43 characters of base64url")
	}
	return s, nil
}
