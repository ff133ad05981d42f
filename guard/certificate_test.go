package guard_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

func thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TestACertificateBelongsToItsCaller: what counts is the certificate of the
// connection, or from a named proxy the one in its header; never both.
func TestACertificateBelongsToItsCaller(t *testing.T) {
	w := newTown(t)
	mine, other := certificate(t), certificate(t)
	token := w.boundTo(t, mine)
	const stranger = "198.51.100.9"
	for name, c := range map[string]struct {
		peer       string
		connection *x509.Certificate
		header     []string
		want       narrowcast.Reason // zero: let in
		forwarded  narrowcast.Reason // by forward-auth, when that differs
	}{
		"of the connection":           {stranger, mine, nil, 0, narrowcast.Downgrade},
		"another of the connection":   {stranger, other, nil, narrowcast.SenderMismatch, narrowcast.Downgrade},
		"none":                        {stranger, nil, nil, narrowcast.Downgrade, 0},
		"header of a proxy":           {proxyAddress, nil, []string{clientCert(mine)}, 0, 0},
		"another in the header":       {proxyAddress, nil, []string{clientCert(other)}, narrowcast.SenderMismatch, 0},
		"a proxy that saw none":       {proxyAddress, nil, nil, narrowcast.Downgrade, 0},
		"a proxy that says none":      {proxyAddress, nil, []string{""}, narrowcast.Downgrade, 0},
		"header of a stranger":        {stranger, nil, []string{clientCert(mine)}, narrowcast.Downgrade, 0},
		"stranger with another":       {stranger, other, []string{clientCert(mine)}, narrowcast.SenderMismatch, narrowcast.Downgrade},
		"stranger with his own too":   {stranger, mine, []string{clientCert(other)}, 0, narrowcast.Downgrade},
		"the proxy's own and header":  {proxyAddress, other, []string{clientCert(mine)}, 0, 0},
		"the proxy's own and no more": {proxyAddress, mine, nil, narrowcast.Downgrade, 0},
		"two headers":                 {proxyAddress, nil, []string{clientCert(mine), clientCert(other)}, narrowcast.RequestMalformed, 0},
		"no certificate inside":       {proxyAddress, nil, []string{":AAAA:"}, narrowcast.RequestMalformed, 0},
		"no form":                     {proxyAddress, nil, []string{"AAAA"}, narrowcast.RequestMalformed, 0},
		"mapped address":              {"[::ffff:10.0.0.9]", nil, []string{clientCert(mine)}, 0, 0},
		"next network":                {"10.0.1.7", nil, []string{clientCert(mine)}, narrowcast.Downgrade, 0},
	} {
		g := w.demanding(t, nil)
		for entrance, ask := range entrances(t, g, hello) {
			want := c.want
			if entrance == "ForwardAuth" && c.forwarded != 0 {
				want = c.forwarded // the connection is that of the proxy that asks
			}
			a := attempt{method: "POST", target: chargePath, header: http.Header{"Authorization": {"Bearer " + token}}, peer: c.peer, connection: c.connection}
			if c.header != nil {
				a.header["Client-Cert"] = c.header
			}
			got := ask(a)
			if want == 0 != (got.Code == 200) || want != 0 && w.book.last(t).Reason != want {
				t.Errorf("%s, %s: %d %s, want %s", name, entrance, got.Code, w.book.last(t).Reason, want)
			}
			a.peer, a.connection, a.header["Client-Cert"] = proxyAddress, nil, []string{clientCert(mine)}
			if got := ask(a); got.Code != 200 {
				t.Errorf("%s, %s: the control: %d", name, entrance, got.Code)
			}
		}
	}
}

// TestATokenBoundToACertificateNeedsNoProof, and a proof does not stand in for it.
func TestATokenBoundToACertificateNeedsNoProof(t *testing.T) {
	w := newTown(t)
	me, mine := w.caller(t), certificate(t)
	for name, token := range map[string]string{"certificate": w.boundTo(t, mine), "both": w.sign(t, map[string]any{
		"cnf": map[string]any{"x5t#S256": thumbprint(mine), "jkt": me.prover.Thumbprint()}})} {
		for _, scheme := range []string{"Bearer", "DPoP"} {
			g := w.demanding(t, nil)
			for entrance, ask := range entrances(t, g, hello) {
				proof, err := me.prover.Prove("POST", chargeURI, token, "", w.now())
				if err != nil {
					t.Fatal(err)
				}
				a := attempt{method: "POST", target: chargePath, peer: proxyAddress, header: http.Header{
					"Authorization": {scheme + " " + token}, "Dpop": {proof}, "Client-Cert": {clientCert(mine)}}}
				want := (name == "certificate") == (scheme == "Bearer")
				got := ask(a)
				if got.Code != 200 && name == "certificate" && w.book.last(t).Reason != narrowcast.SenderMismatch {
					t.Errorf("%s: %s", entrance, w.book.last(t).Reason)
				}
				if (got.Code == 200) != want {
					t.Errorf("%s under %s, %s: %d %s", name, scheme, entrance, got.Code, w.book.last(t).Reason)
				}
			}
		}
	}
}

// TestTheDialectsOfProxies: each header is read by a guard that was told so, and by
// no other.
func TestTheDialectsOfProxies(t *testing.T) {
	w := newTown(t)
	mine := certificate(t)
	token := w.boundTo(t, mine)
	sum := sha256.Sum256(mine.Raw)
	block := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Raw}))
	hash := "Hash=" + hex.EncodeToString(sum[:])
	right := map[guard.CertificateHeader][2]string{
		guard.ClientCert:           {"Client-Cert", clientCert(mine)},
		guard.SSLClientCert:        {"Ssl-Client-Cert", url.PathEscape(block)},
		guard.XForwardedClientCert: {"X-Forwarded-Client-Cert", `By=spiffe://corp.example.test/pay;` + hash + `;Subject="CN=a\",b;c,O=d";URI=spiffe://corp.example.test/x`},
	}
	for dialect, header := range right {
		g := w.demanding(t, func(c *guard.Config) { c.Certificates.Header = dialect })
		send := func(name, value string) int {
			a := attempt{method: "GET", target: "/", peer: proxyAddress, header: http.Header{"Authorization": {"Bearer " + token}, name: {value}}}
			return entrances(t, g, hello)["Wrap"](a).Code
		}
		if got := send(header[0], header[1]); got != 200 {
			t.Errorf("%s: %d %s", header[0], got, w.book.last(t).Detail)
		}
		for other, value := range right {
			if other != dialect && send(value[0], value[1]) == 200 {
				t.Errorf("%s was read by a guard for %s", value[0], header[0])
			}
		}
		for _, wrong := range []string{
			clientCert(mine) + ";a=1", clientCert(mine)[1:], ":" + base64.RawStdEncoding.EncodeToString(append(mine.Raw, 0)) + ":", clientCert(mine) + ", " + clientCert(mine),
			":" + base64.StdEncoding.EncodeToString(append(mine.Raw, 0)) + ":", strings.Repeat("A", 17<<10),
			url.PathEscape(block + block), url.PathEscape("x" + block), url.PathEscape(strings.Replace(block, "CERTIFICATE", "X509 CRL", 2)), block[:40], "%zz",
			url.PathEscape(strings.Replace(block, "-----\n", "-----\nA: b\n\n", 1)),
			hash + "," + hash, hash + ";" + hash, hash + ";URI=x,By=y", "By=y," + hash, hash[:20], "Subject=\"" + hash, "Hash=" + strings.Repeat("z", 64), "URI=x", hash + ";", "x",
		} {
			if got := send(header[0], wrong); got != 400 && !(wrong == hash+";" && dialect == guard.XForwardedClientCert) {
				t.Errorf("%s: %.60q: %d", header[0], wrong, got)
			}
		}
	}
}

// TestTheHeaderGoesNoFurther: neither a handler nor a service behind the guard sees
// what callers or proxies say of certificates, or a proof.
func TestTheHeaderGoesNoFurther(t *testing.T) {
	w := newTown(t)
	me := w.caller(t)
	seen := make(chan http.Header, 1)
	g := w.demanding(t, nil)
	all := entrances(t, g, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	for _, entrance := range []string{"Wrap", "Proxy"} {
		for _, peer := range []string{proxyAddress, "198.51.100.9"} {
			a := me.right(t)
			a.peer = peer
			a.header["Client-Cert"], a.header["client_cert"] = []string{clientCert(certificate(t))}, []string{"x"}
			if got := all[entrance](a); got.Code != 200 {
				t.Fatalf("%s: %d %s", entrance, got.Code, w.book.last(t).Detail)
			}
			header := <-seen
			for name := range header {
				if plain := strings.ToLower(strings.ReplaceAll(name, "_", "-")); plain == "client-cert" || plain == "dpop" || plain == "authorization" {
					t.Errorf("%s from %s: %s went on", entrance, peer, name)
				}
			}
		}
	}
	for _, name := range []string{"DPoP", "Client-Cert", "client_cert"} {
		if _, err := g.Proxy(guard.ProxyConfig{Upstream: &url.URL{Scheme: "http", Host: "x"}, DangerouslyKeep: []string{name}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s may be kept: %v", name, err)
		}
	}
}

// TestSocketsAreTrustedByName: a unix socket has no address.
func TestSocketsAreTrustedByName(t *testing.T) {
	w := newTown(t)
	mine := certificate(t)
	for _, socket := range []bool{true, false} {
		g := w.demanding(t, func(c *guard.Config) { c.Certificates.FromSocket = socket })
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{"Authorization": {"Bearer " + w.boundTo(t, mine)}, "Client-Cert": {clientCert(mine)}}
		r.RemoteAddr = "@"
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/guard.sock", Net: "unix"}))
		if got := serve(g.Wrap(hello), r); (got.Code == 200) != socket {
			t.Errorf("trusted %t: %d", socket, got.Code)
		}
	}
}

func TestCertificatesNameAllFaults(t *testing.T) {
	w := newTown(t)
	for want, c := range map[string]guard.Certificates{
		"From is required": {Header: guard.ClientCert},
		"Header is not":    {FromSocket: true},
		"is everybody":     {Header: guard.ClientCert, From: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
		"not a prefix":     {Header: guard.ClientCert, From: []netip.Prefix{{}}},
		"is unknown":       {Header: 9, FromSocket: true},
		"[1] is everybody": {Header: guard.ClientCert, From: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104"), netip.MustParsePrefix("::ffff:0:0/96")}},
		"[2] is everybody": {Header: guard.ClientCert, From: []netip.Prefix{{}, netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:10.0.0.0/8")}},
	} {
		_, err := guard.New(guard.Config{Verifier: w.verifier(t, pay, 0), Sink: &w.book, Now: w.now, Name: "g", Certificates: c})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}
