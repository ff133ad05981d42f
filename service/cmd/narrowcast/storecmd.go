package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func (a *app) storeCommand() *cobra.Command {
	c := &cobra.Command{Use: "store", GroupID: "issue", Short: "Move what an issuer keeps to another place", RunE: needsSubcommand}
	c.AddCommand(a.storeCopyCommand())
	return c
}

func (a *app) storeCopyCommand() *cobra.Command {
	var to destination
	c := &cobra.Command{
		Use: "copy --to postgres://USER@HOST/DATABASE", Short: "Copy the whole store of an issuer, from a file to PostgreSQL or back",
		Long: `Copy the book, the revisions of the registry, the sealed keys and the ids that are
used up from the store of --home into one that is empty, which is made if it is not
there. The chain is checked in both. It copies all or nothing. At the end it prints
the lines for the settings file; the settings and the old store stay as they are.

The issuer must not run. A file that another process has open is refused, and so is
a PostgreSQL source whose issuer answers where the settings say; replicas on other
machines must be ended by hand. When somebody writes to the source meanwhile all the
same, the copy fails and nothing is kept.

With --to sqlite:PATH the copy is a file.`,
		Example: "  narrowcast store copy --home /srv/nc --to postgres://narrowcast@db.example.test/narrowcast --password-file /run/secrets/pg\n" +
			"  narrowcast store copy --home /srv/nc --to sqlite:/srv/nc/book.db",
		Args: exactArgs(0, "no arguments: name the place with --to"),
		RunE: func(c *cobra.Command, _ []string) error {
			from, err := a.issuerSettings()
			if err != nil {
				return err
			}
			lines, err := to.settingsLines()
			if err != nil {
				return usage(err)
			}
			target, err := storeSettings(from, lines)
			if err != nil {
				return usage(err)
			}
			r, err := a.copyStore(c.Context(), from, target)
			if err != nil {
				return err
			}
			r.Settings = lines
			return a.print(r, func(w io.Writer) error { return r.writeText(w, filepath.Join(a.home, settingsFile)) })
		},
	}
	c.Flags().StringVar(&to.place, "to", "", "where the copy goes: postgres://… without a password, or sqlite:PATH")
	c.Flags().StringVar(&to.passwordFile, "password-file", "", "the file with the password of the PostgreSQL role")
	c.Flags().StringVar(&to.schema, "schema", "narrowcast", "the schema; it must be empty")
	return c
}

// copyStore copies one store into another, which must be empty.
func (a *app) copyStore(ctx context.Context, from, to settings.Issuer) (copyReport, error) {
	if err := unused(ctx, from); err != nil {
		return copyReport{}, err
	}
	source, err := a.readStore(ctx, from)
	if err != nil {
		return copyReport{}, err
	}
	target, err := a.emptyStore(ctx, to)
	if err != nil {
		return copyReport{}, errors.Join(err, source.Close())
	}
	r, err := a.copyInto(ctx, source, target)
	err = errors.Join(err, target.Close(), source.Close())
	if err != nil {
		return r, errors.Join(err, discard(to))
	}
	// Whoever came meanwhile and has not written yet is about to.
	if err := unused(ctx, from); err != nil {
		return r, errors.Join(fmt.Errorf("the copy is complete and must not be used; take it away and copy again: %w", err), discard(to))
	}
	return r, nil
}

func (a *app) copyInto(ctx context.Context, source, target store.Store) (copyReport, error) {
	from, readable := source.(store.Source)
	into, writable := target.(store.Target)
	if !readable || !writable {
		return copyReport{}, errors.New("this kind of store cannot be copied")
	}
	counted := &counter{Target: into}
	err := store.Copy(ctx, from, counted, a.progress())
	if errors.Is(err, store.ErrNotEmpty) {
		err = usage(err)
	}
	return counted.report, err
}

// emptyStore makes the store of the copy, or takes one that has a schema and
// nothing in it: the rest of an attempt that failed. One with something in it
// is only read.
func (a *app) emptyStore(ctx context.Context, to settings.Issuer) (store.Store, error) {
	made, err := a.createStore(ctx, to)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, usage(err)
	case !errors.Is(err, store.ErrNotEmpty):
		return made, err
	}
	there, unreadable := a.readStore(ctx, to)
	if unreadable != nil {
		return nil, usage(errors.Join(err, unreadable))
	}
	keys, unreadable := there.Keys(ctx)
	if unreadable = errors.Join(unreadable, there.Close()); unreadable != nil {
		return nil, unreadable
	}
	if len(keys) > 0 {
		return nil, usage(err)
	}
	return a.openStore(ctx, to) // that all else is empty is looked at with the locks held
}

// discard takes away a file that holds no good copy. A schema stays: it is
// empty, or somebody may want to look at it.
func discard(to settings.Issuer) error {
	if to.Database == "" {
		return nil
	}
	return os.Remove(to.Database)
}

// progress tells of every tenth of the records.
func (a *app) progress() func(done, total uint64) {
	var next uint64
	return func(done, total uint64) {
		tenth := 10 * done / max(total, 1)
		if tenth < next {
			return
		}
		next = tenth + 1
		fmt.Fprintf(a.errs, "%d of %d records\n", done, total)
	}
}
