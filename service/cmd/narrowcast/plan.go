package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// proposal is a registry on disk beside the revision in force.
type proposal struct {
	Revision uint64            `json:"revision"` // in force now; 0 when there is none
	Digest   string            `json:"digest"`   // of the files proposed
	Changes  []registry.Change `json:"changes"`

	files   map[string][]byte
	widens  bool
	differs bool // from the revision in force, also when nobody gains or loses by it
}

func (a *app) planCommand() *cobra.Command {
	return &cobra.Command{
		Use: "plan [DIR]", GroupID: "issue", Short: "Show who would gain or lose reach to what",
		Long: `Check the registry files in DIR (by default the directory that the settings name)
and compare them with the revision in force. Lines that begin with + widen: a
client, a scope or a lifetime gains. Nothing is changed.`,
		Example: "  narrowcast plan registry/",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			book, s, err := a.openBook(c.Context())
			if err != nil {
				return err
			}
			p, err := a.propose(c.Context(), book, s, args)
			if err := errors.Join(err, book.Close()); err != nil {
				return err
			}
			return a.print(p, p.writeText)
		},
	}
}

func (a *app) applyCommand() *cobra.Command {
	var author string
	c := &cobra.Command{
		Use: "apply [DIR]", GroupID: "issue", Short: "Put the registry files into force as a numbered revision",
		Long: `Check the registry files in DIR and keep them as the next revision, with author and
time. A running issuer takes it up within a second. Revisions are never rewritten;
applying the files of an older one again makes a new one.`,
		Example: "  narrowcast apply registry/ --author alex",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.issuerSettings()
			if err != nil {
				return err
			}
			book, err := a.openStore(c.Context(), s)
			if err != nil {
				return err
			}
			p, err := a.propose(c.Context(), book, s, args)
			if err == nil && p.differs {
				p.Revision, err = a.applyRevision(c.Context(), book, s, p, author)
			}
			if err := errors.Join(err, book.Close()); err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) error {
				if err := p.writeText(w); err != nil {
					return err
				}
				_, err := fmt.Fprintf(w, "revision %d is in force; a running issuer takes it up within a second\n", p.Revision)
				return err
			})
		},
	}
	c.Flags().StringVar(&author, "author", "", "who applies it; default the user that runs the command")
	return c
}

// propose loads the files and compares them. Faults in them are errors of use.
func (a *app) propose(ctx context.Context, book store.Revisions, s settings.Issuer, args []string) (proposal, error) {
	dir := s.Registry
	if len(args) == 1 {
		dir = args[0]
	}
	if dir == "" {
		return proposal{}, usage(errors.New("name the registry's directory: narrowcast plan DIR"))
	}
	files, err := registry.ReadDir(dir)
	if err != nil {
		return proposal{}, usage(err)
	}
	after, err := registry.Load(files)
	if err == nil {
		after, err = after.WithHouse(s.Issuer)
	}
	if err != nil {
		return proposal{}, usage(err)
	}
	before, revision, err := snapshot(ctx, book, s.Issuer)
	if err != nil {
		return proposal{}, err
	}
	p := proposal{Revision: revision, Digest: after.Digest(), Changes: registry.Diff(before, after), files: files}
	p.differs = before == nil || before.Digest() != after.Digest()
	if !p.differs {
		p.Changes = []registry.Change{}
	}
	for _, change := range p.Changes {
		p.widens = p.widens || change.Widens
	}
	return p, nil
}

// applyRevision keeps the revision and its record.
func (a *app) applyRevision(ctx context.Context, book store.Store, s settings.Issuer, p proposal, author string) (uint64, error) {
	if author == "" {
		author = currentUser()
	}
	next := p.Revision + 1
	err := book.Save(ctx, store.Revision{Number: next, Applied: a.now().UTC(), Author: author, Digest: p.Digest, Files: p.files})
	if err != nil {
		return 0, fmt.Errorf("keeping revision %d: %w", next, err)
	}
	id := string(mint.NewTokenID())
	_, err = book.Append(ctx, store.Entry{Event: event.Event{
		Version: event.Version, ID: id, Type: event.RegistryApplied, Time: a.now().UTC(), Tenant: s.Tenant,
		Writer: "apply/" + id, Sequence: 1,
		Registry: &event.Registry{Revision: next, Digest: p.Digest, Author: author},
	}})
	return next, err
}

func currentUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

func (p proposal) writeText(w io.Writer) error {
	_, err := io.WriteString(w, registry.Lines(p.Changes))
	return err
}
