package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Tokens is where a Transport gets its tokens from. *Source is one.
type Tokens interface {
	Token(ctx context.Context, audience narrowcast.Audience, scope narrowcast.Scope) (Token, error)
}

// TransportConfig is what a Transport is made of.
type TransportConfig struct {
	// Tokens is where tokens come from. Required; a *Source.
	Tokens Tokens
	// Doors says which resource lives where: an origin such as
	// https://pay.example.test, or a URL prefix such as
	// https://api.example.test/pay, which matches whole path segments. The
	// longest one counts. Required, at least one; https, or http to a loopback
	// host.
	Doors map[string]narrowcast.Audience
	// Scopes is what is asked for at each audience; default the empty scope.
	Scopes map[narrowcast.Audience]narrowcast.Scope
	// Base sends the requests; default http.DefaultTransport.
	Base http.RoundTripper

	_ struct{}
}

// Transport is an http.RoundTripper that puts the right token on each request,
// chosen by where the request goes. It may be used by many goroutines. The zero
// Transport sends nothing.
//
// The tokens of a Source with a key go out with a proof for each request.
//
// Not sent, with an error and before anything leaves: a request to a
// destination that is not mapped, one that carries an Authorization header
// already, one that carries a JWT addressed to somebody else (CheckEgress), and
// one of which it is not sure where it will end up.
// A redirect is a new request: it gets the token of its own destination, and
// goes on without any token when that is not mapped.
type Transport struct {
	tokens Tokens
	doors  doors
	scopes map[narrowcast.Audience]narrowcast.Scope
	base   http.RoundTripper
}

// NewTransport makes a Transport, or returns every fault of the configuration.
func NewTransport(c TransportConfig) (*Transport, error) {
	list, errs := newDoors(c.Doors)
	if c.Tokens == nil {
		errs = append(errs, errors.New("Tokens is required: NewSource makes one"))
	}
	if len(c.Doors) == 0 {
		errs = append(errs, errors.New("Doors is required: say which resource lives where"))
	}
	scopes := make(map[narrowcast.Audience]narrowcast.Scope, len(c.Scopes))
	for audience, scope := range c.Scopes {
		if !list.leadTo(audience) {
			errs = append(errs, fmt.Errorf("Scopes: no door leads to %q", audience))
		}
		scopes[audience] = scope
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("client: transport: %w", errors.Join(errs...))
	}
	t := &Transport{tokens: c.Tokens, doors: list, scopes: scopes, base: c.Base}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	return t, nil
}

func (list doors) leadTo(audience narrowcast.Audience) bool {
	for _, d := range list {
		if d.audience == audience {
			return true
		}
	}
	return false
}

// RoundTrip sends one request. A 401 with error invalid_token (RFC 6750 section
// 3.1) makes it throw the token away and try once more with another, and one with
// error use_dpop_nonce (RFC 9449 section 9) makes it try once more with the nonce,
// if the request has no body or one that can be had again.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t == nil || t.base == nil {
		return nil, refuse(req, errors.New("the transport was never configured"))
	}
	audience, err := t.doors.find(req)
	switch {
	case err != nil:
		return nil, refuse(req, err)
	case audience.IsZero() && req.Response == nil:
		return nil, refuse(req, ErrUnmapped)
	}
	if err := CheckEgress(req, audience); err != nil {
		return nil, refuse(req, err)
	}
	if audience.IsZero() {
		return t.base.RoundTrip(req)
	}
	if carries(req, "Authorization") {
		return nil, refuse(req, ErrAuthorizationSet)
	}
	token, err := t.tokens.Token(req.Context(), audience, t.scopes[audience])
	if err == nil && token.Audience() != audience {
		err = ErrOtherResource
	}
	if err != nil {
		return nil, refuse(req, err)
	}
	resp, err := t.send(req, req.Body, token)
	if err != nil || !refused(resp) {
		return resp, err
	}
	return t.again(req, resp, token)
}

// refuse closes the body, as a RoundTripper must, and says which request it was
// that did not leave. The query is left out: it may hold anything.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	where := "the request"
	if req.URL != nil {
		where = req.Method + " " + origin(req.URL)
	}
	return fmt.Errorf("client: %s was not sent: %w", where, err)
}

// send sends a request, and once more when nothing but a nonce was missing.
func (t *Transport) send(req *http.Request, body io.ReadCloser, token Token) (*http.Response, error) {
	first, again, err := t.sendOnce(req, body, token)
	if err != nil || !again {
		return first, err
	}
	body, can := bodyAgain(req)
	if !can {
		return first, nil
	}
	discard(first)
	second, _, err := t.sendOnce(req, body, token)
	return second, err
}

func (t *Transport) sendOnce(req *http.Request, body io.ReadCloser, token Token) (resp *http.Response, again bool, err error) {
	own := req.Clone(req.Context()) // a RoundTripper must not alter its request
	own.Body = body
	if err := token.Authorize(own); err != nil {
		return nil, false, refuse(own, err)
	}
	resp, err = t.base.RoundTrip(own)
	return resp, err == nil && token.Answered(own, resp), err
}

// refused reports whether a resource server said that the token is no good.
func refused(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, "invalid_token") {
			return true
		}
	}
	return false
}

// again tries once more with another token, or returns the first answer.
func (t *Transport) again(req *http.Request, first *http.Response, token Token) (*http.Response, error) {
	dropper, can := t.tokens.(interface{ Drop(Token) bool })
	if !can || !replayable(req) || !dropper.Drop(token) {
		return first, nil
	}
	fresh, err := t.tokens.Token(req.Context(), token.Audience(), t.scopes[token.Audience()])
	if err != nil || fresh.Fingerprint() == token.Fingerprint() {
		return first, nil
	}
	body, can := bodyAgain(req)
	if !can {
		return first, nil
	}
	discard(first)
	return t.send(req, body, fresh)
}

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// bodyAgain returns the body of a request for another try.
func bodyAgain(req *http.Request) (body io.ReadCloser, can bool) {
	if req.GetBody == nil {
		return req.Body, replayable(req)
	}
	body, err := req.GetBody()
	return body, err == nil
}

// discard lets the connection be used again, unless the answer is long.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	_ = resp.Body.Close()
}
