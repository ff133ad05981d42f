package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func (a *app) inspectCommand() *cobra.Command {
	var keys, algorithm string
	c := &cobra.Command{
		Use: "inspect -", GroupID: "ask", Short: "Say what a token says of itself, offline",
		Long: `Read one token from standard input and say what it says of itself and what is odd
about it. Nothing is sent anywhere. Tokens of any issuer can be read. The
signature is checked when keys are given, or when --home holds the issuer that
the token names; otherwise it is reported as not verified.

The worst case of survival is for how long the token may be accepted if it is
called back now: where the verifier is connected to the feed, where its feed is
stale, where it follows none. The last is known from the token alone; the others
when --home holds its issuer.`,
		Example: "  narrowcast inspect - < token.txt\n  pbpaste | narrowcast inspect - --keys issuer-jwks.json",
		Args:    exactArgs(1, "one argument, - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := a.readToken(args[0])
			if err != nil {
				return err
			}
			i, err := a.inspect(c.Context(), text, keys, algorithm)
			if err != nil {
				return err
			}
			return a.print(i, i.WriteText)
		},
	}
	c.Flags().StringVar(&keys, "keys", "", "file with the issuer's public keys (JWK Set)")
	c.Flags().StringVar(&algorithm, "algorithm", "", "algorithm of keys that do not name theirs, such as RS256")
	return c
}

// inspect looks at a token with the keys of the file or, when the issuer in
// --home is the one that the token names, with those of its archive. What the
// house knows besides, it knows of its own tokens only.
func (a *app) inspect(ctx context.Context, text, file, algorithm string) (incident.Inspection, error) {
	switch {
	case file != "":
		source, err := fileKeys(file, algorithm)
		if err != nil {
			return incident.Inspection{}, err
		}
		return incident.Inspect(ctx, text, source, a.now())
	case !a.ownToken(text):
		return incident.Inspect(ctx, text, nil, a.now())
	}
	room, done, err := a.readingRoom(ctx)
	if err != nil {
		return incident.Inspection{}, err
	}
	i, err := incident.Inspect(ctx, text, room.Keys, a.now())
	if err == nil {
		err = room.Survival(ctx, &i)
	}
	return i, errors.Join(err, done())
}

// ownToken reports whether a token names the issuer in --home.
func (a *app) ownToken(text string) bool {
	said, err := narrowcast.Inspect(text)
	if err != nil {
		return false // the inspection says so itself
	}
	s, err := a.issuerSettings()
	return err == nil && s.Issuer.String() == said.Issuer
}

func fileKeys(path, algorithm string) (narrowcast.KeySource, error) {
	raw, err := readBounded(path, 1<<20)
	if err != nil {
		return nil, usage(fmt.Errorf("reading the keys: %w", err))
	}
	var o jwks.Options
	if algorithm != "" {
		if o.Algorithm, err = narrowcast.ParseAlgorithm(algorithm); err != nil {
			return nil, usage(err)
		}
	}
	keys, err := jwks.Parse(raw, o)
	if err != nil {
		return nil, usage(fmt.Errorf("reading the keys in %s: %w", path, err))
	}
	return jwks.Fixed(keys...)
}

func (a *app) whereCommand() *cobra.Command {
	return &cobra.Command{
		Use: "where -", GroupID: "ask", Short: "Say where a leaked token could have worked, and where it was shown",
		Long: `Read one token from standard input and judge it at every registered resource: would
that door accept it, refuse it, or is it unknown? Each line names the deciding
check and the evidence: what the door's verifiers reported of themselves, or that
none did. The registry alone is no evidence. Below stands where the book knows the
token to have been shown.

Exit code 0: confined, no door but its own would accept it. 3: some other door
would, or might. The token is sent nowhere.`,
		Example: "  narrowcast where - --home /var/lib/narrowcast < token.txt",
		Args:    exactArgs(1, "one argument, - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := a.readToken(args[0])
			if err != nil {
				return err
			}
			room, done, err := a.readingRoom(c.Context())
			if err != nil {
				return err
			}
			answer, err := room.Where(c.Context(), text)
			if err := errors.Join(err, done()); err != nil {
				return err
			}
			if err := a.print(answer, answer.WriteText); err != nil {
				return err
			}
			if !answer.Confined {
				return found()
			}
			return nil
		},
	}
}

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "why DECISION-ID", GroupID: "ask", Short: "Say why a request was refused",
		Long: `A refused caller is told nothing but a decision id. This command finds the decision
in the book and says what was wrong: the check that failed, the audience that was
expected and the one that came, and how they differ when they almost fit.`,
		Example: "  narrowcast why 4vxq2m7k1c9tz0f8h3rj5w6ybd",
		Args:    exactArgs(1, "one argument, a decision id"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.show(c.Context(), store.Query{Decision: args[0]}, "there is no decision "+args[0]+" in the book; guards send what they saw within a second or two of reaching the issuer")
		},
	}
}

func (a *app) ledgerCommand() *cobra.Command {
	c := &cobra.Command{Use: "ledger", GroupID: "ask", Short: "Read the book", RunE: needsSubcommand}
	get := &cobra.Command{
		Use: "get JTI", Short: "Show every record of a token",
		Example: "  narrowcast ledger get 7kq3z0v9m2x5c1t8h4rj6w0ybd",
		Args:    exactArgs(1, "one argument, the jti of a token"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.show(c.Context(), store.Query{TokenID: args[0]}, "the book has no record of a token "+args[0])
		},
	}
	verify := &cobra.Command{
		Use: "verify", Short: "Recompute the hash chain of the book",
		Long:    "Recompute the hash chain over all records. Exit code 3 when a record does not fit.",
		Example: "  narrowcast ledger verify", Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return a.verifyLedger(c.Context()) },
	}
	c.AddCommand(get, verify)
	return c
}

func (a *app) verifyLedger(ctx context.Context) error {
	book, _, err := a.openBook(ctx)
	if err != nil {
		return err
	}
	records, broken, err := book.CheckChain(ctx)
	if err := errors.Join(err, book.Close()); err != nil {
		return err
	}
	result := struct {
		Records uint64 `json:"records"`
		Broken  uint64 `json:"broken,omitempty"`
		Intact  bool   `json:"intact"`
	}{records, broken, broken == 0}
	err = a.print(result, func(w io.Writer) error {
		if broken == 0 {
			_, err := fmt.Fprintf(w, "%d records, the chain is intact\n", records)
			return err
		}
		_, err := fmt.Fprintf(w, "%d records, record %d does not fit the chain\n", records, broken)
		return err
	})
	if err == nil && broken != 0 {
		return found()
	}
	return err
}

// show prints the records that match, or fails with a sentence.
func (a *app) show(ctx context.Context, q store.Query, none string) error {
	book, _, err := a.openBook(ctx)
	if err != nil {
		return err
	}
	shown := 0
	for record, err := range book.Find(ctx, q) {
		if err == nil {
			shown++
			err = a.printRecord(record)
		}
		if err != nil {
			return errors.Join(err, book.Close())
		}
	}
	if err := book.Close(); err != nil {
		return err
	}
	if shown == 0 {
		return errors.New(none)
	}
	return nil
}

func (a *app) printRecord(r store.Record) error {
	return a.print(struct {
		Record   uint64      `json:"record"`
		Received string      `json:"received"`
		Event    event.Event `json:"event"`
	}{r.Number, r.Received.UTC().Format("2006-01-02T15:04:05.000Z"), r.Event}, func(w io.Writer) error {
		return incident.WriteRecord(w, r)
	})
}
