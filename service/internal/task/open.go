package task

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// OpenRequest asks for a new task.
type OpenRequest struct {
	Client    narrowcast.ClientID // who asks; required
	Holder    string              // names the key that was shown; required
	Parent    narrowcast.TaskID   // the task that it is a part of; default none
	Resources []string            // the audiences that it works with; 1 to MaxResources
	Label     string              // for people; at most MaxLabel bytes
	Deadline  time.Time           // default as late as may be
	LeaseFor  time.Duration       // default that of the desk

	_ struct{}
}

// Open begins a task and returns it. Its errors are a *Refusal or those of the
// store.
func (d *Desk) Open(ctx context.Context, r OpenRequest) (store.Task, error) {
	if err := d.ready(); err != nil {
		return store.Task{}, err
	}
	now := d.now()
	t, err := d.draft(r, now)
	if err != nil {
		return store.Task{}, err
	}
	above, err := d.ancestors(ctx, &t, now)
	if err != nil {
		return store.Task{}, err
	}
	if err := d.room(ctx, t, now); err != nil {
		return store.Task{}, err
	}
	if t, err = d.begin(ctx, t, above, now); err != nil {
		return store.Task{}, err
	}
	d.census.add(t.Client)
	return t, nil
}

// draft checks what can be checked without looking at other tasks.
func (d *Desk) draft(r OpenRequest, now time.Time) (store.Task, error) {
	if r.LeaseFor == 0 {
		r.LeaseFor = d.config.LeaseDefault
	}
	resources, err := resourcesOf(r.Resources)
	switch _, wrong := narrowcast.ParseClientID(string(r.Client)); {
	case wrong != nil || r.Holder == "" || len(r.Holder) > maxHolder || !printable(r.Holder):
		return store.Task{}, refuse(Malformed, "A task needs a client and a key.")
	case err != nil:
		return store.Task{}, err
	case len(r.Label) > MaxLabel || !printable(r.Label):
		return store.Task{}, refuse(Malformed, "The label must have at most %d bytes, all of them printable.", MaxLabel)
	case r.LeaseFor < MinLease || r.LeaseFor > MaxLease:
		return store.Task{}, refuse(Malformed, "The lease must last %s to %s.", MinLease, MaxLease)
	case !r.Deadline.IsZero() && !r.Deadline.After(now):
		return store.Task{}, refuse(Malformed, "The deadline has passed.")
	case r.Deadline.After(now.Add(d.config.MaxLife)):
		return store.Task{}, refuse(Malformed, "The deadline is too far away; a task may last %s.", d.config.MaxLife)
	}
	return store.Task{
		ID: newID(), Parent: r.Parent, Client: r.Client, Holder: r.Holder, Label: r.Label, Resources: resources,
		Attempt: 1, Deadline: r.Deadline.Round(0).UTC(), LeaseFor: r.LeaseFor,
	}, nil
}

// begin keeps the first state of a task, if all tasks above it are running at
// that moment.
func (d *Desk) begin(ctx context.Context, t store.Task, above []narrowcast.TaskID, now time.Time) (store.Task, error) {
	if t.Deadline.IsZero() {
		t.Deadline = now.Add(d.config.MaxLife)
	}
	t.State, t.Opened, t.Lease = store.TaskRunning, now, now.Add(t.LeaseFor)
	kept, err := d.keep(ctx, event.TaskOpened, t, now, fmt.Sprintf("opened by client %q, held by key %s", t.Client, t.Holder), above...)
	if errors.Is(err, store.ErrEnded) {
		return store.Task{}, refuse(Over, "A task above it is not running any more.")
	}
	return kept, err
}

// resourcesOf reads the audiences of a task, each once.
func resourcesOf(texts []string) ([]string, error) {
	if len(texts) == 0 || len(texts) > MaxResources {
		return nil, refuse(Malformed, "A task names 1 to %d resources.", MaxResources)
	}
	var names []string
	for _, text := range texts {
		a, err := narrowcast.ParseAudience(text)
		if err != nil {
			return nil, refuse(Malformed, "A resource is not an audience in canonical form.")
		}
		if !slices.Contains(names, a.String()) {
			names = append(names, a.String())
		}
	}
	// As the book writes them, where one character may take six bytes: a task of
	// which the first record just fits could never be ended.
	if kept, err := json.Marshal(names); err != nil || len(kept) > maxResourceBytes {
		return nil, refuse(Malformed, "The resources have more than %d bytes.", maxResourceBytes)
	}
	return names, nil
}

func newID() narrowcast.TaskID { return narrowcast.TaskID("task-" + strings.ToLower(rand.Text())) }
