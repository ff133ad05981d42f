package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// directory knows where the issuer's token endpoint is.
type directory struct {
	issuer string
	fixed  string
	mutual bool // the client shows a certificate
	client *http.Client
	now    func() time.Time

	turn  chan struct{} // holds the one who may look and change what follows
	found string
	until time.Time
}

func newDirectory(c Config, client *http.Client) *directory {
	return &directory{
		issuer: c.Issuer.String(), fixed: c.TokenEndpoint, mutual: showsCertificate(c.Authenticate),
		client: client, now: c.Now, turn: make(chan struct{}, 1),
	}
}

// metadataAge is how long what the metadata said is believed.
const metadataAge = time.Hour

func (d *directory) tokenEndpoint(ctx context.Context) (string, error) {
	if d.fixed != "" {
		return d.fixed, nil
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	now := d.now()
	if d.found != "" && now.Before(d.until) {
		return d.found, nil
	}
	endpoint, err := d.discover(ctx)
	if err != nil {
		return "", fmt.Errorf("finding its token endpoint: %w", err)
	}
	d.found, d.until = endpoint, now.Add(metadataAge)
	return endpoint, nil
}

// forget drops an endpoint that turned out to be gone.
func (d *directory) forget(ctx context.Context, gone string) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return
	}
	if d.found == gone {
		d.found = ""
	}
}

// discover tries the forms of the metadata address in the usual order. Only an
// answer that there is nothing leads on to the next.
func (d *directory) discover(ctx context.Context) (string, error) {
	addresses, err := metadataURLs(d.issuer)
	if err != nil {
		return "", err
	}
	for _, address := range addresses {
		endpoint, err := d.read(ctx, address)
		if !errors.Is(err, errMoved) {
			return endpoint, err
		}
	}
	return "", errors.New("it publishes no metadata")
}

// metadataURLs are RFC 8414 section 3.1, the same for OpenID Connect, and the
// form of OpenID Connect Discovery section 4.
func metadataURLs(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, errors.New("the issuer identifier is not a URL")
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	origin := u.Scheme + "://" + u.Host
	const oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	urls := []string{origin + oauth + path, origin + openid + path}
	if path != "" {
		urls = append(urls, origin+path+openid)
	}
	return urls, nil
}

func (d *directory) read(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := d.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readBounded(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", refusal(resp.StatusCode, body, &Request{})
	}
	members, err := readObject(body)
	if err != nil {
		return "", fmt.Errorf("reading metadata: %w", err)
	}
	// RFC 8414 section 3.3: metadata of another issuer must not be used.
	if named := members.text("issuer"); named != d.issuer {
		return "", fmt.Errorf("the metadata names another issuer: %q", harmless(named, 200, nil))
	}
	endpoint := d.endpointIn(members)
	if err := checkEndpoint(endpoint); err != nil {
		return "", fmt.Errorf("token_endpoint of the metadata: %w", err)
	}
	// What an issuer elsewhere says must not lead into this machine.
	if strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(d.issuer, "http://") {
		return "", errors.New("token_endpoint of the metadata: is not https, and the issuer is")
	}
	return endpoint, nil
}

// endpointIn reads the token endpoint, which may be another one for clients that
// show a certificate (RFC 8705 section 5).
func (d *directory) endpointIn(metadata object) string {
	if aliases, err := readObject(metadata["mtls_endpoint_aliases"]); d.mutual && err == nil {
		if alias := aliases.text("token_endpoint"); alias != "" {
			return alias
		}
	}
	return metadata.text("token_endpoint")
}

// checkEndpoint lets secrets travel over https, or inside this machine.
func checkEndpoint(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("is not a URL with a host")
	case u.User != nil || u.Fragment != "":
		return errors.New("must not carry user information or a fragment")
	}
	return checkScheme(u)
}

func checkScheme(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("scheme %q: only https is allowed, save to a loopback host", u.Scheme)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
