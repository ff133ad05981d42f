package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// floorSettings is what a bare server is told in FLOOR.
type floorSettings struct {
	Algorithm narrowcast.Algorithm // of the tokens
	Client    string               // the public key of assertions, a key set; without it nothing is checked
	Book      string               // a file to which each token's line is synced; without it there is none
	Identity  string               // a directory with server.pem, server.key and clients.pem; without it there is no TLS
}

// floorServer is the floor of a real mint: a bare handler that checks a client
// assertion, signs a token and answers with JSON. It knows no policy, no
// registry and no replay. With a book it also appends a line to a file and waits
// until a group of lines has reached the disk. With an identity it talks TLS and
// demands a client certificate, once for each connection.
//
// It prints its address.
func floorServer(listen string) error {
	var s floorSettings
	if err := json.Unmarshal([]byte(os.Getenv("FLOOR")), &s); err != nil {
		return fmt.Errorf("FLOOR: %w", err)
	}
	signer, err := newSigner(s.Algorithm)
	if err != nil {
		return err
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuerID), KeyID: "floor", Algorithm: s.Algorithm, Signer: signer})
	if err != nil {
		return err
	}
	h := &floor{press: press}
	if s.Client != "" {
		set, err := jose.ParseSet(s.Client)
		if err != nil || len(set) != 1 {
			return fmt.Errorf("the key set of the client: %w", err)
		}
		h.client = &set[0]
	}
	if s.Book != "" {
		if h.book, err = newBook(s.Book); err != nil {
			return err
		}
	}
	l, err := s.listen(listen)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return (&http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Hour}).Serve(l)
}

func (s *floorSettings) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil || s.Identity == "" {
		return l, err
	}
	certificate, err := tls.LoadX509KeyPair(s.Identity+"/server.pem", s.Identity+"/server.key")
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(s.Identity + "/clients.pem")
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return nil, errors.New("no authority of clients")
	}
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}), nil
}

type floor struct {
	client *jose.JWK
	press  *mint.Press
	book   *book
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, err := f.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "charge"})
}

func (f *floor) answer(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", err
	}
	if f.client != nil {
		if err := f.check(r.PostForm); err != nil {
			return "", err
		}
	}
	token, err := f.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(resource), Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
		IssuedAt: time.Now(), Lifetime: 5 * time.Minute, Scope: narrowcast.MustScope("charge"),
	})
	if err == nil && f.book != nil {
		err = f.book.append(r.Context(), []byte(fmt.Sprintf("{\"type\":\"issued\",\"sha256\":\"%s\",\"pad\":%q}\n", narrowcast.FingerprintOf(token), pad)))
	}
	return token, err
}

// check verifies the signature of the one JWT that came, whatever it is called.
func (f *floor) check(form url.Values) error {
	text := form.Get("client_assertion") + form.Get("assertion") + form.Get("subject_token")
	parts, err := jose.Split(text)
	if err != nil {
		return err
	}
	return jose.Verify(f.client.Alg, f.client.Public, parts.Input, parts.Signature)
}
