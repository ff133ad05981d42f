package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/narrowcast-io/narrowcast/dpop"
)

// Sender says whether tokens must be bound to their sender. Whatever it says, a
// token that is bound is accepted from its sender alone, in observe mode too.
type Sender uint8

// The choices.
const (
	// SenderOfVerifier is SenderRequired for a verifier that was made with
	// RequireBinding, and SenderBearer for another one. It is the default.
	SenderOfVerifier Sender = iota
	// SenderBearer accepts bearer tokens and does not offer DPoP. A token that is
	// bound to a key is refused.
	SenderBearer
	// SenderPreferred accepts bearer tokens too.
	SenderPreferred
	// SenderRequired accepts only tokens that are bound to their sender. The
	// verifier must be made with RequireBinding.
	SenderRequired
)

// DPoP makes a guard accept proofs of possession (RFC 9449).
type DPoP struct {
	// Checker checks proofs. DPoP is offered when it is set.
	Checker *dpop.Checker
	// Origin is scheme, host and port under which callers know the service; with
	// the path of the request it is the address that a proof must name. No header
	// of a request has a say in it. Default the origin of the audience. https, or
	// http on a loopback host.
	Origin string

	_ struct{}
}

// possession is what a guard knows of proofs of possession.
type possession struct {
	checker *dpop.Checker // nil when DPoP is not offered
	origin  string
}

// sender resolves the default.
func (c *Config) sender() Sender {
	switch {
	case c.Sender != SenderOfVerifier:
		return c.Sender
	case c.Verifier != nil && c.Verifier.Describe().Binding:
		return SenderRequired
	}
	return SenderBearer
}

func (c *Config) checkSender() error {
	var errs []error
	fault := func(text string) { errs = append(errs, errors.New(text)) }
	binding := c.Verifier != nil && c.Verifier.Describe().Binding
	switch {
	case c.Sender > SenderRequired:
		fault("Sender is unknown")
	case c.Sender == SenderRequired && !binding && c.Verifier != nil:
		fault("Sender is required, and the verifier accepts bearer tokens: make it with RequireBinding")
	case (c.Sender == SenderBearer || c.Sender == SenderPreferred) && binding:
		fault("Sender lets bearer tokens in, and the verifier was made with RequireBinding")
	case c.Sender == SenderRequired && c.DPoP.Checker == nil && !c.Certificates.come():
		fault("Sender is required, and there is no way to show one: set DPoP.Checker, Certificates.Asked or Certificates.Header")
	}
	switch {
	case c.DPoP.Checker == nil && c.DPoP.Origin != "":
		fault("DPoP.Origin is set, and DPoP.Checker is not")
	case c.DPoP.Checker == nil:
	case c.sender() == SenderBearer:
		fault("DPoP.Checker is set, and Sender is bearer: choose SenderPreferred or SenderRequired")
	case len(c.DPoP.Checker.Algorithms()) == 0:
		fault("DPoP.Checker was never configured: make one with dpop.New")
	}
	if c.DPoP.Checker != nil && c.Verifier != nil {
		if _, err := c.origin(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, c.Certificates.check())...)
}

func (c *Config) possession() possession {
	if c.DPoP.Checker == nil {
		return possession{}
	}
	origin, _ := c.origin() // checked before
	return possession{checker: c.DPoP.Checker, origin: origin}
}

func (c *Config) origin() (string, error) {
	if c.DPoP.Origin != "" {
		origin, err := parseOrigin(c.DPoP.Origin)
		if err != nil {
			return "", fmt.Errorf("DPoP.Origin %w", err)
		}
		return origin, nil
	}
	u, err := url.Parse(c.Verifier.Audience().String())
	if err == nil {
		if origin, err := parseOrigin(u.Scheme + "://" + u.Host); err == nil {
			return origin, nil
		}
	}
	return "", errors.New("DPoP.Origin is required: the audience is not an https address that it could be taken from")
}

// parseOrigin reads scheme, host and port. Inside this machine there may be no
// TLS; anywhere else a proof would travel beside its token in the clear.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "", errors.New("is not a web address")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return "", errors.New("must be scheme, host and port alone")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "", errors.New("must be https, or http on a loopback host")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
