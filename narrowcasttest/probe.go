package narrowcasttest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// ProbeConfig says how ProbeWith visits a handler.
type ProbeConfig struct {
	// Audience is the resource that the handler is. Required.
	Audience narrowcast.Audience
	// Issuer is whose tokens the handler trusts, with the same clock. Required.
	Issuer *Issuer
	// Scope is what the call needs, if anything.
	Scope narrowcast.Scope
	// Request makes a request without a token; default GET /. A right token
	// must make the handler answer it with a status below 400.
	Request func() *http.Request

	_ struct{}
}

// Probe shows a handler every wrong token that it can be judged by and reports
// each one that is accepted, with what is wrong with it and the clause that
// demands the check. First come the controls: a handler that refuses the right
// token fails at once, because its refusals would prove nothing.
//
// The handler must trust issuer and live by its clock, and expect no tenant, no
// environment and no scope; ProbeWith can ask for more.
func Probe(t testing.TB, h http.Handler, audience narrowcast.Audience, issuer *Issuer) {
	t.Helper()
	ProbeWith(t, h, ProbeConfig{Audience: audience, Issuer: issuer})
}

// ProbeWith is Probe for a call that needs a scope or is not GET /.
func ProbeWith(t testing.TB, h http.Handler, c ProbeConfig) {
	t.Helper()
	if h == nil || c.Issuer == nil || c.Audience.IsZero() {
		t.Errorf("probe: a handler, an audience and an issuer are required")
		return
	}
	if c.Request == nil {
		c.Request = func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }
	}
	v := visitor{t: t, handler: h, c: c}
	if v.controls() {
		v.wrongTokens()
		v.rightToken("after the wrong tokens")
	}
}

type visitor struct {
	t       testing.TB
	handler http.Handler
	c       ProbeConfig
}

// controls reports whether the handler accepts what it must and wants a token.
func (v *visitor) controls() bool {
	v.t.Helper()
	if !v.rightToken("before anything else") {
		return false
	}
	switch status := v.show(""); {
	case accepted(status):
		v.t.Errorf("probe: accepted without any token (status %d): nothing guards this handler (%s)", status, narrowcast.TokenMissing.Clause())
		return false
	case !refused(status):
		v.t.Errorf("probe: without a token the handler answered %d, which is neither yes nor no", status)
	}
	return true
}

func (v *visitor) rightToken(when string) bool {
	v.t.Helper()
	text, err := v.c.Issuer.Mint(v.c.Audience, func(l *mint.Letter) { l.Scope = v.c.Scope })
	if err != nil {
		v.t.Errorf("probe: minting the right token: %v", err)
		return false
	}
	if status := v.show(text); !accepted(status) {
		v.t.Errorf("probe: the right token for %s was refused %s (status %d): the refusals of wrong tokens would prove nothing", v.c.Audience, when, status)
		return false
	}
	return true
}

func (v *visitor) wrongTokens() {
	v.t.Helper()
	drawer, err := v.c.Issuer.Wrong(v.c.Audience, v.c.Scope)
	if err != nil {
		v.t.Errorf("probe: %v", err)
		return
	}
	established := v.established(drawer)
	shown, open := 0, 0
	for _, wrong := range drawer {
		if wrong.RawText {
			continue
		}
		shown++
		switch status := v.show(wrong.Text); {
		case accepted(status):
			v.t.Errorf("probe: accepted a wrong token (status %d): %s: %s; a verifier says %q (%s)",
				status, wrong.ID, wrong.Title, wrong.Reason, wrong.Source)
		case !refused(status):
			v.t.Errorf("probe: the handler answered %d to %s (%s), which is neither yes nor no", status, wrong.ID, wrong.Title)
		case !slices.Contains(established, wrong.control):
			open++
		}
	}
	v.t.Logf("probe: %d wrong tokens shown to %s; %d refused ones establish nothing, because the handler refuses their right counterpart too", shown, v.c.Audience, open)
}

// established are the right counterparts of wrong tokens that the handler
// accepts. It need not accept them all: a list of algorithms may be short.
func (v *visitor) established(drawer []WrongToken) []string {
	world, err := v.c.Issuer.world(v.c.Audience, v.c.Scope)
	if err != nil {
		return nil
	}
	tried, accepts := map[string]bool{}, []string(nil)
	for _, wrong := range drawer {
		if tried[wrong.control] {
			continue
		}
		tried[wrong.control] = true
		if text, err := world.Right(wrong.control); err == nil && accepted(v.show(text)) {
			accepts = append(accepts, wrong.control)
		}
	}
	return accepts
}

// show presents a token and returns the status.
func (v *visitor) show(text string) int {
	req := v.c.Request()
	if text != "" {
		req.Header.Set("Authorization", "Bearer "+text)
	}
	recorder := httptest.NewRecorder()
	v.handler.ServeHTTP(recorder, req)
	return recorder.Code
}

func accepted(status int) bool { return status < 400 }

func refused(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}
