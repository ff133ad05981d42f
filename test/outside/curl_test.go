package outside_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func hasCurl(t *testing.T) bool {
	t.Helper()
	if exec.Command("curl", "--version").Run() != nil {
		t.Log("left out: tokens bound to certificates, because there is no curl here")
		return false
	}
	return true
}

// curl sends one request. The lines are a configuration of curl on its standard
// input: an argument could be read by every process of the machine. Without by
// no certificate is shown.
func (b *bound) curl(t *testing.T, address string, by *papers, lines ...string) (*http.Response, []byte) {
	t.Helper()
	if by != nil {
		lines = append(lines, option("cert", by.certificate), option("key", by.key))
	}
	lines = append(lines, option("url", address), option("cacert", b.server.certificate))
	c := exec.CommandContext(t.Context(), "curl", "--disable", "--silent", "--show-error", "--include", "--http1.1",
		"--noproxy", "*", "--max-time", "10", "--config", "-")
	c.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := c.Output()
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", address, err, problems(err))
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer, body
}

// option is a line of a configuration of curl.
func option(name, value string) string {
	return name + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func header(name, value string) string { return option("header", name+": "+value) }

// try sends one request and says what it came to.
func (b *bound) try(t *testing.T, step, at, address string, by *papers, lines ...string) attempt {
	t.Helper()
	answer, body := b.curl(t, address, by, lines...)
	a := attempt{
		Step: step, At: at, Status: answer.StatusCode,
		Nonce: answer.Header.Get("DPoP-Nonce") != "", Challenge: answer.Header.Get("WWW-Authenticate"),
	}
	if len(body) > 0 {
		var told struct{ Error, Decision string }
		must(t, json.Unmarshal(body, &told))
		a.Error, a.Decision = told.Error, told.Decision
	}
	return a
}

// thumbprint is x5t#S256 (RFC 8705 section 3.1).
func thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// byteSequence is a certificate in the header Client-Cert (RFC 9440 section 2.2).
func byteSequence(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}
