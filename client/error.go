package client

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is an answer of the issuer that is not a token. It holds no secret.
type Error struct {
	// Code is the OAuth error code (RFC 6749 section 5.2, RFC 8707 section 2),
	// such as invalid_target; empty when the answer had none.
	Code string
	// Description is what the issuer said, in its words, with everything that
	// might be a secret left out.
	Description string
	// Status is the HTTP status.
	Status int

	cause error
}

// Error names the code, the status and the description.
func (e *Error) Error() string {
	s := fmt.Sprintf("status %d", e.Status)
	if e.Code != "" {
		s = fmt.Sprintf("%s (status %d)", e.Code, e.Status)
	}
	if e.Description != "" {
		s += ": " + e.Description
	}
	return s
}

// Unwrap returns why asking again may help, or nil.
func (e *Error) Unwrap() error { return e.cause }

// refusal reads an error answer. A body that is not JSON leaves the status.
func refusal(status int, body []byte, r *Request) error {
	e := &Error{Status: status}
	if members, err := readObject(body); err == nil {
		e.Code = harmless(members.text("error"), 64, r.hidden)
		e.Description = harmless(members.text("error_description"), 200, r.hidden)
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.cause = errBusy
	case http.StatusNotFound, http.StatusGone:
		e.cause = errMoved
	}
	return e
}

// longestWord is longer than any word of a sentence and shorter than any token.
const longestWord = 40

// harmless returns what may be shown of a text that the issuer chose: one line
// of plain ASCII without hidden secrets and without words that could be one.
func harmless(text string, most int, hidden []string) string {
	for _, secret := range hidden {
		if secret != "" && strings.Contains(text, secret) {
			return "(left out: it repeated a secret)"
		}
	}
	words := strings.Fields(text)
	for i, word := range words {
		// Resources are long, have no query and are worth seeing.
		if len(word) > longestWord && (!strings.HasPrefix(word, "https://") || strings.Contains(word, "?")) {
			words[i] = "…"
		}
	}
	clean := strings.Map(func(c rune) rune {
		if c == '…' || c >= 0x20 && c <= 0x7e {
			return c
		}
		return -1
	}, strings.Join(words, " "))
	if len(clean) > most {
		clean = strings.ToValidUTF8(clean[:most], "") + "…"
	}
	return clean
}
