package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// maxAnswer bounds what is read of any answer of the issuer, in bytes.
const maxAnswer = 64 << 10

// desk asks the issuer.
type desk struct {
	issuer       narrowcast.Issuer
	authenticate Authenticator
	client       *http.Client
	now          func() time.Time
	strict       bool
	limit        time.Duration
	directory    *directory
	bond         *bond
	task         narrowcast.TaskID
}

func newDesk(c Config) *desk {
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d := &desk{
		issuer: c.Issuer, authenticate: c.Authenticate, now: c.Now, strict: c.RequireConfirmation, limit: c.Timeout, task: c.Task,
		client: &http.Client{Transport: c.Transport, CheckRedirect: noRedirect},
	}
	d.directory, d.bond = newDirectory(c, d.client), newBond(c)
	return d
}

// attempts bounds how often the issuer is asked for one token while it says
// that it is busy.
const attempts = 3

var (
	errBusy  = errors.New("the issuer is busy")
	errMoved = errors.New("the token endpoint is not there")
	errNonce = errors.New("the issuer wants its nonce in the proof")
)

// ask fetches one token. It asks again when the issuer is busy, and looks the
// endpoint up again when it has moved.
func (d *desk) ask(ctx context.Context, a ask) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	var err error
	for try := range attempts {
		if try > 0 && !pause(ctx, try) {
			break
		}
		var token Token
		if token, err = d.askOnce(ctx, a); errors.Is(err, errNonce) {
			token, err = d.askOnce(ctx, a) // exactly once more, with the nonce
		}
		switch {
		case err == nil:
			return token, nil
		case errors.Is(err, errMoved) && d.directory.fixed == "":
		case !errors.Is(err, errBusy):
			return Token{}, d.explain(a.want, err)
		}
	}
	return Token{}, d.explain(a.want, err)
}

func (d *desk) explain(w want, err error) error {
	return fmt.Errorf("client: asking %s for a token for %s: %w", d.issuer, w.audience, err)
}

func pause(ctx context.Context, try int) bool {
	timer := time.NewTimer(time.Duration(try)*100*time.Millisecond + rand.N(100*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *desk) askOnce(ctx context.Context, a ask) (Token, error) {
	endpoint, err := d.directory.tokenEndpoint(ctx)
	if err != nil {
		return Token{}, err
	}
	r := &Request{Issuer: d.issuer, Form: url.Values{"grant_type": {"client_credentials"}}, Header: http.Header{}}
	if a.subject != "" {
		r.Form.Set("grant_type", exchangeGrant) // an authenticator that brings a token of its own sees that there is one
		r.Hide(a.subject)
	}
	if err := d.authenticate.Authenticate(ctx, r); err != nil {
		return Token{}, fmt.Errorf("authenticating: %w", err)
	}
	if err := d.write(a, r.Form); err != nil {
		return Token{}, err
	}
	asked := d.now()
	resp, body, err := d.post(ctx, endpoint, r)
	if err != nil {
		return Token{}, err
	}
	nonce := d.bond.learn(atIssuer, resp.Header)
	if resp.StatusCode != http.StatusOK {
		err := refusal(resp.StatusCode, body, r)
		switch {
		case errors.Is(err, errMoved):
			d.directory.forget(ctx, endpoint)
		case nonce && wantsNonceToo(err):
			err = fmt.Errorf("%w: %w", errNonce, err)
		}
		return Token{}, err
	}
	return d.read(body, a, asked)
}

// write comes after the authenticator, so that it cannot alter what is asked for.
func (d *desk) write(a ask, form url.Values) error {
	set := func(name, value string) {
		form.Del(name)
		if value != "" {
			form.Set(name, value)
		}
	}
	set("resource", a.audience.String())
	set("scope", a.scope.String())
	set("task", string(d.task))
	set("authorization_details", a.details)
	if a.subject == "" {
		return nil
	}
	if form.Get("grant_type") != exchangeGrant || form.Has("subject_token") {
		return errBorrowed
	}
	set("subject_token", a.subject)
	set("subject_token_type", accessTokenType)
	return nil
}

// wantsNonceToo reads the error code of RFC 9449 section 8.
func wantsNonceToo(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "use_dpop_nonce"
}

func (d *desk) post(ctx context.Context, endpoint string, r *Request) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(r.Form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	req.Header = r.Header
	if d.bond != nil {
		proof, err := d.bond.proof(req.Method, req.URL, "", atIssuer)
		if err != nil {
			return nil, nil, err
		}
		req.Header.Set("DPoP", proof)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readBounded(resp.Body)
	return resp, body, err
}

func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return body, nil
}
