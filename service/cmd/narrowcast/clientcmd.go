package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
)

func (a *app) clientCommand() *cobra.Command {
	c := &cobra.Command{Use: "client", GroupID: "issue", Short: "Draft clients and their credentials", RunE: needsSubcommand}
	var owner, kind, out string
	add := &cobra.Command{
		Use: "add ID", Short: "Make a credential and draft a client as a file of the registry",
		Long: `Make a fresh key, write the private half as a credential file and the public half
with a client entry into the registry's directory. Nothing is in force before
narrowcast apply, and a client reaches nothing before a resource lists it as a
caller.`,
		Example: "  narrowcast client add reporting --owner team-data --kind job --credential reporting.json",
		Args:    exactArgs(1, "one argument, the client's id"),
		RunE: func(_ *cobra.Command, args []string) error {
			if owner == "" || out == "" {
				return usage(errors.New("--owner and --credential are required"))
			}
			id, err := narrowcast.ParseClientID(args[0])
			if err != nil {
				return usage(err)
			}
			return a.addClient(id, owner, kind, out)
		},
	}
	add.Flags().StringVar(&owner, "owner", "", "who answers for it")
	add.Flags().StringVar(&kind, "kind", "workload", "workload, job, agent, service or admin")
	add.Flags().StringVar(&out, "credential", "", "where the credential file is written")
	c.AddCommand(add, a.secretCommand())
	return c
}

func (a *app) addClient(id narrowcast.ClientID, owner, kind, out string) error {
	s, err := a.issuerSettings()
	if err != nil {
		return err
	}
	set, err := newCredential(s.Issuer, id, out)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(filepath.Join("keys", string(id)+".json"))
	path := filepath.Join(s.Registry, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := writeNew(path, string(set), 0o644); err != nil {
		return errors.Join(err, os.Remove(out))
	}
	text := fmt.Sprintf("clients:\n  - id: %q\n    owner: %q\n    kind: %q\n    authenticate:\n      - private_key_jwt: {jwks_file: %q}\n", id, owner, kind, name)
	if err := a.draft("client-"+string(id)+".yaml", text); err != nil {
		return errors.Join(err, os.Remove(out), os.Remove(path))
	}
	return nil
}
