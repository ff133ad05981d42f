package task

import (
	"fmt"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// The outcomes of a task.
const (
	Ended   = "ended"   // the work is done
	Failed  = "failed"  // it was not done
	Killed  = "killed"  // it was stopped from outside
	Lost    = "lost"    // the lease ran out
	Overdue = "overdue" // the deadline came
	Parent  = "parent"  // the task above it has ended
	Retried = "retried" // another attempt takes its place
)

// byAdministrator stands in the Outcome of a paused task that an administrator
// paused: its holder may not resume it.
const byAdministrator = "administrator"

// Caller is who asks. The zero Caller may do nothing.
type Caller struct {
	Client narrowcast.ClientID // who was authenticated
	Holder string              // names the key that was shown
	Admin  bool                // speaks as an administrator, for tasks of every client
	Reason string              // why, for the book; default nothing is said
}

// knows reports whether t exists for c.
func (c Caller) knows(t store.Task) bool { return c.Client != "" && (c.Admin || c.Client == t.Client) }

// holds reports whether c is the holder of t. Nobody holds by being an
// administrator. A Holder is the name of a public key and no secret.
func (c Caller) holds(t store.Task) bool {
	return c.Client != "" && c.Client == t.Client && c.Holder != "" && c.Holder == t.Holder
}

// String says who it was, for the book.
func (c Caller) String() string {
	who := fmt.Sprintf("client %q", c.Client)
	if c.Admin {
		who = fmt.Sprintf("the administrator %q", c.Client)
	}
	if c.Reason != "" {
		who += fmt.Sprintf(" (%q)", c.Reason)
	}
	return who
}

// Ground is why a desk refuses. The list is closed.
type Ground uint8

// The grounds.
const (
	Malformed Ground = iota + 1 // the request makes no sense
	Unknown                     // there is no such task for this caller
	NotYours                    // the task is there, and this verb is for another key
	Over                        // the task has ended
	Paused                      // the task, or one above it, is paused
	Crowded                     // there are too many tasks already
)

// Refusal is why a desk does not do what it was asked. Every other error means
// that the store failed.
type Refusal struct {
	Ground   Ground
	Sentence string // for the caller; repeats nothing that it sent
}

// Error is the sentence.
func (r *Refusal) Error() string { return "task: " + r.Sentence }

func refuse(g Ground, format string, args ...any) *Refusal {
	return &Refusal{g, fmt.Sprintf(format, args...)}
}

func over(t store.Task) *Refusal {
	return refuse(Over, "The task has ended (%s). What has ended never begins again.", t.Outcome)
}

func unknown() *Refusal { return refuse(Unknown, "There is no such task of this client.") }
