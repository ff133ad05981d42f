package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// floorServer is the floor of a real mint: a bare handler that checks an ES256
// client assertion, signs an ES256 token and answers with JSON. It knows no
// policy, no registry and no replay. With a book it also appends a line to a
// file and waits until a group of lines has reached the disk.
//
// It takes the client's public key set from FLOOR_JWKS and a path for the book
// from FLOOR_BOOK, and prints its address.
func floorServer(listen string) error {
	set, err := jose.ParseSet(os.Getenv("FLOOR_JWKS"))
	if err != nil || len(set) != 1 {
		return fmt.Errorf("FLOOR_JWKS: %w", err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer(issuerID), KeyID: "floor", Algorithm: narrowcast.ES256, Signer: private})
	if err != nil {
		return err
	}
	h := &floor{client: set[0], press: press}
	if path := os.Getenv("FLOOR_BOOK"); path != "" {
		if h.book, err = newBook(path); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return (&http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}).Serve(l)
}

type floor struct {
	client jose.JWK
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
	parts, err := jose.Split(r.PostForm.Get("client_assertion"))
	if err != nil {
		return "", err
	}
	if err := jose.Verify(jose.ES256, f.client.Public, parts.Input, parts.Signature); err != nil {
		return "", err
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

var pad = string(bytes.Repeat([]byte("x"), 400))

// book appends lines to a file in groups, each group synced once.
type book struct {
	file  *os.File
	lines chan line
}

type line struct {
	text []byte
	done chan error
}

func newBook(path string) (*book, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	b := &book{file: f, lines: make(chan line, 1024)}
	go b.run()
	return b, nil
}

func (b *book) append(ctx context.Context, text []byte) error {
	l := line{text, make(chan error, 1)}
	select {
	case b.lines <- l:
	case <-ctx.Done():
		return errors.New("gave up")
	}
	return <-l.done
}

func (b *book) run() {
	for first := range b.lines {
		group, text := []line{first}, first.text
	gather:
		for len(group) < 512 {
			select {
			case l := <-b.lines:
				group, text = append(group, l), append(text, l.text...)
			default:
				break gather
			}
		}
		_, err := b.file.Write(text)
		if err == nil {
			err = b.file.Sync()
		}
		for _, l := range group {
			l.done <- err
		}
	}
}
