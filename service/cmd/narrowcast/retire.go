package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/keyring"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func (a *app) retireCommand() *cobra.Command {
	var confirmed bool
	c := &cobra.Command{
		Use: "retire KID", Short: "Take a signing key out at once, in an emergency",
		Long: `Take a key out of the published set now, because its private half may be known to
somebody else. Every token that it signed is refused from the moment a verifier
fetches the set. When it is the key that signs, another is made that signs at once;
verifiers refuse its tokens until they have fetched the set.

Without --confirm nothing is done: the command says how many tokens would die.`,
		Example: "  narrowcast keys retire iAFa4BIfbJHNqbcvPBGOgMoTDCpX9KK1oIjyTtYp38U\n  narrowcast keys retire iAFa4BIfbJHNqbcvPBGOgMoTDCpX9KK1oIjyTtYp38U --confirm",
		Args:    exactArgs(1, "one argument, the id of a key"),
		RunE:    func(c *cobra.Command, args []string) error { return a.retireKey(c.Context(), args[0], confirmed) },
	}
	c.Flags().BoolVar(&confirmed, "confirm", false, "do it")
	return c
}

// retirement is what keys retire says.
type retirement struct {
	Key     narrowcast.KeyID `json:"kid"`
	Live    int              `json:"live_tokens"` // signed by the key and not expired, by the book
	Retired bool             `json:"retired"`
}

func (a *app) retireKey(ctx context.Context, kid string, confirmed bool) error {
	id, err := narrowcast.ParseKeyID(kid)
	if err != nil {
		return usage(err)
	}
	r := retirement{Key: id, Retired: confirmed}
	err = a.withKeys(ctx, true, func(kept store.Store, ring *keyring.Ring) (err error) {
		if r.Live, err = a.liveTokens(ctx, kept, id); err == nil {
			err = known(ring.Peek(id))
		}
		if err == nil && confirmed {
			err = ring.Retire(ctx, id)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.print(r, r.writeText)
}

func known(_ narrowcast.Key, published bool) error {
	if !published {
		return errors.New("no published key has this id; narrowcast keys list shows them")
	}
	return nil
}

// liveTokens counts what the retirement of a key would kill.
func (a *app) liveTokens(ctx context.Context, book store.Book, id narrowcast.KeyID) (int, error) {
	live, now := 0, a.now()
	q := store.Query{Types: []event.Type{event.Issued, event.Exchanged}, From: now.Add(-longestLife)}
	for record, err := range book.Find(ctx, q) {
		if err != nil {
			return 0, fmt.Errorf("counting the tokens of the key: %w", err)
		}
		if t := record.Event.Token; t != nil && t.KeyID == string(id) && now.Before(t.Expires) {
			live++
		}
	}
	return live, nil
}

func (r retirement) writeText(w io.Writer) error {
	if !r.Retired {
		_, err := fmt.Fprintf(w, "key %s: its retirement would kill %d live tokens. Nothing was done; add --confirm to do it.\n", r.Key, r.Live)
		return err
	}
	_, err := fmt.Fprintf(w, "key %s is retired. %d live tokens die as soon as each verifier has fetched the key set again.\n", r.Key, r.Live)
	return err
}
