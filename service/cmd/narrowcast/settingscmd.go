package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

func (a *app) settingsCommand() *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use: "settings", Short: "Explain every option of the settings files",
		Long:    "Print every option of narrowcast.yaml and guard.yaml: its meaning, its default,\nwhen a change takes effect, and what somebody who may change it gains.",
		Example: "  narrowcast settings\n  narrowcast settings --registry-schema > registry.schema.json",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if schema {
				_, err := a.out.Write(registry.Schema())
				return err
			}
			all := map[string][]settings.Option{"narrowcast.yaml": settings.IssuerOptions(), "guard.yaml": settings.GuardOptions()}
			return a.print(all, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "narrowcast.yaml, the issuer\n\n%s\nguard.yaml, a standalone guard\n\n%s",
					settings.Help(settings.IssuerOptions()), settings.Help(settings.GuardOptions()))
				return err
			})
		},
	}
	c.Flags().BoolVar(&schema, "registry-schema", false, "print the JSON Schema of registry files instead")
	return c
}
