package registry

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Bounds on max_age: below, clocks decide; above, a leaked token is of use for
// days.
const minAge, maxAge = 10 * time.Second, 24 * time.Hour

func (l *loader) readIssuer(v sy.Value) {
	d := draftIssuer{}
	d.Position = place(v)
	var profile sy.Value
	var s sources
	var oneTime, review, endpoint sy.Value
	read := v.Object(
		sy.Field{Name: "id", Required: true, Read: func(v sy.Value) {
			d.id = v
			d.Issuer.Issuer, _ = sy.Parsed(v, narrowcast.ParseIssuer)
		}},
		sy.Field{Name: "profile", Required: true, Read: func(v sy.Value) {
			profile = v
			d.Profile, _ = sy.OneOf(v, federation.Platforms()...)
		}},
		s.field("jwks_url", false, parsed(&d.JWKSURL, parseKeyURL)),
		s.field("jwks_file", false, func(v sy.Value) { d.Keys = l.readKeyFile(v) }),
		s.field("discovery", false, yes(&d.Discovery)),
		s.field("bundle_url", true, parsed(&d.Bundle.URL, parseBundleURL)),
		s.field("bundle_file", true, func(v sy.Value) { d.Bundle.Document = l.readBundle(v) }),
		s.field("workload_api", true, yes(&d.Bundle.WorkloadAPI)),
		sy.Field{Name: "endpoint_spiffe_id", Read: func(v sy.Value) {
			endpoint = v
			id, _ := sy.Parsed(v, federation.ParseSPIFFEID)
			d.Bundle.EndpointID = id.String()
			if !s.has("bundle_url") {
				v.Fault("needs bundle_url: it says which SPIFFE ID the bundle endpoint has")
			}
		}},
		sy.Field{Name: "max_age", Read: set(&d.MaxAge, func(v sy.Value) (time.Duration, bool) { return v.Duration(minAge, maxAge) })},
		sy.Field{Name: "one_time", Read: func(v sy.Value) { oneTime = v; set(&d.OneTime, sy.Value.Bool)(v) }},
		sy.Field{Name: "token_review", Read: func(v sy.Value) { review = v; set(&d.TokenReview, sy.Value.Bool)(v) }},
		sy.Field{Name: "disabled", Read: set(&d.Disabled, sy.Value.Bool)},
	)
	if !read || d.Issuer.Issuer.IsZero() {
		return
	}
	if d.Profile != "" {
		d.settle(v, profile, s)
	}
	if d.Bundle.EndpointID != "" && s.has("bundle_url") {
		d.checkEndpoint(endpoint, s)
	}
	if d.OneTime && !federation.HasTokenID(d.Profile) {
		oneTime.Fault("has no effect: tokens of %s carry no jti", d.Profile)
	}
	if d.TokenReview && d.Profile != federation.Kubernetes {
		review.Fault("is for issuers of profile kubernetes")
	}
	l.issuers = append(l.issuers, d)
}

// sources are the places of keys that an issuer names.
type sources []source

type source struct {
	name   string
	bundle bool
	at     sy.Value
}

func (s *sources) field(name string, bundle bool, read func(sy.Value)) sy.Field {
	return sy.Field{Name: name, Read: func(v sy.Value) {
		*s = append(*s, source{name, bundle, v})
		read(v)
	}}
}

func (s sources) has(name string) bool {
	for _, one := range s {
		if one.name == name {
			return true
		}
	}
	return false
}

// settle checks the identifier and the source of keys against the profile, and
// fills in what the file does not say.
func (d *draftIssuer) settle(v, profile sy.Value, s sources) {
	id := d.Issuer.Issuer
	if of := federation.PlatformOf(id); of != "" && of != d.Profile {
		profile.Fault("must be %s, whose issuer this is; another profile demands too little of its tokens", of)
	}
	domain := d.Profile == federation.SPIFFE
	if domain {
		if _, err := narrowcast.ParseTrustDomain(id.String()); err != nil {
			d.id.Fault("%v", err)
		}
	} else if err := checkWebAddress(id.String()); err != nil {
		d.id.Fault("%v", err)
	}
	for _, one := range s {
		if one.bundle != domain {
			one.at.Fault("is not for profile %s; known there: %s", d.Profile, map[bool]string{
				true: "bundle_url, bundle_file, workload_api", false: "jwks_url, jwks_file, discovery",
			}[domain])
		}
	}
	switch {
	case d.Bundle.EndpointID != "" && len(s) == 2 && s.has("bundle_url") && s.has("bundle_file"):
	case len(s) > 1:
		v.Fault("must name one place of keys, names %s and %s", s[0].name, s[1].name)
	case len(s) == 0 && domain:
		v.Fault("must name the place of the bundle: bundle_url, bundle_file or workload_api")
	case len(s) == 0:
		d.Discovery = true
	}
}

// checkEndpoint looks at a bundle endpoint that proves itself by its SPIFFE ID.
// The bundle that it serves vouches for it, so the first one comes another way.
func (d *draftIssuer) checkEndpoint(at sy.Value, s sources) {
	if !strings.HasPrefix(d.Bundle.EndpointID, d.Issuer.Issuer.String()+"/") {
		at.Fault("must be of the trust domain itself, whose bundle vouches for it")
	}
	if !s.has("bundle_file") {
		at.Fault("needs bundle_file too: the bundle that vouches for the endpoint at first, fetched another way")
	}
}

// yes reads a key that is left out when it does not apply.
func yes(into *bool) func(sy.Value) {
	return func(v sy.Value) {
		if on, ok := v.Bool(); ok && !on {
			v.Fault("must be true, or left out")
		} else {
			*into = on
		}
	}
}

// checkWebAddress demands https, or http on the machine itself.
func checkWebAddress(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(text) > 512 || strings.ContainsAny(text, "* "):
		return errors.New("must be an https URL without user and fragment")
	case u.Scheme == "http" && loopback(u.Hostname()) && !strings.HasSuffix(u.Hostname(), ".localhost"), u.Scheme == "https":
		return nil // what fetches keys asks a resolver for names below localhost
	}
	return errors.New("must be an https URL; http is allowed for loopback addresses only")
}

func parseKeyURL(text string) (string, error) { return text, checkWebAddress(text) }

func parseBundleURL(text string) (string, error) {
	if !strings.HasPrefix(text, "https://") {
		return "", errors.New("must be an https URL: a bundle endpoint is always TLS")
	}
	return text, checkWebAddress(text)
}

// readBundle reads a SPIFFE bundle document. What its keys mean is for the room
// that uses them; here it must be a JWK Set of public keys.
func (l *loader) readBundle(v sy.Value) []byte {
	name, text, ok := l.file(v, ".json")
	if !ok {
		return nil
	}
	top, ok := sy.Read(&l.report, sy.Source{Name: name, Text: text, Secret: true})
	if !ok {
		return nil
	}
	usable := false
	top.Object(
		sy.Field{Name: "spiffe_sequence"}, sy.Field{Name: "spiffe_refresh_hint"}, sy.Field{Name: "sequence"}, sy.Field{Name: "refresh_hint"},
		sy.Field{Name: "keys", Required: true, Read: func(v sy.Value) {
			v.List(1, maxShort, func(v sy.Value) { usable = readBundleKey(v) || usable })
		}},
	)
	if !usable {
		v.Fault("%s holds no key with use x509-svid or jwt-svid", name)
		return nil
	}
	return text
}

func readBundleKey(v sy.Value) (usable bool) {
	if holdsSecret(v) {
		v.Fault("holds private or symmetric key material; give the public half only, and replace the key")
		return false
	}
	v.Entries(maxShort, func(_ sy.Value, name string, v sy.Value) {
		usable = usable || name == "use" && (v.Is("x509-svid") || v.Is("jwt-svid"))
	})
	return usable
}
