package httpapi

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
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

// enter checks the token of a request to one of our own doors. When it returns
// nil the answer has been sent (RFC 6750 section 3).
func (a *API) enter(w *reply, r *http.Request, door *narrowcast.Verifier, need string) *narrowcast.Token {
	headers := r.Header.Values("Authorization")
	text := ""
	if len(headers) == 1 {
		text, _ = scheme(headers[0], "Bearer")
	}
	realm := `Bearer realm="` + door.Audience().String() + `"`
	if len(headers) > 1 {
		w.Header().Set("WWW-Authenticate", realm+`, error="invalid_request"`)
		w.fail(http.StatusBadRequest, "invalid_request", "Send one Authorization header.")
		return nil
	}
	scope, err := narrowcast.ParseScope(need)
	if err != nil {
		w.fail(http.StatusInternalServerError, "server_error", "The service failed. The fault is not in the request.")
		return nil
	}
	token, err := door.Verify(r.Context(), text, narrowcast.Presentation{Need: scope})
	if err == nil {
		w.client = token.ClientID()
		return token
	}
	w.challenge(realm, need, err)
	return nil
}

// challenge answers a token that was not accepted. All failures of
// authentication look alike from outside.
func (w *reply) challenge(realm, need string, err error) {
	answer := narrowcast.Unauthorized
	if rej := new(narrowcast.Rejection); errors.As(err, &rej) {
		answer, w.detail = rej.Reason.Answer(), rej.Reason.String()
	}
	switch answer {
	case narrowcast.Challenge:
		w.Header().Set("WWW-Authenticate", realm)
		w.fail(http.StatusUnauthorized, "unauthorized", "Show a token that is addressed to this door.")
	case narrowcast.Forbidden:
		w.Header().Set("WWW-Authenticate", realm+`, error="insufficient_scope", scope="`+need+`"`)
		w.fail(http.StatusForbidden, "insufficient_scope", "The token does not allow this call.")
	default:
		w.Header().Set("WWW-Authenticate", realm+`, error="invalid_token"`)
		w.fail(http.StatusUnauthorized, "invalid_token", "The token was not accepted.")
	}
}
