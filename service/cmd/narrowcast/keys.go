package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func (a *app) keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "keys", GroupID: "issue", Short: "Look at and rotate signing keys", RunE: needsSubcommand}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "List all signing keys with their history", Args: exactArgs(0, "no arguments"),
		Example: "  narrowcast keys list",
		RunE:    func(c *cobra.Command, _ []string) error { return a.listKeys(c.Context()) },
	}, &cobra.Command{
		Use: "rotate", Short: "Publish a new signing key, which begins to sign when every verifier knows it",
		Long: `Publish a new key now. It begins to sign after publish_ahead, so that verifiers have
fetched it by then; the old key signs until that moment and stays published until
the last token it signed has expired. Works beside a running issuer.`,
		Example: "  narrowcast keys rotate", Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return a.rotateKeys(c.Context()) },
	}, a.retireCommand())
	return c
}

type keyRow struct {
	ID        narrowcast.KeyID     `json:"kid"`
	Algorithm narrowcast.Algorithm `json:"alg"`
	State     string               `json:"state"`
	Published time.Time            `json:"published"`
	Active    time.Time            `json:"active"`
	Retired   time.Time            `json:"retired,omitzero"`
	Gone      time.Time            `json:"gone,omitzero"`
}

func (a *app) listKeys(ctx context.Context) error {
	book, _, err := a.openBook(ctx)
	if err != nil {
		return err
	}
	kept, err := book.Keys(ctx)
	if err := errors.Join(err, book.Close()); err != nil {
		return err
	}
	rows := []keyRow{}
	for _, k := range kept {
		rows = append(rows, keyRow{k.ID, k.Algorithm, stateOf(k, a.now()), k.Published, k.Active, k.Retired, k.Gone})
	}
	return a.print(rows, func(w io.Writer) error {
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "KEY\tALGORITHM\tSTATE\tPUBLISHED\tSIGNS FROM\tSIGNS UNTIL\tGONE")
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Algorithm, r.State, when(r.Published), when(r.Active), when(r.Retired), when(r.Gone))
		}
		return t.Flush()
	})
}

func stateOf(k store.Key, now time.Time) string {
	past := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	switch {
	case past(k.Gone):
		return "gone"
	case past(k.Retired):
		return "retired"
	case past(k.Active):
		return "signing"
	}
	return "published"
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
