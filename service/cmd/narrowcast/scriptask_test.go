package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// question is one request of somebody who proves who it is.
type question struct {
	ca, certificate, key    string // PEM files
	user, credential        string
	foreign, by             string
	token, scheme           string
	proof, method, htm, htu string
	keep, reuse, out, body  string
	bare                    bool
	status                  int
	header                  headers
	address                 string
	parameters              []string
}

// askMain is the command "ask" of the scripts. It sends a form, whose parameters
// are name=value or name@file, or a plain request when there are none, and prints
// the answer like "http". With -each it reads such command lines from a file,
// named by their first word, and prints a line for each: name, status, error code.
func askMain(args []string) int {
	if len(args) == 2 && args[0] == "-each" {
		return askEach(args[1])
	}
	var q question
	if err := q.parse(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	status, text, body, err := q.send()
	if err == nil && q.out != "" {
		err = os.WriteFile(q.out, []byte(body["access_token"]), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if q.out == "" || status != http.StatusOK {
		fmt.Println(text)
	}
	if q.status != 0 && status != q.status {
		fmt.Fprintf(os.Stderr, "status %d, want %d\n", status, q.status)
		return 1
	}
	return 0
}

func askEach(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var q question
		if err := q.parse(words[1:]); err != nil {
			fmt.Fprintln(os.Stderr, words[0], err)
			return 2
		}
		status, _, body, err := q.send()
		if err != nil {
			fmt.Fprintln(os.Stderr, words[0], err)
			code = 1
		}
		fmt.Println(strings.TrimSpace(fmt.Sprintf("%s %d %s", words[0], status, body["error"])))
	}
	return code
}

func (q *question) parse(args []string) error {
	f := flag.NewFlagSet("ask", flag.ContinueOnError)
	f.StringVar(&q.ca, "ca", os.Getenv("SSL_CERT_FILE"), "who vouches for the server")
	f.StringVar(&q.certificate, "cert", "", "the certificate that is shown")
	f.StringVar(&q.key, "key", "", "its private key")
	f.StringVar(&q.user, "u", "", "id:secret for HTTP Basic")
	f.StringVar(&q.credential, "as", "", "the credential that signs a client assertion")
	f.StringVar(&q.foreign, "foreign", "", "file with a token of a foreign issuer")
	f.StringVar(&q.by, "by", "assertion", "what it comes as: assertion, spiffe, grant or exchange")
	f.StringVar(&q.token, "token", "", "file with a token for the Authorization header")
	f.StringVar(&q.scheme, "scheme", "Bearer", "its scheme")
	f.StringVar(&q.proof, "dpop", "", "the key that proves possession; made when there is none")
	f.StringVar(&q.method, "X", "", "method")
	f.StringVar(&q.htm, "htm", "", "the method that the proof names; default that of the request")
	f.StringVar(&q.htu, "htu", "", "the address that the proof names; default that of the request")
	f.StringVar(&q.keep, "keep", "", "where to keep the proof")
	f.StringVar(&q.reuse, "reuse", "", "a proof that was kept")
	f.BoolVar(&q.bare, "no-ath", false, "the proof names no token")
	f.StringVar(&q.out, "out", "", "where the access token goes, in place of the output")
	f.StringVar(&q.body, "body", "", "where the body of the answer goes")
	f.IntVar(&q.status, "status", 0, "expected status")
	f.Var(&q.header, "H", "header")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return errors.New("ask: no address")
	}
	q.address, q.parameters = f.Arg(0), f.Args()[1:]
	return nil
}

func (q *question) send() (status int, text string, body map[string]string, err error) {
	client, err := q.client()
	if err != nil {
		return 0, "", nil, err
	}
	defer client.CloseIdleConnections()
	req, err := q.request()
	if err != nil {
		return 0, "", nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && q.body != "" {
		err = os.WriteFile(q.body, raw, 0o600)
	}
	if err != nil {
		return 0, "", nil, err
	}
	var members map[string]any
	body = map[string]string{}
	if json.Unmarshal(raw, &members) == nil {
		for name, value := range members {
			body[name] = fmt.Sprint(value)
		}
	}
	return resp.StatusCode, answerText(resp, raw), body, nil
}

func answerText(resp *http.Response, body []byte) string {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	fmt.Fprintf(w, "%s %s\n", resp.Proto, resp.Status)
	_ = resp.Header.Write(crlfToLF{w})
	fmt.Fprintf(w, "\n%s", body)
	_ = w.Flush()
	return out.String()
}

func (q *question) client() (*http.Client, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if q.ca != "" {
		text, err := os.ReadFile(q.ca)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text)
	}
	if q.certificate != "" {
		pair, err := tls.LoadX509KeyPair(q.certificate, q.key)
		if err != nil {
			return nil, err
		}
		// Whatever authorities the server names: the script decides what it is shown.
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}
