package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
)

func (a *app) tokenCommand() *cobra.Command {
	var door, file, scope string
	c := &cobra.Command{
		Use: "token --for NAME", GroupID: "issue", Short: "Ask the issuer for a token for one resource",
		Long: `Ask the issuer for a token that opens one resource, and print it on standard output.
The resource is named by its id, or by its registered name where --home holds the
registry. The credential file says who asks and which issuer is asked.

The token is a secret: send it into a pipe or a file, not into a terminal.`,
		Example: "  narrowcast token --for payments --credential credentials/checkout.json > token.txt\n" +
			"  narrowcast token --for https://pay.example.test --scope charge --credential checkout.json | narrowcast inspect -",
		Args: exactArgs(0, "no arguments: name the resource with --for"),
		RunE: func(c *cobra.Command, _ []string) error {
			if door == "" || file == "" {
				return usage(errors.New("--for and --credential are required: a token names exactly one resource, and somebody asks for it"))
			}
			token, err := a.fetchToken(c.Context(), door, file, scope)
			if err != nil {
				return err
			}
			return a.print(struct {
				Resource    string    `json:"resource"`
				Scope       string    `json:"scope"`
				Expires     time.Time `json:"expires"`
				Fingerprint string    `json:"sha256"`
				Token       string    `json:"access_token"`
			}{token.Audience().String(), token.Scope().String(), token.Expires(), token.Fingerprint().String(), token.Secret()},
				func(w io.Writer) error {
					_, err := fmt.Fprintln(w, token.Secret())
					return err
				})
		},
	}
	c.Flags().StringVar(&door, "for", "", "the resource: its id, or its name")
	c.Flags().StringVar(&file, "credential", "", "the file with the client's credential")
	c.Flags().StringVar(&scope, "scope", "", "scopes, separated by spaces; default all that are granted")
	return c
}

func (a *app) fetchToken(ctx context.Context, door, file, scope string) (client.Token, error) {
	want, err := narrowcast.ParseScope(scope)
	if err != nil {
		return client.Token{}, usage(err)
	}
	who, err := credential.Read(file)
	if err != nil {
		return client.Token{}, usage(err)
	}
	audience, err := a.resolve(ctx, door)
	if err != nil {
		return client.Token{}, err
	}
	source, err := tokenSource(who, a.now)
	if err != nil {
		return client.Token{}, err
	}
	return source.Token(ctx, audience, want)
}

// tokenSource asks the issuer of a credential.
func tokenSource(who credential.Credential, now func() time.Time) (*client.Source, error) {
	proof, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: who.Client, KeyID: who.Key.ID(), Algorithm: who.Key.Algorithm(), Signer: who.Signer(), Now: now,
	})
	if err != nil {
		return nil, err
	}
	return client.NewSource(client.Config{Issuer: who.Issuer, Authenticate: proof, Now: now, RequireConfirmation: true})
}

// resolve turns what a person typed into an audience. Ids need no registry.
func (a *app) resolve(ctx context.Context, door string) (narrowcast.Audience, error) {
	if strings.Contains(door, ":") {
		audience, err := narrowcast.ParseAudience(door)
		return audience, usage(err)
	}
	book, s, err := a.openBook(ctx)
	if err != nil {
		return narrowcast.Audience{}, fmt.Errorf("looking up the name %s: %w", door, err)
	}
	doors, _, err := snapshot(ctx, book, s.Issuer)
	if err := errors.Join(err, book.Close()); err != nil {
		return narrowcast.Audience{}, err
	}
	if doors != nil {
		if r, ok := doors.Resolve(door); ok {
			return r.Audience, nil
		}
	}
	return narrowcast.Audience{}, usage(fmt.Errorf("no resource is named %s in the registry in force", door))
}
