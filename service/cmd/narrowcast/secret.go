package main

import (
	"crypto/rand"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/authn"
)

func (a *app) secretCommand() *cobra.Command {
	return &cobra.Command{
		Use: "secret", Short: "Make a shared secret and its hash for client_secret_basic",
		Long: `Make a random secret for a client that cannot sign, and the argon2id hash that goes
into the registry. This is the weaker choice: the secret travels with every
request. Prefer private_key_jwt. The secret is printed once and kept nowhere.`,
		Example: "  narrowcast client secret --json",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			secret := rand.Text()
			made := map[string]string{"secret": secret, "argon2id": authn.HashSecret(secret)}
			return a.print(made, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "secret, for the client:    %s\nhash, for the registry:    - client_secret_basic: {argon2id: %q}\n", secret, made["argon2id"])
				return err
			})
		},
	}
}
