package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

func (a *app) revokeCommand() *cobra.Command {
	var reason string
	var wait time.Duration
	c := &cobra.Command{
		Use: "revoke KIND ID", GroupID: "ask", Short: "Call tokens back, and see who goes by it",
		Long: `Call tokens back. What came from them by exchange goes with them; what they came from
does not. It works in the house of --home, also while the issuer is not running.

  token JTI        one token and its descendants      task ID       a task and those inside it
  lineage JTI      the same, from the root down       client ID     all that it got, or acts in
  sha256 HEX       by the fingerprint of its text     subject SUB   all that speak of it
  -                the token on standard input        owner NAME    all of its clients
  resource NAME    all for one resource               key KID       all that one key signed

The id of a key may begin with a dash: then write -- key KID, behind all flags.

Then it says how many verifiers confirmed that they refuse, and names the others, until
all have or --wait is over. "record NUMBER" asks again about an earlier revocation.
A verifier that cannot be reached is no proof of anything: it goes on until the tokens
expire or, where its resource is set so, until it knows that it knows too little.

Exit code 0: every verifier confirmed, or the tokens have expired. 3: not all did in
time; the revocation stands.`,
		Example: "  narrowcast revoke token 7kq3z0v9m2x5c1t8h4rj6w0ybd --reason 'in a build log'\n" +
			"  narrowcast revoke - --wait 1m < leaked.txt\n  narrowcast revoke record 4711 --wait 0s\n" +
			"  narrowcast revoke --wait 30s -- key -3PiF3q1E4N-DBkquRcokroKzj6jTf2ZQNql1W-Juug",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" || len(args) == 2 {
				return nil
			}
			return usage(errors.New("this command takes a kind and an id, or - for a token on standard input"))
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.revoke(c.Context(), args, reason, wait)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the book")
	c.Flags().DurationVar(&wait, "wait", 5*time.Second, "how long to wait for verifiers to confirm")
	return c
}

// revoked is what the command prints.
type revoked struct {
	Record    uint64                   `json:"record"`
	Tokens    int                      `json:"tokens"`
	Audiences []string                 `json:"audiences"`
	Until     time.Time                `json:"until"`
	Already   bool                     `json:"already,omitempty"`
	Confirmed *revocation.Confirmation `json:"confirmation,omitempty"`
}

func (a *app) revoke(ctx context.Context, args []string, reason string, wait time.Duration) error {
	r, err := a.revocationRequest(ctx, args, reason)
	if err != nil {
		return err
	}
	house, err := a.openRevocations(ctx)
	if err != nil {
		return err
	}
	result, err := house.revoke(ctx, r)
	if err == nil {
		a.say(result)
		err = a.confirmations(ctx, house.desk, &result, wait)
	}
	if err := errors.Join(err, house.book.Close()); err != nil {
		return err
	}
	if err := a.print(result, result.writeText); err != nil {
		return err
	}
	if !result.Confirmed.Done {
		return found()
	}
	return nil
}

// kindRecord asks about a revocation that was made before.
const kindRecord = "record"

func (a *app) revocationRequest(ctx context.Context, args []string, reason string) (revocation.Request, error) {
	r := revocation.Request{Reason: reason, By: narrowcast.ClientID(currentUser())}
	if len(args) == 1 {
		text, err := a.readToken(args[0])
		r.Kind, r.ID = revocation.OfFingerprint, narrowcast.FingerprintOf(text).String()
		return r, err
	}
	r.Kind, r.ID = args[0], args[1]
	switch r.Kind {
	case revocation.OfResource:
		audience, err := a.resolve(ctx, r.ID)
		r.ID = audience.String()
		return r, err
	case revocation.OfToken, revocation.OfFingerprint, revocation.OfLineage, revocation.OfTask, revocation.OfClient,
		revocation.OfSubject, revocation.OfOwner, revocation.OfKey, kindRecord:
		return r, nil
	}
	return r, usage(fmt.Errorf("%q is none of token, lineage, sha256, task, client, subject, owner, resource, key and record", r.Kind))
}

// say tells at once what was done: confirmations may take a while.
func (a *app) say(r revoked) {
	if a.json || r.Record == 0 {
		return
	}
	what := "revoked"
	if r.Already {
		what = "revoked before"
	}
	fmt.Fprintf(a.errs, "%s: %d living tokens for %s, record %d\n", what, r.Tokens, strings.Join(r.Audiences, " "), r.Record)
}

// confirmations waits until all verifiers have confirmed.
func (a *app) confirmations(ctx context.Context, desk *revocation.Desk, r *revoked, wait time.Duration) error {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	told := -1
	for {
		c, err := desk.Confirmations(ctx, r.Record)
		if err != nil {
			return err
		}
		r.Confirmed = &c
		if c.Confirmed != told && !a.json {
			told = c.Confirmed
			fmt.Fprintf(a.errs, "confirmed by %d of %d verifiers\n", c.Confirmed, c.Of)
		}
		if c.Done || wait <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return nil
		case <-every.C:
		}
	}
}

func (r revoked) writeText(w io.Writer) error {
	var b strings.Builder
	c := r.Confirmed
	fmt.Fprintf(&b, "record     %d\n", r.Record)
	fmt.Fprintf(&b, "tokens     %d living ones, none of them later than %s\n", r.Tokens, r.Until.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "confirmed  by %d of %d verifiers\n", c.Confirmed, c.Of)
	for _, v := range c.Verifiers {
		when := "last heard " + v.LastSeen.UTC().Format(time.RFC3339)
		if v.Standing == revocation.Confirmed {
			when = v.ConfirmedAt.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		fmt.Fprintf(&b, "  %-9s %s at %s, %s\n", v.Standing, v.Name, v.Audience, when)
	}
	if c.Note != "" {
		fmt.Fprintf(&b, "note       %s\n", c.Note)
	}
	if r.Tokens == 0 && !r.Already {
		fmt.Fprintf(&b, "note       no living token was found under this name; was it typed right?\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// revocations are the revocations of a house, seen from beside the issuer.
type revocations struct {
	book store.Store
	desk *revocation.Desk
}

func (a *app) openRevocations(ctx context.Context) (*revocations, error) {
	s, err := a.issuerSettings()
	if err != nil {
		return nil, err
	}
	book, err := a.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	desk, err := a.revocationDesk(ctx, s, book)
	if err != nil {
		return nil, errors.Join(err, book.Close())
	}
	return &revocations{book, desk}, nil
}

func (a *app) revocationDesk(ctx context.Context, s settings.Issuer, book store.Store) (*revocation.Desk, error) {
	doors, _, err := snapshot(ctx, book, s.Issuer)
	if err != nil {
		return nil, err
	}
	log, err := revocation.New(revocation.Config{Book: book, Now: a.now})
	if err != nil {
		return nil, err
	}
	tasks, err := task.New(task.Config{Book: book, Tasks: book, Now: a.now, Writer: writerName("task"), Tenant: s.Tenant})
	if err != nil {
		return nil, err
	}
	return revocation.NewDesk(revocation.DeskConfig{
		Ledger: book, Log: log, Now: a.now, Writer: writerName("revoke"), Tenant: s.Tenant, Tasks: killer{tasks},
		ClientsOf: func(owner string) []narrowcast.ClientID { return clientsOf(doors, owner) },
	})
}

func clientsOf(doors *registry.Snapshot, owner string) []narrowcast.ClientID {
	if doors == nil {
		return nil
	}
	return doors.ClientsOf(owner)
}

// killer ends tasks on somebody's order.
type killer struct{ tasks *task.Desk }

// Kill ends a task and those inside it.
func (k killer) Kill(ctx context.Context, id narrowcast.TaskID, by narrowcast.ClientID, reason string) error {
	_, err := k.tasks.Kill(ctx, task.Caller{Client: by, Admin: true, Reason: reason}, id)
	var refusal *task.Refusal
	if errors.As(err, &refusal) && refusal.Ground == task.Unknown {
		return store.ErrNotFound
	}
	return err
}

func (r *revocations) revoke(ctx context.Context, request revocation.Request) (revoked, error) {
	if request.Kind == kindRecord {
		number, err := strconv.ParseUint(request.ID, 10, 64)
		if err != nil || number == 0 {
			return revoked{}, usage(errors.New("a record is named by its number"))
		}
		return revoked{Record: number, Already: true}, nil
	}
	answer, err := r.desk.Revoke(ctx, request)
	if errors.Is(err, revocation.ErrRequest) {
		return revoked{}, usage(err)
	}
	return revoked{
		Record: answer.Number(), Tokens: answer.Tokens, Audiences: answer.Audiences, Until: answer.Until, Already: answer.Already,
	}, err
}
