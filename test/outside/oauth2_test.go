package outside_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/narrowcast-io/narrowcast"
)

// ask gets a token with client_secret_basic and any resource parameters.
func ask(t *testing.T, s *site, resources ...string) (*oauth2.Token, error) {
	t.Helper()
	c := clientcredentials.Config{
		ClientID: s.SecretClient, ClientSecret: s.secret(t), TokenURL: tokenEndpoint(t, s), Scopes: []string{s.Scope},
		EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if len(resources) > 0 {
		c.EndpointParams["resource"] = resources
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Token(ctx)
}

func tokenEndpoint(t *testing.T, s *site) string {
	t.Helper()
	answer, err := http.Get(s.Issuer + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&metadata); err != nil || metadata.Issuer != s.Issuer {
		t.Fatalf("metadata = %+v, %v", metadata, err)
	}
	return metadata.TokenEndpoint
}

// TestOAuth2 is golang.org/x/oauth2 with the resource as an endpoint parameter.
func TestOAuth2(t *testing.T) {
	s := openSite(t)
	token, err := ask(t, s, s.Resource)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := narrowcast.Inspect(token.AccessToken)
	if err != nil || len(claimed.Audience) != 1 || claimed.Audience[0] != s.Resource || claimed.ClientID != s.SecretClient {
		t.Errorf("claimed = %+v, %v", claimed, err)
	}
	if token.Type() != "Bearer" || !token.Valid() || token.Extra("resource") != s.Resource {
		t.Errorf("type %s, valid %t, resource %v", token.Type(), token.Valid(), token.Extra("resource"))
	}
}

func TestOAuth2IsToldWhyNot(t *testing.T) {
	s := openSite(t)
	if _, err := ask(t, s, s.Resource); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for name, resources := range map[string][]string{
		"no resource": nil, "two resources": {s.Resource, s.Foreign}, "the same twice": {s.Resource, s.Resource}, "unknown": {"https://nowhere.example.test"},
	} {
		var refused *oauth2.RetrieveError
		if _, err := ask(t, s, resources...); !errors.As(err, &refused) || refused.ErrorCode != "invalid_target" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
