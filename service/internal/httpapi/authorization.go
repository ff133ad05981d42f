package httpapi

import (
	"encoding/base64"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// basicOf reads HTTP Basic credentials (RFC 7617). Two headers, another scheme
// or a bad encoding give nil, and the desk is told that there was a header.
func basicOf(headers []string) (basic *issuer.Basic, header bool) {
	if len(headers) != 1 {
		return nil, len(headers) > 0
	}
	encoded, ok := scheme(headers[0], "Basic")
	if !ok {
		return nil, true
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	user, password, found := strings.Cut(string(plain), ":")
	if err != nil || !found {
		return nil, true
	}
	return &issuer.Basic{User: user, Password: password}, true
}
