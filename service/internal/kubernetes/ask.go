package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

const (
	apiVersion = "authentication.k8s.io/v1"
	kind       = "TokenReview"
)

// ask sends one TokenReview and returns the document that came back.
func (r *Reviewer) ask(ctx context.Context, token string) ([]byte, error) {
	client, err := r.trusting()
	if err != nil {
		return nil, err
	}
	own, err := fetch.File(r.c.TokenFile, maxToken)
	if err != nil {
		return nil, err
	}
	question, err := json.Marshal(map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"spec": map[string]any{"token": token, "audiences": []string{r.c.Audience}},
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.place, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(own)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := checkHead(resp); err != nil {
		return nil, err
	}
	return fetch.ReadAll(resp.Body, maxAnswer)
}

func checkHead(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusCreated, http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("status %d: the token in TokenFile may not create tokenreviews", resp.StatusCode)
	default:
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errors.New("the answer is not application/json")
	}
	return nil
}

// trusting returns a client that trusts what is in CAFile now, and nobody else.
func (r *Reviewer) trusting() (*http.Client, error) {
	text, err := fetch.File(r.c.CAFile, maxFile)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.ca == string(text) {
		return r.client, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", r.c.CAFile)
	}
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
	r.ca = string(text)
	r.client = &http.Client{
		Transport: fetch.Transport(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, true),
		// Two tokens are on board: they go nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirected") },
	}
	return r.client, nil
}

// Close ends the connections that wait for another question.
func (r *Reviewer) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
}
