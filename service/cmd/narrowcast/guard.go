package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

func (a *app) guardCommand() *cobra.Command {
	var file string
	flags := guardFlags{}
	c := &cobra.Command{
		Use: "guard", GroupID: "guard", Short: "Stand in front of a service and check every token",
		Long: `Run a standalone enforcement point for one audience: a reverse proxy in front of a
service, or the answers to a proxy that asks (nginx auth_request, Traefik
ForwardAuth, Caddy forward_auth, Envoy ext_authz over HTTP). The service needs no
change and never sees the token.

The configuration is a file, or flags for the common case. What is missing or
contradictory is reported all at once, and nothing is listened on before it is
right. The audience check cannot be turned off; mode observe sets it aside until a
date, for an owner, and shows in health, metrics and every event.

"narrowcast settings" explains every option of the file.`,
		Example: "  narrowcast guard --config guard.yaml\n" +
			"  narrowcast guard --name crm-1 --audience https://crm.example.test --issuer https://tokens.example.test \\\n" +
			"    --jwks https://tokens.example.test/jwks --algorithm ES256 --upstream http://127.0.0.1:9000 --events events.jsonl",
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := flags.load(file)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(a.errs, nil))
			d, err := a.openDoor(s, log)
			if err != nil {
				return err
			}
			d.announce(a.now())
			err = serveAll(c.Context(), 10*time.Second, log, d.run,
				listener{what: "guard", address: s.Listen, handler: d.handler, tls: s.TLS, streams: true, callers: d.askCallers},
				listener{what: "operations", address: s.Operations, handler: d.operations})
			return errors.Join(err, d.close())
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; excludes the flags below")
	flags.add(c)
	c.AddCommand(a.guardCheckCommand())
	return c
}

// guardFlags are the settings of the common case. They become the text of a
// settings file, so that one reader checks both.
type guardFlags struct {
	name, audience, issuer, jwks, profile, class, listen, operations, upstream, forwardAuth string
	events, credential, spool                                                               string
	algorithms                                                                              []string
	observeOwner, observeUntil                                                              string
}

func (g *guardFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&g.name, "name", "", "the guard's name, unique among all guards")
	f.StringVar(&g.audience, "audience", "", "the one audience that this guard stands for")
	f.StringVar(&g.issuer, "issuer", "", "the issuer that is trusted")
	f.StringVar(&g.jwks, "jwks", "", "its public keys: a URL or a file")
	f.StringVar(&g.profile, "profile", "", "how it writes its tokens, such as keycloak; default rfc9068. What a profile must be told stands in a file")
	f.StringVar(&g.class, "class", "", "the class of its tokens; not with --profile")
	f.StringSliceVar(&g.algorithms, "algorithm", nil, "an allowed signature algorithm; repeat for several")
	f.StringVar(&g.listen, "listen", "", "where the guard listens")
	f.StringVar(&g.operations, "operations", "", "where health, metrics and state are served")
	f.StringVar(&g.upstream, "upstream", "", "the service behind the guard")
	f.StringVar(&g.forwardAuth, "forward-auth", "", "answer a proxy that asks: x-forwarded, x-original or request-line")
	f.StringVar(&g.events, "events", "", "write events to this file")
	f.StringVar(&g.credential, "credential", "", "send events to the issuer of this credential")
	f.StringVar(&g.spool, "spool", "", "directory in which events wait while the issuer is away")
	f.StringVar(&g.observeOwner, "observe-owner", "", "only observe the audience check; who answers for it")
	f.StringVar(&g.observeUntil, "observe-until", "", "the last day of observing")
}

// load reads the file or the flags.
func (g *guardFlags) load(file string) (settings.Guard, error) {
	text := g.text()
	switch {
	case file != "" && text != "":
		return settings.Guard{}, usage(errors.New("--config and other flags exclude each other: write everything into the file"))
	case file != "":
		s, err := settings.LoadGuard(file)
		return s, usage(err)
	case text == "":
		text = "{}" // so that everything that is required is missed by name
	}
	here, err := os.Getwd()
	if err != nil {
		return settings.Guard{}, err
	}
	s, err := settings.ParseGuard(filepath.Join(here, "flags"), []byte(text+"\n"))
	if err != nil {
		return s, usage(fmt.Errorf("the flags, written as a settings file, are not complete:\n%w", err))
	}
	return s, nil
}

// text writes the flags as a settings file. Flags that were not given are left
// out, so that the reader misses them by name.
func (g *guardFlags) text() string {
	var b strings.Builder
	put := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %q\n", key, value)
		}
	}
	put("name", g.name)
	put("audience", g.audience)
	if g.issuer != "" {
		b.WriteString("issuers:\n")
		fmt.Fprintf(&b, "  - id: %q\n", g.issuer)
		if strings.Contains(g.jwks, "://") {
			put("    jwks_url", g.jwks)
		} else {
			put("    jwks_file", g.jwks)
		}
		put("    profile", g.profile)
		put("    class", g.class)
	}
	if len(g.algorithms) > 0 {
		fmt.Fprintf(&b, "algorithms: [%s]\n", strings.Join(g.algorithms, ", "))
	}
	put("listen", g.listen)
	put("operations", g.operations)
	put("upstream", g.upstream)
	put("forward_auth", g.forwardAuth)
	if g.observeOwner != "" || g.observeUntil != "" {
		b.WriteString("mode: observe\nobserve:\n")
		put("  owner", g.observeOwner)
		if g.observeUntil != "" {
			fmt.Fprintf(&b, "  until: %s\n", g.observeUntil)
		}
	}
	if g.events != "" || g.credential != "" || g.spool != "" {
		b.WriteString("events:\n")
		put("  file", g.events)
		put("  credential_file", g.credential)
		put("  spool", g.spool)
	}
	return b.String()
}

// announce says once in the log what the door is set to do.
func (d *door) announce(now time.Time) {
	s := d.guard.State()
	d.log.Info("guarding", "audience", s.Audience, "mode", s.Mode, "sender", d.settings.Sender, "configuration", s.Digest)
	if s.Mode == event.Observe {
		d.log.Warn("observe mode: requests with a wrong audience are served", "owner", s.ObserveOwner, "until", s.ObserveUntil.UTC().Format(time.RFC3339))
	}
}

func (a *app) guardCheckCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "check", Short: "Check a settings file without listening",
		Example: "  narrowcast guard check --config guard.yaml",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				return usage(errors.New("--config is required"))
			}
			s, err := settings.LoadGuard(file)
			if err != nil {
				return usage(err)
			}
			if err := a.tryDoor(s); err != nil {
				return usage(err)
			}
			return a.print(map[string]string{"audience": s.Audience.String(), "result": "ok"}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is complete: it guards %s\n", file, s.Audience)
				return err
			})
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file")
	return c
}
