package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// tokenAnswer is the success answer (RFC 6749 section 5.1). The member resource
// is always a list of one, so that a client sees for whom the token is; the
// lifetime_cut member says that the lifetime asked for was above the ceiling.
type tokenAnswer struct {
	Token       string   `json:"access_token"`
	Type        string   `json:"token_type"`
	ExpiresIn   int64    `json:"expires_in"`
	Scope       string   `json:"scope,omitempty"`
	Resource    []string `json:"resource"`
	LifetimeCut bool     `json:"lifetime_cut,omitempty"`
	// IssuedType answers an exchange (RFC 8693 section 2.2.1).
	IssuedType string `json:"issued_token_type,omitempty"`
	// Details were granted (RFC 9396 section 7).
	Details json.RawMessage `json:"authorization_details,omitempty"`
	// Survival is how long the token may still be accepted after it was called back
	// or its task has ended, at worst.
	Survival survival `json:"worst_case_survival"`
}

// survival is in whole seconds, by the state of the verifier.
type survival struct {
	Connected int64 `json:"connected"`
	Stale     int64 `json:"stale"`
	Offline   int64 `json:"offline"`
}

func survivalOf(s issuer.Survival) survival {
	up := func(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
	return survival{up(s.Connected), up(s.Stale), up(s.Offline)}
}

// token is the token endpoint.
func (a *API) token(w *reply, r *http.Request) {
	from := event.Request{Method: r.Method, Path: a.path + "/token", Peer: r.RemoteAddr}
	f, refusal := readForm(w, r)
	if refusal != nil {
		a.refuse(w, r, a.config.Desk.TurnAway(r.Context(), issuer.Request{From: from}, refusal))
		return
	}
	request := tokenRequest(f, r, from)
	request.Credentials.Certificates = a.certificates(r)
	answer, err := a.config.Desk.Grant(r.Context(), request)
	if err != nil {
		a.refuse(w, r, refusalOf(err))
		return
	}
	w.client, w.decision = answer.Client, answer.Decision
	if len(request.Proofs) > 0 {
		a.nonce(w)
	}
	body := tokenAnswer{
		Token: answer.Token, Type: answer.Type, ExpiresIn: answer.ExpiresIn, Scope: answer.Scope.String(),
		Resource: []string{answer.Resource.String()}, LifetimeCut: answer.Cut,
		Details: json.RawMessage(answer.Details), Survival: survivalOf(answer.Survival),
	}
	body.IssuedType = answer.IssuedType
	w.json(http.StatusOK, body)
}

func refusalOf(err error) *issuer.Refusal {
	var refusal *issuer.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &issuer.Refusal{Ground: issuer.Broken}
}

func readForm(w *reply, r *http.Request) (form, *issuer.Refusal) {
	malformed := func(detail string) (form, *issuer.Refusal) {
		return nil, &issuer.Refusal{Ground: issuer.Malformed, Detail: detail}
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return malformed("the content type is not application/x-www-form-urlencoded")
	}
	// Credentials must not stand in the URI (RFC 6749 section 2.3.1).
	if r.URL.RawQuery != "" {
		return malformed("there are parameters in the URI")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, maxForm))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &issuer.Refusal{Ground: issuer.TooLarge, Detail: "the form is longer than 64 KiB"}
	}
	if err != nil {
		return malformed("the body ended early")
	}
	f, err := parseForm(string(body))
	if err != nil {
		return malformed(err.Error())
	}
	if f.repeats() {
		return nil, &issuer.Refusal{Ground: issuer.Repeated}
	}
	return f, nil
}

func tokenRequest(f form, r *http.Request, from event.Request) issuer.Request {
	request := issuer.Request{
		GrantType: f.one("grant_type"), Resources: f.all("resource"), Audiences: f.all("audience"),
		Scope: f.one("scope"), Lifetime: f.one("lifetime"), From: from,
		Task: f.one("task"), Details: f.one("authorization_details"),
		Proofs:      r.Header["Dpop"], // as net/http writes DPoP
		Credentials: credentials(f, r),
	}
	switch request.GrantType {
	case issuer.JWTBearer:
		request.Credentials.Token = f.one("assertion")
	case issuer.TokenExchange:
		request.Credentials.Token, request.SubjectTokenType = f.one("subject_token"), f.one("subject_token_type")
		request.ActorToken, request.ActorTokenType = f.one("actor_token"), f.one("actor_token_type")
		request.RequestedTokenType = f.one("requested_token_type")
		request.DraftRequestDetails, request.DraftRequestContext = f.one("request_details"), f.one("request_context")
	}
	return request
}

// credentials are what a client shows of itself in a form and its headers.
func credentials(f form, r *http.Request) issuer.Credentials {
	basic, header := basicOf(r.Header.Values("Authorization"))
	return issuer.Credentials{
		ClientID: f.one("client_id"), AssertionType: f.one("client_assertion_type"),
		Assertion: f.one("client_assertion"), Secret: f.one("client_secret"),
		Basic: basic, Header: header,
	}
}

// refuse sends a refusal: its code, its sentence and the decision id.
func (a *API) refuse(w *reply, r *http.Request, refusal *issuer.Refusal) {
	code, status := refusal.Ground.Code(), http.StatusBadRequest
	w.decision, w.detail = refusal.Decision, refusal.Detail
	if code != "invalid_client" { // otherwise the client is hearsay
		w.client = refusal.Client
	}
	switch {
	case refusal.Ground == issuer.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case refusal.Ground == issuer.TooMany:
		status = http.StatusTooManyRequests // RFC 6585 section 4
		w.Header().Set("Retry-After", "1")
	case refusal.Ground == issuer.NonceNeeded:
		a.nonce(w)
	case code == "invalid_client":
		status = http.StatusUnauthorized
		if len(r.Header.Values("Authorization")) > 0 {
			w.Header().Set("WWW-Authenticate", `Basic realm="`+a.base+`", charset="UTF-8"`)
		}
	case code == "temporarily_unavailable":
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	case code == "server_error":
		status = http.StatusInternalServerError
	}
	w.fail(status, code, refusal.Ground.Sentence())
}

// scheme cuts the scheme, which has no case, from its credentials.
func scheme(header, name string) (rest string, ok bool) {
	if len(header) <= len(name) || !strings.EqualFold(header[:len(name)], name) || header[len(name)] != ' ' {
		return "", false
	}
	return strings.TrimLeft(header[len(name):], " "), true
}
