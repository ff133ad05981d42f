package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use: "demo", GroupID: "start", Short: "See the whole idea at work, on this machine, in seconds",
		Long: `Start an issuer and four services behind guards on loopback, in a temporary
directory, and play the story: a token for payments opens payments; the same bytes
are refused at profiles, and the refusal is an event that names both; an agent's
token for the orchestrator does not open the data behind it, and the orchestrator
exchanges it for one that does; the question "where could this token have worked?"
has an answer; and what is called back is refused by every guard that confirms it.

Exit code 0 only if every step came out as told. With --json, one object per step.`,
		Example: "  narrowcast demo\n  narrowcast demo --json\n  narrowcast demo --keep",
		Args:    exactArgs(0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return a.playDemo(c.Context(), keep) },
	}
	c.Flags().BoolVar(&keep, "keep", false, "leave everything running, with commands to try")
	return c
}

// step is one line of the story.
type step struct {
	Step    string `json:"step"`
	Request string `json:"request"`
	Status  int    `json:"status"`
	Reason  string `json:"reason"`
	OK      bool   `json:"ok"`

	tell string // the same for people
}

func (a *app) playDemo(ctx context.Context, keep bool) error {
	w, err := a.openWorld(ctx, true)
	if err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer w.close()
	if !a.json {
		fmt.Fprintf(a.out, "An issuer, and payments, profiles, orchestrator and data behind guards, run on loopback.\n\n")
	}
	p := &play{world: w, ctx: ctx}
	wrong := 0
	for n, scene := range p.scenes() {
		s := scene()
		if !s.OK {
			wrong++
		}
		if err := a.showStep(n+1, s); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d steps did not come out as told", wrong)
	}
	if !a.json {
		fmt.Fprintf(a.out, "\nEvery step came out as told. One token, one door, and the book knows of every knock.\n")
	}
	if keep {
		return w.keepRunning(ctx, p)
	}
	return nil
}

func (a *app) showStep(n int, s step) error {
	if a.json {
		return a.printJSON(s)
	}
	mark := "ok   "
	if !s.OK {
		mark = "WRONG"
	}
	_, err := fmt.Fprintf(a.out, "%s %2d  %s\n", mark, n, s.tell)
	return err
}

// keepRunning waits for the end, with everything a reader needs to try by hand.
func (w *world) keepRunning(ctx context.Context, p *play) error {
	path := w.dir + "/token.txt"
	if err := os.WriteFile(path, []byte(p.token+"\n"), 0o600); err != nil {
		return err
	}
	lines := []string{
		"", "Everything goes on running until you press Ctrl-C. Try, in another terminal:", "",
		"  curl -i -H \"Authorization: Bearer $(cat " + path + ")\" " + w.doors["payments"].url,
		"  curl -i -H \"Authorization: Bearer $(cat " + path + ")\" " + w.doors["profiles"].url,
		"  curl -s " + w.issuer + "/.well-known/oauth-authorization-server",
		"  narrowcast where - --home " + w.home + " < " + path,
		"  narrowcast inspect - --home " + w.home + " < " + path,
		"  narrowcast why --home " + w.home + " " + p.decision,
		"  narrowcast token --home " + w.home + " --credential " + w.credential("assistant") + " --for orchestrator",
		"  narrowcast revoke --home " + w.home + " - < " + path,
		"",
	}
	for _, line := range lines {
		if _, err := io.WriteString(w.app.out, line+"\n"); err != nil {
			return err
		}
	}
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return ctx.Err()
}

// patience bounds how long the story waits for something that must come.
const patience = 5 * time.Second
