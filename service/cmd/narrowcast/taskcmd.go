package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// taskFlags say as whom tasks are looked at: as a client, or in the house.
type taskFlags struct {
	credential, key string
}

func (a *app) taskCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "task", GroupID: "issue", Short: "Open tasks, say how they go, and stop them",
		Long: `A task is the lease of a job: its tokens carry its id and die with it. "narrowcast run"
does all of this for one command; these are the verbs one by one.

With --credential the issuer is asked as that client, about its own tasks. The key in
the file of --key is the holder of the task: whoever has another key can neither renew
nor end it. Without --credential, in the house of --home, tasks of all clients are
listed, killed, paused and resumed, also while the issuer is not running.

  open    begins a task                renew   the work goes on; lengthens the lease
  end     the work is done             fail    the work is over and was not done
  retry   another attempt, new id      kill    somebody stops it from outside
  pause   tokens count for nothing     resume  they count again`,
		RunE: needsSubcommand,
	}
	c.AddCommand(a.taskOpenCommand(), a.taskListCommand(), a.taskShowCommand())
	for _, v := range taskVerbs() {
		c.AddCommand(a.taskVerbCommand(v))
	}
	return c
}

// taskVerb is one change of one task.
type taskVerb struct {
	name, short string
	asClient    func(*client.Tasks, context.Context, narrowcast.TaskID) (client.Task, error)
	inHouse     func(*task.Desk, context.Context, task.Caller, narrowcast.TaskID) (store.Task, error) // nil: only the holder may
}

func taskVerbs() []taskVerb {
	return []taskVerb{
		{"renew", "Say that the work goes on", (*client.Tasks).Renew, nil},
		{"end", "Say that the work is done", (*client.Tasks).End, nil},
		{"fail", "Say that the work is over and was not done", (*client.Tasks).Fail, nil},
		{"retry", "End this attempt and begin another one", (*client.Tasks).Retry, nil},
		{"kill", "Stop a task from outside", (*client.Tasks).Kill, (*task.Desk).Kill},
		{"pause", "Make the tokens of a task count for nothing", (*client.Tasks).Pause, (*task.Desk).Pause},
		{"resume", "Make them count again", (*client.Tasks).Resume, (*task.Desk).Resume},
	}
}

func (f *taskFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.credential, "credential", "", "ask the issuer as this client; default the house of --home")
	c.Flags().StringVar(&f.key, "key", "", "file with the key that holds the task; made by task open when absent")
}

func (a *app) taskOpenCommand() *cobra.Command {
	var f taskFlags
	var doors []string
	var r client.TaskRequest
	var parent string
	c := &cobra.Command{
		Use: "open --for NAME [--for NAME]", Short: "Begin a task and print its id",
		Example: "  narrowcast task open --for payments --credential job.json --key task.key --lease 30s",
		Args:    exactArgs(0, "no arguments: name the resources with --for"),
		RunE: func(c *cobra.Command, _ []string) error {
			if len(doors) == 0 || f.credential == "" || f.key == "" {
				return usage(errors.New("--for, --credential and --key are required: a task names its resources, somebody answers for it, and one key holds it"))
			}
			named, err := a.namedDoors(c.Context(), doors)
			if err != nil {
				return err
			}
			r.Resources, r.Parent = distinct(named), narrowcast.TaskID(parent)
			tasks, err := a.tasksAs(f, true)
			if err != nil {
				return err
			}
			t, err := tasks.Open(c.Context(), r)
			if err != nil {
				return err
			}
			return a.print(t, func(w io.Writer) error { _, err := fmt.Fprintln(w, t.ID); return err })
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&doors, "for", nil, "a resource: its id, or its name; repeat for several")
	c.Flags().StringVar(&r.Label, "label", "", "what the task is, for people")
	c.Flags().StringVar(&parent, "parent", "", "the task that it is a part of")
	c.Flags().DurationVar(&r.Life, "life", 0, "the longest it may take; default as long as the issuer allows")
	c.Flags().DurationVar(&r.Lease, "lease", 0, "how long one renewal lasts; default what the issuer says")
	return c
}

func (a *app) taskVerbCommand(v taskVerb) *cobra.Command {
	var f taskFlags
	c := &cobra.Command{
		Use: v.name + " ID", Short: v.short, Example: "  narrowcast task " + v.name + " 3k9x0c5v1m7t2q8h4rj6w0ybd",
		Args: exactArgs(1, "one argument, the id of a task"),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := narrowcast.ParseTaskID(args[0])
			if err != nil {
				return usage(err)
			}
			t, err := a.changeTask(c.Context(), v, f, id)
			if err != nil {
				return err
			}
			return a.printTask(t)
		},
	}
	f.add(c)
	return c
}

func (a *app) changeTask(ctx context.Context, v taskVerb, f taskFlags, id narrowcast.TaskID) (client.Task, error) {
	if f.credential != "" {
		tasks, err := a.tasksAs(f, false)
		if err != nil {
			return client.Task{}, err
		}
		return v.asClient(tasks, ctx, id)
	}
	if v.inHouse == nil {
		return client.Task{}, usage(fmt.Errorf("only who holds the task may %s it: --credential and --key are required", v.name))
	}
	var t store.Task
	err := a.inHouse(ctx, func(desk *task.Desk, by task.Caller) (err error) {
		t, err = v.inHouse(desk, ctx, by, id)
		return err
	})
	return shownTask(t), err
}

func (a *app) taskShowCommand() *cobra.Command {
	var f taskFlags
	c := &cobra.Command{
		Use: "show ID", Short: "Show one task", Example: "  narrowcast task show 3k9x0c5v1m7t2q8h4rj6w0ybd",
		Args: exactArgs(1, "one argument, the id of a task"),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.changeTask(c.Context(), taskVerb{"show", "", (*client.Tasks).Get, (*task.Desk).Get}, f, narrowcast.TaskID(args[0]))
			if err != nil {
				return err
			}
			return a.printTask(t)
		},
	}
	f.add(c)
	return c
}

func (a *app) taskListCommand() *cobra.Command {
	var f taskFlags
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List tasks", Example: "  narrowcast task list\n  narrowcast task list --all --json",
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := a.listTasks(c.Context(), f, !all)
			if err != nil {
				return err
			}
			return a.print(struct {
				Tasks []client.Task `json:"tasks"`
			}{list}, func(w io.Writer) error { return writeTasks(w, list) })
		},
	}
	f.add(c)
	c.Flags().BoolVar(&all, "all", false, "also those that have ended")
	return c
}

func (a *app) listTasks(ctx context.Context, f taskFlags, live bool) ([]client.Task, error) {
	if f.credential != "" {
		tasks, err := a.tasksAs(f, false)
		if err != nil {
			return nil, err
		}
		return tasks.List(ctx, live)
	}
	list := []client.Task{}
	err := a.inHouse(ctx, func(desk *task.Desk, by task.Caller) error {
		found, more, err := desk.List(ctx, by, task.ListRequest{Live: live})
		for _, t := range found {
			list = append(list, shownTask(t))
		}
		if more {
			fmt.Fprintf(a.errs, "narrowcast: only the first %d are shown\n", len(found))
		}
		return err
	})
	return list, err
}

func writeTasks(w io.Writer, list []client.Task) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no tasks")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, one := range list {
		state := one.State
		if one.Outcome != "" {
			state += " (" + one.Outcome + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\tuntil %s\t%s\t%s\n", one.ID, state, one.Client, one.Lease.UTC().Format(time.RFC3339), strings.Join(one.Resources, " "), one.Label)
	}
	return t.Flush()
}

func (a *app) printTask(t client.Task) error {
	return a.print(t, func(w io.Writer) error { return writeTasks(w, []client.Task{t}) })
}

// shownTask is a task of the store as the wire shows it.
func shownTask(t store.Task) client.Task {
	return client.Task{
		ID: t.ID, State: string(t.State), Outcome: t.Outcome, Parent: t.Parent, RetryOf: t.RetryOf, Client: t.Client, Holder: t.Holder,
		Label: t.Label, Resources: t.Resources, Attempt: t.Attempt, Opened: t.Opened, Deadline: t.Deadline,
		LeaseFor: int64(t.LeaseFor / time.Second), Lease: t.Lease, Ended: t.Ended,
	}
}

// inHouse does something with the tasks of the house, as its administrator.
func (a *app) inHouse(ctx context.Context, do func(*task.Desk, task.Caller) error) error {
	s, err := a.issuerSettings()
	if err != nil {
		return err
	}
	book, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	desk, err := task.New(task.Config{Book: book, Tasks: book, Now: a.now, Writer: writerName("task"), Tenant: s.Tenant})
	if err == nil {
		err = do(desk, task.Caller{Client: narrowcast.ClientID(currentUser()), Admin: true})
	}
	return errors.Join(err, book.Close())
}

// distinct are the audiences behind all names.
func distinct(named map[string]narrowcast.Audience) (all []narrowcast.Audience) {
	for name, audience := range named {
		if name == audience.String() {
			all = append(all, audience)
		}
	}
	return all
}
