package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
	"github.com/narrowcast-io/narrowcast/service/internal/runner"
)

// taskVariable tells a command the id of its task, which is no secret.
const taskVariable = "NARROWCAST_TASK"

type runFlags struct {
	doors                    []string
	credential, label        string
	parent                   string
	life, lease, grace, last time.Duration
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use: "run --for NAME [--for NAME] -- COMMAND [ARGUMENT...]", GroupID: "issue", Short: "Run a command whose tokens die with it",
		Long: `Run a command as a task. While it runs it can have tokens for the resources that are
named, and for no others; when it ends, in whatever way, they are called back.

No token stands in the environment or on the command line of the command. It asks
for one where NARROWCAST_SOCKET says, as often as it likes:

  narrowcast token --for payments
  curl --unix-socket "$NARROWCAST_SOCKET" 'http://task/token?for=payments'

The task is renewed while the command runs. Exit 0 ends it, anything else fails it,
and when this process is killed or cut off it ends with its lease. When somebody
else ends the task, the command gets SIGTERM, and SIGKILL after --grace.

SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2 are passed on. As the first
process of a container it takes the exit codes of orphans, as init would.

Exit code: that of the command, or 128 and the number of the signal that ended it;
1 or 2 when the command was never started.`,
		Example: "  narrowcast run --for payments --credential job.json -- ./nightly-charges.sh\n" +
			"  narrowcast run --for pay=https://pay.example.test --lease 5s --life 10m --credential job.json -- make report",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("name the command behind --"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.runTask(c.Context(), f, args) },
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringArrayVar(&f.doors, "for", nil, "a resource: its id, its name, or NAME=ID to call it by a name; repeat for several")
	c.Flags().StringVar(&f.credential, "credential", "", "the file with the client's credential")
	c.Flags().StringVar(&f.label, "label", "", "what the task is, for people")
	c.Flags().StringVar(&f.parent, "parent", "", "the task that this one is a part of, such as $"+taskVariable)
	c.Flags().DurationVar(&f.life, "life", 0, "the longest it may take; default as long as the issuer allows")
	c.Flags().DurationVar(&f.lease, "lease", 0, "how long tokens live on when this process is cut off; default what the issuer says")
	c.Flags().DurationVar(&f.grace, "grace", 10*time.Second, "how long the command may take to end when its task is over")
	c.Flags().DurationVar(&f.last, "closing", 5*time.Second, "how long to try to reach the issuer at the end")
	return c
}

func (a *app) runTask(ctx context.Context, f runFlags, command []string) error {
	if len(f.doors) == 0 || f.credential == "" {
		return usage(errors.New("--for and --credential are required: a task names its resources, and somebody answers for it"))
	}
	doors, err := a.namedDoors(ctx, f.doors)
	if err != nil {
		return err
	}
	// From here on: a signal that comes before the command runs is not lost.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, slices.DeleteFunc(passedOn(), signal.Ignored)...) // nohup stays nohup
	defer signal.Stop(signals)
	t, err := a.openTask(ctx, f, doors)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.errs, nil)).With("task", string(t.id))
	socket, err := runner.ServeSocket(t, log)
	if err != nil {
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), f.last)
		defer stop()
		return errors.Join(err, t.Fail(last))
	}
	code, err := runner.Run(context.WithoutCancel(ctx), runner.Config{
		Command: command, Env: environment(os.Environ(), runner.SocketVariable+"="+socket.Path(), taskVariable+"="+string(t.id)),
		Lease: t, Every: t.every, Until: t.until, Now: a.now, Log: log, Signals: signals, Grace: f.grace, Closing: f.last,
	})
	if err := errors.Join(err, socket.Close()); err != nil {
		return err
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// environment adds variables, in place of those of the same name: inside another
// run there are some, and of two the command would read the first.
func environment(have []string, add ...string) []string {
	all := slices.DeleteFunc(slices.Clone(have), func(one string) bool {
		return slices.ContainsFunc(add, func(new string) bool {
			name, _, _ := strings.Cut(new, "=")
			return strings.HasPrefix(one, name+"=")
		})
	})
	return append(all, add...)
}

// namedDoors reads what --for said: the resources by the names that the command
// may use.
func (a *app) namedDoors(ctx context.Context, said []string) (map[string]narrowcast.Audience, error) {
	doors := map[string]narrowcast.Audience{}
	for _, text := range said {
		name, id, named := strings.Cut(text, "=")
		if !named || strings.Contains(name, ":") { // an id may have = in its query
			name, id = text, text
		}
		audience, err := a.resolve(ctx, id)
		if err != nil {
			return nil, err
		}
		if other, taken := doors[name]; taken && other != audience {
			return nil, usage(fmt.Errorf("--for names two resources %q", name))
		}
		doors[name], doors[audience.String()] = audience, audience
	}
	return doors, nil
}

// leased is a task that this process holds.
type leased struct {
	id     narrowcast.TaskID
	tasks  *client.Tasks
	source *client.Source
	doors  map[string]narrowcast.Audience
	every  time.Duration
	until  time.Time
	now    func() time.Time
}

// openTask opens a task with a key that was made for it and is nowhere else.
func (a *app) openTask(ctx context.Context, f runFlags, doors map[string]narrowcast.Audience) (*leased, error) {
	who, err := credential.Read(f.credential)
	if err != nil {
		return nil, usage(err)
	}
	tasks, err := a.tasksOf(who)
	if err != nil {
		return nil, err
	}
	asked := a.now()
	t, err := tasks.Open(ctx, client.TaskRequest{
		Resources: distinct(doors), Parent: narrowcast.TaskID(f.parent), Label: f.label, Life: f.life, Lease: f.lease,
	})
	if err != nil {
		return nil, err
	}
	source, err := tokenSource(who, a.now, func(c *client.Config) { c.Task = t.ID })
	if err != nil {
		return nil, err
	}
	lease := time.Duration(t.LeaseFor) * time.Second
	return &leased{
		id: t.ID, tasks: tasks, source: source, doors: doors, every: max(lease/3, 500*time.Millisecond), until: asked.Add(lease),
		now: a.now,
	}, nil
}

// tasksOf asks about tasks with a key of this process.
func (a *app) tasksOf(who credential.Credential) (*client.Tasks, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	prover, err := dpop.NewProver(narrowcast.ES256, key)
	if err != nil {
		return nil, err
	}
	source, err := tokenSource(who, a.now, func(c *client.Config) { c.DPoP = prover })
	if err != nil {
		return nil, err
	}
	door, err := registry.TasksDoor(who.Issuer)
	if err != nil {
		return nil, usage(err)
	}
	tasks, err := client.NewTasks(client.TasksConfig{URL: door.String(), Source: source, Transport: lively()})
	return tasks, usage(err)
}

// Renew moves the lease. The time is by the clock of this machine: the lease
// counts from when the question was sent.
func (l *leased) Renew(ctx context.Context) (time.Time, error) {
	asked := l.now()
	t, err := l.tasks.Renew(ctx, l.id)
	if err != nil {
		return time.Time{}, over(err)
	}
	return asked.Add(time.Duration(t.LeaseFor) * time.Second), nil
}

// End closes the task.
func (l *leased) End(ctx context.Context) error { return l.close(ctx, l.tasks.End) }

// Fail closes the task of a command that failed.
func (l *leased) Fail(ctx context.Context) error { return l.close(ctx, l.tasks.Fail) }

// close says it until it is heard, or ctx ends.
func (l *leased) close(ctx context.Context, say func(context.Context, narrowcast.TaskID) (client.Task, error)) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		_, err := say(ctx, l.id)
		if err == nil || errors.Is(err, client.ErrTaskOver) {
			return over(err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func over(err error) error {
	if errors.Is(err, client.ErrTaskOver) {
		return fmt.Errorf("%w: %w", runner.ErrOver, err)
	}
	return err
}

// Token fetches a token of the task.
func (l *leased) Token(ctx context.Context, name, scope string) (runner.Issued, error) {
	audience, ok := l.doors[name]
	if !ok {
		return runner.Issued{}, runner.ErrNotInTask
	}
	want, err := narrowcast.ParseScope(scope)
	if err != nil {
		return runner.Issued{}, err
	}
	token, err := l.source.Token(ctx, audience, want)
	if err != nil {
		return runner.Issued{}, err
	}
	view := viewOf(token)
	return runner.Issued{Token: view.Token, Resource: view.Resource, Scope: view.Scope, Expires: view.Expires, Survival: view.Survival}, nil
}
