package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

func (q *question) request() (*http.Request, error) {
	form, err := q.form()
	if err != nil {
		return nil, err
	}
	method := http.MethodGet
	if len(form) > 0 {
		method = http.MethodPost
	}
	if q.method != "" {
		method = q.method
	}
	req, err := http.NewRequest(method, q.address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if len(form) > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, line := range q.header {
		name, value, _ := strings.Cut(line, ":")
		req.Header.Add(name, strings.TrimSpace(value))
	}
	if id, secret, ok := strings.Cut(q.user, ":"); ok {
		req.SetBasicAuth(id, secret)
	}
	token := ""
	if q.token != "" {
		raw, err := os.ReadFile(q.token)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(raw))
		req.Header.Set("Authorization", q.scheme+" "+token)
	}
	return req, q.prove(req, token)
}

// form reads the parameters, and adds a client assertion if one is asked for.
func (q *question) form() (url.Values, error) {
	form := url.Values{}
	for _, parameter := range q.parameters {
		at := strings.IndexAny(parameter, "=@")
		if at < 0 {
			return nil, fmt.Errorf("%s is neither name=value nor name@file", parameter)
		}
		value := parameter[at+1:]
		if parameter[at] == '@' {
			raw, err := os.ReadFile(value)
			if err != nil {
				return nil, err
			}
			value = strings.TrimSpace(string(raw))
		}
		form.Add(parameter[:at], value)
	}
	if q.foreign != "" {
		if err := q.carry(form); err != nil {
			return nil, err
		}
	}
	if q.credential == "" {
		return form, nil
	}
	who, err := credential.Read(q.credential)
	if err != nil {
		return nil, err
	}
	proof, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: who.Client, KeyID: who.Key.ID(), Algorithm: who.Key.Algorithm(), Signer: who.Signer(), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return form, proof.Authenticate(context.Background(), &client.Request{Issuer: who.Issuer, Form: form})
}

// carry puts a token of a foreign issuer where the grant wants it.
func (q *question) carry(form url.Values) error {
	raw, err := os.ReadFile(q.foreign)
	token := strings.TrimSpace(string(raw))
	set := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
	}
	switch q.by {
	case "assertion":
		set("grant_type", issuer.ClientCredentials, "client_assertion_type", authn.AssertionType, "client_assertion", token)
	case "spiffe":
		set("grant_type", issuer.ClientCredentials, "client_assertion_type", authn.SPIFFEType, "client_assertion", token)
	case "grant":
		set("grant_type", issuer.JWTBearer, "assertion", token)
	case "exchange":
		set("grant_type", issuer.TokenExchange, "subject_token_type", issuer.JWTType, "subject_token", token)
	default:
		err = errors.Join(err, errors.New("-by is none of assertion, spiffe, grant and exchange"))
	}
	return err
}

// prove adds a proof of possession, about this request unless the flags say
// otherwise.
func (q *question) prove(req *http.Request, token string) error {
	if q.reuse != "" {
		proof, err := os.ReadFile(q.reuse)
		req.Header.Set("DPoP", string(proof))
		return err
	}
	if q.proof == "" {
		return nil
	}
	key, err := (&forgery{keyFile: q.proof}).key()
	if err != nil {
		return err
	}
	prover, err := dpop.NewProver(narrowcast.ES256, key.Signer())
	if err != nil {
		return err
	}
	method, address := req.Method, q.address
	if q.htm != "" {
		method = q.htm
	}
	if q.htu != "" {
		address = q.htu
	}
	if q.bare {
		token = ""
	}
	proof, err := prover.Prove(method, address, token, "", time.Now())
	if err != nil {
		return err
	}
	req.Header.Set("DPoP", proof)
	if q.keep != "" {
		return os.WriteFile(q.keep, []byte(proof), 0o600)
	}
	return nil
}
