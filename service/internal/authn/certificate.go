package authn

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// certificate checks mTLS client authentication (RFC 8705 section 2). TLS has
// proved that the client holds the key; whether the certificate is one of its
// own is found out here, never by the trust store of the machine. The client
// names itself: by its id, or by its SPIFFE ID.
func (a *Authenticator) certificate(_ context.Context, r *roster, c issuer.Credentials) (issuer.Identity, *issuer.Refusal) {
	client := r.named(c.ClientID)
	if client == nil {
		return nobody("a certificate came, and client_id names no client of the registry (RFC 8705 section 2 demands it)")
	}
	now, leaf := a.config.Now(), c.Certificates[0]
	if client.Disabled {
		return refuseClient(client, "the client is disabled")
	}
	why := "the client has no credential that is a certificate"
	for _, credential := range client.Authenticate {
		fits, because := r.certificateFits(credential, c.Certificates, now)
		if !fits {
			if because != "" {
				why = because + " (" + credential.Position + ")"
			}
			continue
		}
		who := issuer.Identity{Client: client.ID, Method: credential.Kind, Until: leaf.NotAfter}
		if credential.Kind == registry.SPIFFE {
			who.Subject = narrowcast.Subject(credential.SPIFFE)
		}
		return who, nil
	}
	return refuseClient(client, why)
}

func refuseClient(client *registry.Client, why string) (issuer.Identity, *issuer.Refusal) {
	return issuer.Identity{}, &issuer.Refusal{Ground: issuer.Unauthenticated, Client: client.ID, Detail: why}
}

// named finds a client by its id or by its SPIFFE ID.
func (r *roster) named(id string) *registry.Client {
	if client := r.clients[narrowcast.ClientID(id)]; client != nil {
		return client
	}
	if f := r.domainOf(id); f != nil {
		return f.workloads[id]
	}
	return nil
}

// certificateFits reports whether a chain is the one that a credential means. A
// credential that is no certificate fits nothing and says nothing.
func (r *roster) certificateFits(c registry.Credential, chain []*x509.Certificate, now time.Time) (fits bool, because string) {
	switch c.Kind {
	case registry.TLSClientAuth:
		because = authorityFits(c.Certificate, chain, now)
	case registry.SelfSignedTLS:
		because = selfSignedFits(c.Thumbprints, chain[0], now)
	case registry.SPIFFE:
		because = r.workloadFits(c.SPIFFE, chain, now)
	default:
		return false, ""
	}
	return because == "", because
}

// selfSignedFits compares the certificate itself (RFC 8705 section 2.2): there is
// no chain, so only the thumbprint and the dates count.
func selfSignedFits(thumbprints []string, leaf *x509.Certificate, now time.Time) string {
	sum := sha256.Sum256(leaf.Raw)
	switch {
	case !slices.Contains(thumbprints, base64.RawURLEncoding.EncodeToString(sum[:])):
		return "the certificate is none of those that the registry lists"
	case now.Before(leaf.NotBefore) || now.After(leaf.NotAfter):
		return "the certificate is not valid at this time"
	}
	return ""
}

// workloadFits lets the trust domain of the SPIFFE ID judge the chain.
func (r *roster) workloadFits(id string, chain []*x509.Certificate, now time.Time) string {
	f := r.domainOf(id)
	if f == nil {
		return "the trust domain is not registered, or disabled"
	}
	o, err := f.open()
	switch {
	case err != nil:
		return "the bundle of the trust domain is not there: " + err.Error()
	case o.Peer == nil:
		return "the trust domain vouches for no certificates"
	}
	shown, err := o.Peer(chain, now)
	switch {
	case err != nil:
		return err.Error()
	case shown != id:
		return "the X.509-SVID is that of another workload"
	}
	return ""
}

// authorityFits verifies the chain against the authorities of the registry and
// compares the one name (RFC 8705 section 2.1).
func authorityFits(rule registry.CertificateRule, chain []*x509.Certificate, now time.Time) string {
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	for _, der := range rule.Authorities {
		if authority, err := x509.ParseCertificate(der); err == nil {
			roots.AddCert(authority)
		}
	}
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	leaf := chain[0]
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: middle, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return "the chain of the certificate does not lead to an authority of the credential, or not at this time"
	}
	if !nameFits(rule, leaf) {
		return "the certificate has another name than the registry says"
	}
	return ""
}

// nameFits compares the one name of the rule. Host names have no case (RFC 4343);
// nothing here is a pattern.
func nameFits(rule registry.CertificateRule, leaf *x509.Certificate) bool {
	switch {
	case rule.SubjectDN != "":
		shown, err := federation.CertificateDN(leaf.RawSubject)
		return err == nil && shown == rule.SubjectDN
	case rule.DNS != "":
		return slices.ContainsFunc(leaf.DNSNames, func(s string) bool { return strings.EqualFold(s, rule.DNS) })
	case rule.URI != "":
		return federation.HasURI(leaf, rule.URI)
	case rule.IP != "":
		want, err := netip.ParseAddr(rule.IP)
		for _, ip := range leaf.IPAddresses {
			if shown, ok := netip.AddrFromSlice(ip); err == nil && ok && shown.Unmap() == want.Unmap() {
				return true
			}
		}
	case rule.Email != "":
		return slices.Contains(leaf.EmailAddresses, rule.Email)
	}
	return false
}
