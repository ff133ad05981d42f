package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

func (a *app) audienceCommand() *cobra.Command {
	c := &cobra.Command{Use: "audience", GroupID: "issue", Short: "Look at, compare and draft resources", RunE: needsSubcommand}
	c.AddCommand(a.audienceListCommand(), a.audienceShowCommand(), a.audienceExplainCommand(), a.audienceAddCommand())
	return c
}

// registered loads the registry in force.
func (a *app) registered(ctx context.Context) (*registry.Snapshot, error) {
	book, s, err := a.openBook(ctx)
	if err != nil {
		return nil, err
	}
	doors, _, err := snapshot(ctx, book, s.Issuer)
	if err := errors.Join(err, book.Close()); err != nil {
		return nil, err
	}
	if doors == nil {
		return nil, errors.New("no registry revision is in force; run narrowcast apply")
	}
	return doors, nil
}

// shown is a resource as the command prints it.
type shown struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Owner       string   `json:"owner"`
	Environment string   `json:"environment"`
	Criticality string   `json:"criticality"`
	Data        []string `json:"data"`
	Tenant      string   `json:"tenant,omitempty"`
	Scopes      string   `json:"scopes"`
	Disabled    bool     `json:"disabled"`
	TTL         string   `json:"ttl"`
	MaxTTL      string   `json:"max_ttl"`
	Sender      string   `json:"sender"`
	Binding     []string `json:"binding"`
	Callers     []string `json:"callers"`
	Verifiers   []string `json:"verifiers"`
	Aliases     []string `json:"aliases"`
	Position    string   `json:"position"`
}

func showResource(r registry.Resource) shown {
	s := shown{
		ID: r.Audience.String(), Name: r.Name, Owner: r.Owner, Environment: r.Environment,
		Criticality: string(r.Criticality), Data: r.Data, Tenant: r.Tenant, Scopes: r.Scopes.String(), Disabled: r.Disabled,
		TTL: r.TTL.String(), MaxTTL: r.MaxTTL.String(), Sender: string(r.Binding.Sender), Binding: r.Binding.Ways(), Position: r.Position,
		Callers: []string{}, Verifiers: []string{}, Aliases: []string{},
	}
	if s.Binding == nil {
		s.Binding = []string{}
	}
	for _, caller := range r.Callers {
		s.Callers = append(s.Callers, string(caller.Client)+" ("+caller.Scopes.String()+")")
	}
	for _, v := range r.Verifiers {
		s.Verifiers = append(s.Verifiers, string(v))
	}
	for _, alias := range r.Aliases {
		s.Aliases = append(s.Aliases, alias.Name+" until "+when(alias.Until))
	}
	return s
}

func (a *app) audienceListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the registered resources", Args: exactArgs(0, "no arguments"),
		Example: "  narrowcast audience list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			doors, err := a.registered(c.Context())
			if err != nil {
				return err
			}
			all := []shown{}
			for _, r := range doors.Resources() {
				all = append(all, showResource(r))
			}
			return a.print(all, func(w io.Writer) error {
				t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
				fmt.Fprintln(t, "NAME\tID\tOWNER\tENVIRONMENT\tCRITICALITY\tSCOPES")
				for _, s := range all {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.ID, s.Owner, s.Environment, s.Criticality, s.Scopes)
				}
				return t.Flush()
			})
		},
	}
}

func (a *app) audienceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one resource with its business context", Args: exactArgs(1, "one argument, a name or an id"),
		Example: "  narrowcast audience show payments",
		RunE: func(c *cobra.Command, args []string) error {
			doors, err := a.registered(c.Context())
			if err != nil {
				return err
			}
			r, ok := doors.Resolve(args[0])
			if !ok {
				return fmt.Errorf("no resource has the name or id %s", args[0])
			}
			s := showResource(r)
			return a.print(s, s.writeText)
		},
	}
}

func (s shown) writeText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	binding := s.Sender
	if len(s.Binding) > 0 {
		binding += ": " + strings.Join(s.Binding, " or ")
	}
	tenant := "one for all"
	if s.Tenant != "" {
		tenant = s.Tenant
	}
	for _, row := range [][2]string{
		{"id", s.ID}, {"name", s.Name}, {"owner", s.Owner}, {"environment", s.Environment}, {"criticality", s.Criticality},
		{"data", strings.Join(s.Data, ", ")}, {"tenant", tenant}, {"scopes", s.Scopes}, {"disabled", fmt.Sprint(s.Disabled)},
		{"life", s.TTL + ", ceiling " + s.MaxTTL}, {"binding", binding},
		{"callers", strings.Join(s.Callers, ", ")}, {"verifiers", strings.Join(s.Verifiers, ", ")},
		{"aliases", strings.Join(s.Aliases, ", ")}, {"written at", s.Position},
	} {
		fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
	}
	return t.Flush()
}

func (a *app) audienceExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain A B", Short: "Say whether two identifiers are one audience, and why not",
		Long: `Compare the identifier A of a resource with a received audience B as a verifier does:
byte by byte, save for the root slash (RFC 3986 section 6.2.3). Exit code 3 when
they differ.`,
		Example: "  narrowcast audience explain https://pay.example.test https://pay.example.test/",
		Args:    exactArgs(2, "two arguments"),
		RunE: func(_ *cobra.Command, args []string) error {
			expected, err := narrowcast.ParseAudience(args[0])
			if err != nil {
				return usage(err)
			}
			result := struct {
				A     string `json:"a"`
				B     string `json:"b"`
				Equal bool   `json:"equal"`
				Why   string `json:"why"`
			}{args[0], args[1], expected.Names(args[1]), explanation(expected, args[0], args[1])}
			err = a.print(result, func(w io.Writer) error {
				verdict := "different"
				if result.Equal {
					verdict = "equal"
				}
				_, err := fmt.Fprintf(w, "%s: %s\n", verdict, result.Why)
				return err
			})
			if err == nil && !result.Equal {
				return found()
			}
			return err
		},
	}
}

func explanation(expected narrowcast.Audience, a, b string) string {
	if expected.Names(b) {
		if a == b {
			return "the same bytes"
		}
		return "they differ only by the slash of the root, which is one URI (RFC 3986 section 6.2.3)"
	}
	if near := narrowcast.Difference(expected, b); near != "" {
		return "B " + near
	}
	return "they have little in common"
}

func (a *app) audienceAddCommand() *cobra.Command {
	var r struct{ id, name, owner, environment, criticality, scopes, caller string }
	c := &cobra.Command{
		Use: "add", Short: "Draft a resource as a file of the registry",
		Long: `Write a file for a new resource into the registry's directory and check the whole
registry with it. Nothing is in force before narrowcast apply.`,
		Example: "  narrowcast audience add --id https://ship.example.test --name shipping --owner team-logistics \\\n" +
			"    --environment prod --criticality medium --scopes \"read write\" --caller checkout",
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, field := range [][2]string{{"id", r.id}, {"name", r.name}, {"owner", r.owner}, {"environment", r.environment}, {"criticality", r.criticality}, {"scopes", r.scopes}} {
				if field[1] == "" {
					return usage(fmt.Errorf("--%s is required: a door without it cannot be governed", field[0]))
				}
			}
			text := fmt.Sprintf("resources:\n  - id: %q\n    name: %q\n    owner: %q\n    environment: %q\n    criticality: %q\n    scopes: [%s]\n",
				r.id, r.name, r.owner, r.environment, r.criticality, flowList(r.scopes))
			if r.caller != "" {
				text += fmt.Sprintf("    callers:\n      - client: %q\n        scopes: [%s]\n", r.caller, flowList(r.scopes))
			}
			return a.draft("resource-"+r.name+".yaml", text)
		},
	}
	f := c.Flags()
	f.StringVar(&r.id, "id", "", "the identifier: the string in aud")
	f.StringVar(&r.name, "name", "", "a short name for people")
	f.StringVar(&r.owner, "owner", "", "who answers for it")
	f.StringVar(&r.environment, "environment", "", "such as prod or test")
	f.StringVar(&r.criticality, "criticality", "", "high, medium or low")
	f.StringVar(&r.scopes, "scopes", "", "the scopes it knows, separated by spaces")
	f.StringVar(&r.caller, "caller", "", "a client that may ask for all of them")
	return c
}

// flowList writes words that are separated by spaces as the elements of a YAML
// list.
func flowList(words string) string {
	var quoted []string
	for _, w := range strings.Fields(words) {
		quoted = append(quoted, fmt.Sprintf("%q", w))
	}
	return strings.Join(quoted, ", ")
}

// draft adds a file to the registry's directory, unless the registry would be
// wrong with it.
func (a *app) draft(name, text string) error {
	s, err := a.issuerSettings()
	if err != nil {
		return err
	}
	files, err := registry.ReadDir(s.Registry)
	if err != nil {
		return usage(err)
	}
	if _, taken := files[name]; taken {
		return usage(fmt.Errorf("%s exists already; edit it instead", filepath.Join(s.Registry, name)))
	}
	files[name] = []byte(text)
	if _, err := registry.Load(files); err != nil {
		return usage(err)
	}
	path := filepath.Join(s.Registry, name)
	if err := writeNew(path, text, 0o644); err != nil {
		return err
	}
	return a.print(map[string]string{"written": path}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "written %s; review it, then run narrowcast plan and narrowcast apply\n", path)
		return err
	})
}
