package registry

import (
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/policy"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

const maxDetails = 16

// readDetails reads the types of authorization_details that a resource
// understands (RFC 9396 section 2).
func (d *draftResource) readDetails(v sy.Value) {
	seen := map[string]bool{}
	v.List(1, maxDetails, func(v sy.Value) {
		kind, ok := sy.Parsed(v, parseDetail)
		switch {
		case !ok:
		case seen[kind]:
			v.Fault("is listed twice")
		default:
			seen[kind] = true
			d.Details = append(d.Details, kind)
		}
	})
}

// ownDetails is how the types of the house begin.
const ownDetails = "urn:narrowcast:"

func parseDetail(s string) (string, error) {
	switch {
	case len(s) > 128:
		return "", errors.New("is longer than 128 bytes")
	case strings.Contains(s, "*"):
		return "", errors.New("wildcards are not allowed; name every type")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= 0x20 || r > 0x7e || r == '"' || r == '\\' }):
		return "", errors.New("must be printable ASCII without white space, quotes and backslashes")
	case strings.HasPrefix(strings.ToLower(s), ownDetails):
		return "", errors.New("types that begin with " + ownDetails + " are the issuer's own; " + policy.RequestDetail + " is always understood")
	}
	return s, nil
}
