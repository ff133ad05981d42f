package guard

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// maxClaimHeader bounds the value of one header made from a claim, in bytes.
const maxClaimHeader = 4 << 10

// claimHeaders says under which header names verified claims are passed on.
type claimHeaders map[string]string // canonical header name to claim name

// newClaimHeaders checks the operator's choice. Two names that differ only in
// case or separators are one name to some servers.
func newClaimHeaders(chosen map[string]string) (claimHeaders, []error) {
	var errs []error
	headers, seen := claimHeaders{}, map[string]string{}
	for name, claim := range chosen {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		p := plain(name)
		switch {
		case !isFieldName(name):
			errs = append(errs, fmt.Errorf("Claims: %q is not a header name", name))
		case claim == "":
			errs = append(errs, fmt.Errorf("Claims[%q]: the claim is empty", name))
		case isReserved(p):
			errs = append(errs, fmt.Errorf("Claims: header %q has a meaning of its own", name))
		case seen[p] != "":
			errs = append(errs, fmt.Errorf("Claims: headers %q and %q look alike", seen[p], name))
		}
		seen[p] = name
		headers[canonical] = claim
	}
	return headers, errs
}

// set writes the claims of token. A header whose claim is absent, or cannot
// stand in a header as it is, is left out.
func (c claimHeaders) set(h http.Header, token *narrowcast.Token) {
	if token == nil {
		return
	}
	for name, claim := range c {
		if value, ok := verified(token, claim); ok && isFieldValue(value) {
			h.Set(name, value)
		}
	}
}

// verified returns a claim as the verifier understood it. What a foreign issuer
// means by these names may be something else, and stands in another claim.
func verified(token *narrowcast.Token, claim string) (value string, ok bool) {
	switch claim {
	case "client_id":
		value = string(token.ClientID())
	case "scope":
		value = token.Scope().String()
	case "tenant":
		value = token.Tenant()
	case "environment":
		value = token.Environment()
	case "iss":
		value = token.Issuer().String()
	default:
		return token.Claim(claim)
	}
	return value, value != ""
}

func isFieldName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// isFieldValue refuses what would arrive as something else: outer spaces are
// trimmed on the way, and bytes outside ASCII are read in many ways.
func isFieldValue(s string) bool {
	if s == "" || len(s) > maxClaimHeader || strings.TrimSpace(s) != s {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
