package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// writeServer puts the certificate of a server on this machine into a directory,
// and the authority of its clients.
func (w *workloads) writeServer(h *home) error {
	return errors.Join(
		h.write("server.pem", w.server.pem()), h.write("clients.pem", w.authority.pem()),
		w.server.writeKey(filepath.Join(h.dir, "server.key")),
	)
}

// tlsIssuer is an issuer that asks its callers for certificates.
func (t *town) tlsIssuer(w *workloads) ([]contestant, error) {
	h, err := t.home("tls", "https")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.writeServer(h), h.settle("tls: {certificate_file: server.pem, key_file: server.key, client_certificates: true}\n")); err != nil {
		return nil, err
	}
	if err := w.enrol(h); err != nil {
		return nil, err
	}
	own, err := h.serve(nil)
	if err != nil {
		return nil, err
	}
	var all []contestant
	for _, c := range []struct {
		name, id string
		shows    *identity
	}{{byPinned, "pinned", w.pinned}, {byPartner, "partner", w.partner}, {bySVID, workloadID, w.svid}} {
		one := own.ask(c.name, floorMTLS, connected(c.id, exchangeResource))
		one.tls = c.shows.client(w.authority)
		all = append(all, one)
	}
	return all, nil
}

// edwardsIssuer is an issuer that signs with Ed25519. Init makes a first key with
// ES256; the second one, of the other algorithm, signs a second later.
func (t *town) edwardsIssuer(w *workloads) ([]contestant, error) {
	h, err := t.home("edwards", "http")
	if err != nil {
		return nil, err
	}
	if err := h.settle("algorithm: Ed25519\npublish_ahead: 1s\n"); err != nil {
		return nil, err
	}
	if err := errors.Join(w.enrol(h), t.run("keys", "rotate", "--home", h.dir)); err != nil {
		return nil, err
	}
	time.Sleep(1500 * time.Millisecond)
	own, err := h.serve(nil)
	if err != nil {
		return nil, err
	}
	exchange := asking(grantExchange, exchangeResource)
	exchange.Set("subject_token_type", tokenTypeJWT)
	token := func() (string, error) { return w.foreign.token(foreignID, foreignSub, h.issuer) }
	all := []contestant{
		own.ask(byKeyED, floorED, privateKeyJWT(w.edwards, h.issuer, exchangeResource, nil)),
		own.ask(byExchange, floorED, showing(token, exchange, "subject_token")),
	}
	return all, all[0].signsWith(`"alg":"Ed25519"`)
}

// signsWith waits until tokens have a header with these words.
func (own *target) signsWith(words string) error {
	own.connect(1)
	if err := own.await(); err != nil {
		return err
	}
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		header, err := own.header()
		if err == nil && strings.Contains(header, words) {
			return nil
		}
		if time.Now().After(late) {
			return errors.Join(fmt.Errorf("tokens have the header %s and not %s", header, words), err)
		}
	}
}

// header is the header of a token.
func (own *target) header() (string, error) {
	ask, err := own.asker(own.endpoint)
	if err != nil {
		return "", err
	}
	form, proof, err := ask()
	if err != nil {
		return "", err
	}
	body, err := own.post(form, proof)
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", err
	}
	parts, err := jose.Split(answer.Token)
	return parts.Header, err
}
