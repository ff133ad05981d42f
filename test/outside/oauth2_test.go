package outside_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/narrowcast-io/narrowcast"
)

// ask gets a token with client_secret_basic and any resource parameters.
func ask(t *testing.T, s *site, secret string, resources ...string) (*oauth2.Token, error) {
	t.Helper()
	c := clientcredentials.Config{
		ClientID: s.SecretClient, ClientSecret: secret, TokenURL: s.TokenEndpoint, Scopes: []string{s.Scope},
		EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if len(resources) > 0 {
		c.EndpointParams["resource"] = resources
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Token(ctx)
}

// oauth2Works is golang.org/x/oauth2 with the resource as an endpoint parameter.
func (s *site) oauth2Works(t *testing.T) {
	token, err := ask(t, s, s.Secret, s.Resource)
	must(t, err)
	claimed, err := narrowcast.Inspect(token.AccessToken)
	if err != nil || len(claimed.Audience) != 1 || claimed.Audience[0] != s.Resource || claimed.ClientID != s.SecretClient {
		t.Errorf("claimed = %+v, %v", claimed, err)
	}
	named, _ := token.Extra("resource").([]any)
	if token.Type() != "Bearer" || !token.Valid() || len(named) != 1 || named[0] != s.Resource {
		t.Errorf("type %s, valid %t, resource %v", token.Type(), token.Valid(), named)
	}
	s.keepsSilent(t, token.AccessToken)
	s.keepsSilent(t, s.Secret)
}

// oauth2IsToldWhyNot follows oauth2Works, which is its control.
func (s *site) oauth2IsToldWhyNot(t *testing.T) {
	for name, c := range map[string]struct {
		secret, want string
		resources    []string
	}{
		"no resource":    {s.Secret, "invalid_target", nil},
		"two resources":  {s.Secret, "invalid_target", []string{s.Resource, s.Foreign}},
		"the same twice": {s.Secret, "invalid_target", []string{s.Resource, s.Resource}},
		"unknown":        {s.Secret, "invalid_target", []string{"https://nowhere.example.test"}},
		"not a caller":   {s.Secret, "invalid_target", []string{s.Closed}},
		"wrong secret":   {s.Secret + "A", "invalid_client", []string{s.Resource}},
	} {
		t.Run(name, func(t *testing.T) {
			var refused *oauth2.RetrieveError
			if _, err := ask(t, s, c.secret, c.resources...); !errors.As(err, &refused) || refused.ErrorCode != c.want {
				t.Error(err)
			}
		})
	}
}
