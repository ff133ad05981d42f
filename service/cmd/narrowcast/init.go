package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// setup is what init makes.
type setup struct {
	dir        string
	issuer     narrowcast.Issuer
	listen     string
	operations string
	tenant     string
	hosted     bool // another house serves this one
	tenants    bool // this house serves others
	postgres   settings.Postgres
}

func (a *app) initCommand() *cobra.Command {
	var in setup
	var issuer string
	c := &cobra.Command{
		Use: "init DIR", GroupID: "issue", Short: "Make an issuer's directory: keys, book, first admin credential, sample registry",
		Long: `Make DIR with everything an issuer needs: a settings file, a master key, a signing
key, an empty book, a sample registry that is in force at once, and a credential
for each client of the sample, the first administrator among them. Nothing that
exists is overwritten. Starting an issuer never makes any of this.

A tenant is a house of its own, with its own issuer, keys, registry and book. Made
with --hosted below the tenants directory of another house, it is served by that
one's process. Every other command works on it through --home.`,
		Example: `  narrowcast init /var/lib/narrowcast --issuer https://tokens.example.test
  narrowcast serve --home /var/lib/narrowcast

  narrowcast init /srv/nc --issuer https://tokens.example.test --tenants
  narrowcast init /srv/nc/tenants/acme --hosted --tenant acme --issuer https://tokens.example.test/t/acme

  narrowcast init /srv/nc --issuer https://tokens.example.test --postgres postgres://narrowcast@db/narrowcast --password-file /run/secrets/pg`,
		Args: exactArgs(1, "one argument, the directory to make"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := narrowcast.ParseIssuer(issuer)
			if err != nil {
				return usage(fmt.Errorf("--issuer: %w", err))
			}
			in.dir, in.issuer = args[0], id
			if in.hosted && (in.tenant == "" || in.tenants) {
				return usage(errors.New("--hosted needs --tenant, and excludes --tenants"))
			}
			if in.postgres.PasswordFile != "" {
				if in.postgres.PasswordFile, err = filepath.Abs(in.postgres.PasswordFile); err != nil {
					return err
				}
			}
			if err := a.makeHome(c.Context(), in); err != nil {
				return err
			}
			return a.print(map[string]string{"home": in.dir, "issuer": issuer}, in.writeText)
		},
	}
	c.Flags().StringVar(&issuer, "issuer", "http://127.0.0.1:8480", "the issuer identifier: the URL at which clients reach it")
	c.Flags().StringVar(&in.listen, "listen", "127.0.0.1:8480", "where the issuer listens")
	c.Flags().StringVar(&in.operations, "operations", "127.0.0.1:8481", "where health and metrics are served")
	c.Flags().StringVar(&in.tenant, "tenant", "", "the tenant that the issuer serves")
	c.Flags().BoolVar(&in.hosted, "hosted", false, "another house will serve this one")
	c.Flags().BoolVar(&in.tenants, "tenants", false, "make a directory for the houses of tenants")
	c.Flags().StringVar(&in.postgres.URL, "postgres", "", "keep the book in this PostgreSQL database instead of a file")
	c.Flags().StringVar(&in.postgres.PasswordFile, "password-file", "", "the file with the password of --postgres")
	c.Flags().StringVar(&in.postgres.Schema, "schema", "narrowcast", "the schema of --postgres; it must be empty")
	return c
}

// makeHome builds the directory beside its place and moves it there when it is
// complete, so that a failure leaves nothing half made.
func (a *app) makeHome(ctx context.Context, in setup) error {
	if _, err := os.Lstat(in.dir); err == nil {
		return usage(fmt.Errorf("%s exists already; init never overwrites", in.dir))
	}
	parent := filepath.Dir(filepath.Clean(in.dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(parent, ".narrowcast-init-")
	if err != nil {
		return err
	}
	made := in
	made.dir = draft
	if err := a.fillHome(ctx, made); err != nil {
		return errors.Join(err, os.RemoveAll(draft))
	}
	if err := os.Rename(draft, in.dir); err != nil {
		return errors.Join(err, os.RemoveAll(draft))
	}
	return nil
}

func (a *app) fillHome(ctx context.Context, in setup) error {
	if err := os.Mkdir(filepath.Join(in.dir, credentialsDir), 0o700); err != nil {
		return err
	}
	if in.tenants {
		if err := os.Mkdir(filepath.Join(in.dir, tenantsDir), 0o755); err != nil {
			return err
		}
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	err := errors.Join(
		writeNew(filepath.Join(in.dir, masterKeyFile), base64.StdEncoding.EncodeToString(secret)+"\n", 0o600),
		writeNew(filepath.Join(in.dir, settingsFile), in.settingsText(), 0o644),
		in.writeRegistry(),
	)
	if err != nil {
		return err
	}
	s, err := settings.LoadIssuer(filepath.Join(in.dir, settingsFile))
	if err != nil {
		return fmt.Errorf("the settings that init writes: %w", err)
	}
	book, err := a.createStore(ctx, s)
	if errors.Is(err, store.ErrNotEmpty) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	err = a.firstKey(ctx, book, s)
	if err == nil {
		var p proposal
		if p, err = a.propose(ctx, book, s, nil); err == nil {
			_, err = a.applyRevision(ctx, book, s, p, "init")
		}
	}
	if err != nil && in.postgres.URL != "" {
		err = fmt.Errorf("%w; the schema %s of the database is half made: drop it before you try again", err, in.postgres.Schema)
	}
	return errors.Join(err, book.Close())
}

func (in setup) settingsText() string {
	lines := []string{
		`# The settings of this issuer. "narrowcast settings" explains every option.`,
		"issuer: " + in.issuer.String(),
	}
	add := func(key, value string) { lines = append(lines, key+": "+strconv.Quote(value)) }
	if in.tenant != "" {
		add("tenant", in.tenant)
	}
	if in.hosted {
		lines = append(lines, "hosted: true")
	} else {
		lines = append(lines, "listen: "+in.listen, "operations: "+in.operations)
	}
	if in.tenants {
		lines = append(lines, "tenants: "+tenantsDir)
	}
	if in.postgres.URL == "" {
		lines = append(lines, "database: "+databaseFile)
	} else {
		lines = append(lines, "postgres:", "  url: "+strconv.Quote(in.postgres.URL), "  schema: "+in.postgres.Schema)
		if in.postgres.PasswordFile != "" {
			lines = append(lines, "  password_file: "+strconv.Quote(in.postgres.PasswordFile))
		}
	}
	lines = append(lines, "registry: "+registryDir, "master_key_file: "+masterKeyFile)
	return strings.Join(lines, "\n") + "\n"
}

// writeRegistry makes the sample registry and a credential for each of its
// clients.
func (in setup) writeRegistry() error {
	public := map[narrowcast.ClientID][]byte{}
	for _, client := range registry.SampleClients() {
		set, err := newCredential(in.issuer, client, filepath.Join(in.dir, credentialsDir, string(client)+".json"))
		if err != nil {
			return err
		}
		public[client] = set
	}
	files, err := registry.Sample(in.issuer, public)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(in.dir, registryDir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeNew(path, string(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// newCredential makes a credential file and returns the public half as a JWK
// Set.
func newCredential(issuer narrowcast.Issuer, client narrowcast.ClientID, path string) ([]byte, error) {
	made, err := credential.New(issuer, client)
	if err != nil {
		return nil, err
	}
	if err := made.Write(path); err != nil {
		return nil, err
	}
	return jwks.Marshal([]narrowcast.Key{made.Key})
}

func writeNew(path, content string, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// bookLine says where the book is, and what seals the keys.
func (in setup) bookLine() string {
	if in.postgres.URL != "" {
		return "  " + masterKeyFile + "   the key that seals the signing keys; the book is in the schema " + in.postgres.Schema + " of the database"
	}
	return "  " + databaseFile + ", " + masterKeyFile + "   the book, and the key that seals the signing keys"
}

func (in setup) writeText(w io.Writer) error {
	lines := []string{
		"made " + in.dir,
		"  " + settingsFile + "     settings; narrowcast settings explains every option",
		"  " + registryDir + "/           resources, clients, callers; a sample is in force",
		"  " + credentialsDir + "/        one file per client of the sample; admin.json is the first administrator",
		in.bookLine(),
		"",
		"next:",
		"  narrowcast serve --home " + in.dir,
		"  narrowcast token --home " + in.dir + " --credential " + filepath.Join(in.dir, credentialsDir, "checkout.json") + " --for payments",
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
