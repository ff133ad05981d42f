package httpapi

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/introspect"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// Introspector tells a client what a token is worth to it. *introspect.Desk is
// one. Errors are *issuer.Refusal.
type Introspector interface {
	Introspect(ctx context.Context, r introspect.Request) (introspect.Answer, error)
	// Signed returns an answer as a JWT (RFC 9701 section 5).
	Signed(a introspect.Answer) (string, error)
}

// Revoker calls tokens back (RFC 7009). *introspect.Desk is one. Errors are
// *issuer.Refusal.
type Revoker interface {
	Revoke(ctx context.Context, r introspect.Request) (introspect.Answer, error)
}

// introspectionRoutes are there as far as somebody answers.
func (a *API) introspectionRoutes() (all []route) {
	if a.config.Introspector != nil {
		all = append(all, route{a.path + "/introspect", "/introspect", []string{http.MethodPost}, a.introspect})
	}
	if a.config.Revoker != nil {
		all = append(all, route{a.path + "/revoke", "/revoke", []string{http.MethodPost}, a.revoke})
	}
	return all
}

// introspect answers what a token is worth (RFC 7662 section 2), in one of two
// forms that say the same.
func (a *API) introspect(w *reply, r *http.Request) {
	request, ok := a.question(w, r, "/introspect")
	if !ok {
		return
	}
	answer, err := a.config.Introspector.Introspect(r.Context(), request)
	if err != nil {
		a.unanswered(w, r, request.From, err)
		return
	}
	w.client, w.decision = answer.Client, answer.Decision
	w.Header().Set("Vary", "Accept")
	kind, body := "application/json", append(answer.Body, '\n')
	if wantsSigned(r.Header.Values("Accept")) {
		text, err := a.config.Introspector.Signed(answer)
		if err != nil {
			w.detail = "signing the answer: " + err.Error()
			w.Header().Set("Retry-After", "1")
			w.fail(http.StatusServiceUnavailable, "temporarily_unavailable", "The service cannot answer now. Try again later.")
			return
		}
		kind, body = "application/"+introspect.SignedType, []byte(text)
	}
	w.secret()
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the other end is gone; the log has the status
}

// revoke calls a token back (RFC 7009 section 2). The answer says the same of a
// token that nobody knows.
func (a *API) revoke(w *reply, r *http.Request) {
	request, ok := a.question(w, r, "/revoke")
	if !ok {
		return
	}
	answer, err := a.config.Revoker.Revoke(r.Context(), request)
	if err != nil {
		a.unanswered(w, r, request.From, err)
		return
	}
	w.client, w.decision = answer.Client, answer.Decision
	w.secret()
	w.WriteHeader(http.StatusOK)
}

// question reads a request about a token. The parameter token_type_hint is not
// looked at: there is one type (RFC 7662 section 2.1, RFC 7009 section 2.1).
func (a *API) question(w *reply, r *http.Request, path string) (introspect.Request, bool) {
	from := event.Request{Method: r.Method, Path: a.path + path, Peer: r.RemoteAddr}
	f, refusal := readForm(w, r)
	if refusal != nil {
		a.refuse(w, r, a.config.Desk.TurnAway(r.Context(), issuer.Request{From: from}, refusal))
		return introspect.Request{}, false
	}
	request := introspect.Request{Token: f.one("token"), Credentials: credentials(f, r), From: from}
	request.Credentials.Certificates = a.certificates(r)
	return request, true
}

// unanswered sends a refusal. Those of nobody in particular are recorded within
// the bounds of the token endpoint.
func (a *API) unanswered(w *reply, r *http.Request, from event.Request, err error) {
	refusal := refusalOf(err)
	if refusal.Decision == "" {
		refusal = a.config.Desk.TurnAway(r.Context(), issuer.Request{From: from}, refusal)
	}
	a.refuse(w, r, refusal)
}

// wantsSigned reports whether a client asks for the signed form (RFC 9701 section
// 4) at least as much as for the plain one.
func wantsSigned(accept []string) bool {
	signed, plain := 0.0, 0.0
	for _, header := range accept {
		for one := range strings.SplitSeq(header, ",") {
			kind, parameters, err := mime.ParseMediaType(one)
			if err != nil {
				continue
			}
			q := 1.0
			if text, there := parameters["q"]; there {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					q = 0
				}
			}
			switch kind {
			case "application/" + introspect.SignedType:
				signed = max(signed, q)
			case "application/json":
				plain = max(plain, q)
			}
		}
	}
	return signed > 0 && signed >= plain
}
