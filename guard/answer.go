package guard

import (
	"net/http"

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
)

// challenges are the values of WWW-Authenticate (RFC 6750 section 3, RFC 9728
// section 5.1).
type challenges struct {
	bare, invalid, malformed, narrow string
}

func challengesFor(metadataURL string) challenges {
	pointer := ""
	if metadataURL != "" {
		pointer = `resource_metadata="` + metadataURL + `"`
	}
	c := challenges{
		bare:      "Bearer",
		invalid:   `Bearer error="invalid_token", error_description="` + invalidToken + `"`,
		malformed: `Bearer error="invalid_request", error_description="` + invalidRequest + `"`,
		narrow:    `Bearer error="insufficient_scope", error_description="` + tooNarrow + `"`,
	}
	if pointer != "" {
		c.bare += " " + pointer
		c.invalid += ", " + pointer
		c.malformed += ", " + pointer
		c.narrow += ", " + pointer
	}
	return c
}

// answer is a refusal as the caller sees it.
type answer struct {
	status    int
	challenge string
	body      string
}

func (g *Guard) answerFor(v verdict) answer {
	tail := `"decision":"` + v.decision + "\"}\n"
	switch v.rej.Reason.Answer() {
	case narrowcast.Challenge:
		return answer{http.StatusUnauthorized, g.challenges.bare, "{" + tail}
	case narrowcast.BadRequest:
		return answer{http.StatusBadRequest, g.challenges.malformed,
			`{"error":"invalid_request","error_description":"` + invalidRequest + `",` + tail}
	case narrowcast.Forbidden:
		// Scope tokens hold neither quotes nor backslashes (RFC 6749 section 3.3).
		return answer{http.StatusForbidden, g.challenges.narrow + `, scope="` + v.need.String() + `"`,
			`{"error":"insufficient_scope","error_description":"` + tooNarrow + `","scope":"` + v.need.String() + `",` + tail}
	}
	challenge := g.challenges.invalid
	if challenge == "" {
		challenge = challengesFor("").invalid // the zero Guard
	}
	return answer{http.StatusUnauthorized, challenge,
		`{"error":"invalid_token","error_description":"` + invalidToken + `",` + tail}
}

func (g *Guard) refuse(w http.ResponseWriter, v verdict) {
	g.answerFor(v).write(w, v.decision)
}

func (a answer) write(w http.ResponseWriter, decision string) {
	h := w.Header()
	h.Set("WWW-Authenticate", a.challenge)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set(DecisionHeader, decision)
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}
