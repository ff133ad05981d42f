package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/probe"
	"github.com/narrowcast-io/narrowcast/vectors"
)

// visit is the flags of conform.
type visit struct {
	target, audience, issuer, keys, scope, tenant, environment string
	junit, sarif                                               string
	hosts                                                      []string
}

func (a *app) conformCommand() *cobra.Command {
	var v visit
	c := &cobra.Command{
		Use: "conform", GroupID: "guard", Short: "Show that a verifier refuses every wrong token",
		Long: `Without --target: run the published vectors through the verifier that is built into
this program.

With --target: forge tokens with one fault each, for this visit, and show them to a
live verifier of any make beside a right token. The contract has three lines:

  1. the verifier trusts the issuer --issuer with the public keys of "conform keys";
  2. it guards the audience --audience;
  3. it answers GET --target with 2xx or 403 when it accepts a token, with 401 when not.

A verdict is "enforced" only when the right token was accepted before and after and
the wrong one was refused. Whoever has the key file can sign tokens that the
verifier accepts: make it for the visit, and distrust it afterwards. Targets must
be on loopback or named by --host, whose owner agreed.

Exit code 0: everything that was tried is refused. 3: something is accepted, or
nothing could be shown.`,
		Example: "  narrowcast conform\n  narrowcast conform keys visit.pem > visit-jwks.json\n" +
			"  narrowcast conform --target http://127.0.0.1:8470/ --audience https://crm.example.test \\\n" +
			"    --issuer https://conform.example.test --keys visit.pem --junit conform.xml --sarif conform.sarif",
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if v.target == "" {
				return a.conformLibrary(c.Context())
			}
			return a.conformTarget(c.Context(), v)
		},
	}
	f := c.Flags()
	f.StringVar(&v.target, "target", "", "the address to ask with GET")
	f.StringVar(&v.audience, "audience", "", "the audience that the verifier guards")
	f.StringVar(&v.issuer, "issuer", "", "the issuer that it trusts for the visit")
	f.StringVar(&v.keys, "keys", "", "the key file that conform keys made")
	f.StringVar(&v.scope, "scope", "", "the scope that the address demands, if it does")
	f.StringVar(&v.tenant, "tenant", "", "the tenant that the verifier expects, if it does")
	f.StringVar(&v.environment, "environment", "", "the environment that the verifier expects, if it does")
	f.StringVar(&v.junit, "junit", "", "also write the report as JUnit XML to this file")
	f.StringVar(&v.sarif, "sarif", "", "also write the report as SARIF 2.1.0 to this file")
	f.StringSliceVar(&v.hosts, "host", nil, "a host beyond loopback whose owner agreed to the visit")
	c.AddCommand(a.conformKeysCommand())
	return c
}

func (a *app) conformKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "keys FILE", Short: "Make keys for a visit and print their public set",
		Example: "  narrowcast conform keys visit.pem > visit-jwks.json",
		Args:    exactArgs(1, "one argument, the key file to make"),
		RunE: func(_ *cobra.Command, args []string) error {
			keys, err := probe.NewKeys()
			if err != nil {
				return err
			}
			private, err := keys.DangerouslyMarshalPrivate()
			if err != nil {
				return err
			}
			public, err := keys.PublicSet()
			if err != nil {
				return err
			}
			if err := writeNew(args[0], string(private), 0o600); err != nil {
				return usage(err)
			}
			_, err = fmt.Fprintf(a.out, "%s\n", public)
			return err
		},
	}
}

// conformTarget visits a live verifier.
func (a *app) conformTarget(ctx context.Context, v visit) error {
	c, err := v.config(a)
	if err != nil {
		return usage(err)
	}
	prober, err := probe.New(c)
	if err != nil {
		return usage(err)
	}
	fmt.Fprintf(a.errs, "visiting %s as %s, this takes a few seconds\n", v.target, v.issuer)
	report, err := prober.Run(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(writeReport(v.junit, report.WriteJUnit), writeReport(v.sarif, report.WriteSARIF)); err != nil {
		return err
	}
	write := report.WriteText
	if a.json {
		write = report.WriteJSON
	}
	if err := write(a.out); err != nil {
		return err
	}
	if !report.Passed() {
		return found()
	}
	return nil
}

func (v visit) config(a *app) (probe.Config, error) {
	c := probe.Config{Target: v.target, Hosts: v.hosts, Tenant: v.tenant, Environment: v.environment, Now: a.now}
	var errs [4]error
	c.Audience, errs[0] = narrowcast.ParseAudience(v.audience)
	c.Issuer, errs[1] = narrowcast.ParseIssuer(v.issuer)
	c.Required, errs[2] = narrowcast.ParseScope(v.scope)
	raw, err := readBounded(v.keys, 1<<20)
	if err == nil {
		c.Keys, err = probe.ParseKeys(raw)
	}
	errs[3] = err
	return c, errors.Join(errs[:]...)
}

func writeReport(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// conformLibrary runs the corpus through the verifier of the library.
func (a *app) conformLibrary(ctx context.Context) error {
	all, err := vectors.All()
	if err != nil {
		return err
	}
	type outcome struct {
		ID    string `json:"id"`
		Fault string `json:"fault"`
	}
	result := struct {
		Vectors int       `json:"vectors"`
		Agree   int       `json:"agree"`
		Differ  []outcome `json:"differ"`
	}{Vectors: len(all), Differ: []outcome{}}
	for _, vector := range all {
		if err := vector.Check(ctx); err != nil {
			result.Differ = append(result.Differ, outcome{vector.ID, err.Error()})
			continue
		}
		result.Agree++
	}
	err = a.print(result, func(w io.Writer) error {
		for _, d := range result.Differ {
			fmt.Fprintf(w, "%s: %s\n", d.ID, d.Fault)
		}
		_, err := fmt.Fprintf(w, "%d vectors, %d with the expected verdict and reason\n", result.Vectors, result.Agree)
		return err
	})
	if err == nil && len(result.Differ) > 0 {
		return found()
	}
	return err
}
