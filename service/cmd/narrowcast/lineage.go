package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/incident"
)

func (a *app) lineageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lineage JTI", GroupID: "ask", Short: "Show the family of a token: what it came from, and what came from it",
		Long: `Draw the tree of exchanges that a token belongs to, from who asked first to the last
service in the chain: for whom each token is, who holds it and on whose behalf, and
whether it lives. A token that is called back takes everything below it along.`,
		Example: "  narrowcast lineage 7kq3z0v9m2x5c1t8h4rj6w0ybd",
		Args:    exactArgs(1, "one argument, the jti of a token"),
		RunE: func(c *cobra.Command, args []string) error {
			room, done, err := a.readingRoom(c.Context())
			if err != nil {
				return err
			}
			family, err := room.Lineage(c.Context(), args[0])
			if err := errors.Join(err, done()); errors.Is(err, incident.ErrNoToken) {
				return fmt.Errorf("%s: %w", args[0], incident.ErrNoToken)
			} else if err != nil {
				return err
			}
			return a.print(family, family.WriteText)
		},
	}
}
