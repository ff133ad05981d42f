package guard

import (
	"net/http"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// DecisionHeader carries the id under which the event of a refusal is found. When
// refusals were folded into one event, it is found under the id of the last.
const DecisionHeader = "Narrowcast-Decision"

// The sentences that leave the house. They say nothing that helps to guess.
const (
	invalidToken   = "the token was not accepted"
	invalidRequest = "send one token, in one Authorization header"
	tooNarrow      = "the token does not allow this call"
	nonceNeeded    = "put the nonce of this answer into the proof"
)

// scheme is a scheme of WWW-Authenticate with the parameters that it always has.
type scheme struct{ name, always string }

// schemes are those that a caller may use, the better one first. A token that is
// bound to a certificate comes under Bearer (RFC 8705 section 3).
func (c *Config) schemes() []scheme {
	var all []scheme
	if c.DPoP.Checker != nil {
		all = append(all, scheme{"DPoP", `algs="` + strings.Join(c.DPoP.Checker.Algorithms(), " ") + `"`})
	}
	if c.DPoP.Checker == nil || c.sender() != SenderRequired || c.Certificates.come() {
		all = append(all, scheme{name: "Bearer"})
	}
	return all
}

// challenges make the values of WWW-Authenticate (RFC 6750 section 3, RFC 9449
// section 7.1, RFC 9728 section 5.1). All schemes stand in one field line, because
// some proxies copy only the first.
type challenges struct {
	schemes                         []scheme
	pointer                         string
	bare, invalid, malformed, nonce string
}

func challengesFor(schemes []scheme, metadataURL string) challenges {
	c := challenges{schemes: schemes}
	if metadataURL != "" {
		c.pointer = `resource_metadata="` + metadataURL + `"`
	}
	c.bare = c.write(schemes, "", "")
	c.invalid = c.write(schemes, `error="invalid_token", error_description="`+invalidToken+`"`, "")
	c.malformed = c.write(schemes, `error="invalid_request", error_description="`+invalidRequest+`"`, "")
	c.nonce = c.write(schemes[:1], `error="use_dpop_nonce", error_description="`+nonceNeeded+`"`, "")
	return c
}

// narrow is the challenge that names a scope.
func (c challenges) narrow(scope string) string {
	return c.write(c.schemes, `error="insufficient_scope", error_description="`+tooNarrow+`"`, `scope="`+scope+`"`)
}

func (c challenges) write(schemes []scheme, first, last string) string {
	var all []string
	for _, s := range schemes {
		parameters := slices.DeleteFunc([]string{first, s.always, c.pointer, last}, func(p string) bool { return p == "" })
		all = append(all, strings.TrimSpace(s.name+" "+strings.Join(parameters, ", ")))
	}
	return strings.Join(all, ", ")
}

// answer is a refusal as the caller sees it.
type answer struct {
	status    int
	challenge string
	body      string
}

func (g *Guard) answerFor(v verdict) answer {
	tail := `"decision":"` + v.decision + "\"}\n"
	if v.asks {
		return answer{http.StatusUnauthorized, g.challenges.nonce,
			`{"error":"use_dpop_nonce","error_description":"` + nonceNeeded + `",` + tail}
	}
	switch v.rej.Reason.Answer() {
	case narrowcast.Challenge:
		return answer{http.StatusUnauthorized, g.challenges.bare, "{" + tail}
	case narrowcast.BadRequest:
		return answer{http.StatusBadRequest, g.challenges.malformed,
			`{"error":"invalid_request","error_description":"` + invalidRequest + `",` + tail}
	case narrowcast.Forbidden:
		// Scope tokens hold neither quotes nor backslashes (RFC 6749 section 3.3).
		return answer{http.StatusForbidden, g.challenges.narrow(v.need.String()),
			`{"error":"insufficient_scope","error_description":"` + tooNarrow + `","scope":"` + v.need.String() + `",` + tail}
	}
	challenge := g.challenges.invalid
	if challenge == "" {
		challenge = challengesFor([]scheme{{name: "Bearer"}}, "").invalid // the zero Guard
	}
	return answer{http.StatusUnauthorized, challenge,
		`{"error":"invalid_token","error_description":"` + invalidToken + `",` + tail}
}

func (g *Guard) refuse(w http.ResponseWriter, v verdict) {
	g.answerFor(v).write(w, v)
}

func (a answer) write(w http.ResponseWriter, v verdict) {
	h := w.Header()
	v.offer(h)
	h.Set("WWW-Authenticate", a.challenge)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set(DecisionHeader, v.decision)
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}
