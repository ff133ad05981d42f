package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// proofs names what a credential proves, without showing a hash of a secret:
// one text for each key, or one for the secret.
func proofs(c Credential) []string {
	switch c.Kind {
	case ClientSecretBasic:
		sum := sha256.Sum256([]byte(c.Secret))
		return []string{"a secret (entry " + hex.EncodeToString(sum[:4]) + ")"}
	case SPIFFE:
		return []string{"an SVID of " + c.SPIFFE}
	case TLSClientAuth:
		texts := make([]string, len(c.Certificate.Authorities))
		for i, ca := range c.Certificate.Authorities {
			texts[i] = fmt.Sprintf("a certificate with %q from the authority %s", c.Certificate.name(), thumbprint(ca))
		}
		return texts
	case SelfSignedTLS:
		texts := make([]string, len(c.Thumbprints))
		for i, text := range c.Thumbprints {
			texts[i] = "the certificate " + text
		}
		return texts
	case Federated:
		return []string{describeRule(c.Rule)}
	}
	texts := make([]string, len(c.Keys))
	for i, key := range c.Keys {
		texts[i] = describeKey(key)
	}
	return texts
}

// identities tell proofs apart that would be told with the same words, one for
// each text of proofs. They are for comparing and are never shown.
func identities(c Credential) []string {
	switch c.Kind {
	case ClientSecretBasic:
		return []string{c.Secret}
	case Federated:
		return []string{fmt.Sprintf("%q %t %q", c.Rule.Issuer.String(), c.Rule.AllowPullRequests, c.Rule.Claims)}
	}
	return proofs(c)
}

func describeKey(key narrowcast.Key) string {
	thumbprint, _ := key.Thumbprint() // a key that could be loaded has one
	text := fmt.Sprintf("key %q (%s, thumbprint %s)", key.ID(), key.Algorithm(), thumbprint)
	from, to := key.Window()
	if !from.IsZero() {
		text += " from " + from.Format(time.RFC3339)
	}
	if !to.IsZero() {
		text += " until " + to.Format(time.RFC3339)
	}
	return text
}

func describeRule(r federation.Rule) string {
	texts := make([]string, len(r.Claims))
	for i, claim := range r.Claims {
		values := make([]string, len(claim.AnyOf))
		for j, value := range claim.AnyOf {
			values[j] = fmt.Sprintf("%q", value)
		}
		texts[i] = strings.Join(claim.Name, ".") + " " + strings.Join(values, " or ")
	}
	text := "a token of " + r.Issuer.String() + " with " + strings.Join(texts, ", ")
	if r.AllowPullRequests {
		text += ", of pull requests too"
	}
	return text
}
