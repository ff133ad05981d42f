// Package task is the lease of work. A task is opened for a job, its tokens
// carry its id, and they die with it.
//
// A task has one holder: the key that opened it. Whoever shows another key
// renews nothing, even when the client is the same, so a second machine cannot
// keep alive what the first one began. Three parties may ask:
//
//   - the holder: the client of the task with the key that opened it;
//   - the client of the task with any other key;
//   - an administrator.
//
// To everybody else a task does not exist.
//
// # The verbs
//
//	open    begins a task. Anybody who may come to the desk; below a task only its
//	        client.
//	renew   says that the work goes on, and lengthens the lease. The holder.
//	end     the work is done. The holder.
//	fail    the work is over and was not done. The holder.
//	retry   this attempt is over and another one begins under a new id, with the
//	        same parent, resources and deadline. The holder.
//	kill    somebody stops the work from outside. The client with any key, an
//	        administrator.
//	pause   the tokens count for nothing until resume; the lease goes on and must be
//	        renewed. The holder, an administrator.
//	resume  the tokens count again. The holder, save of what an administrator
//	        paused; an administrator.
//
// What has ended never begins again. Whoever repeats the verb that ended a task,
// or that brought it where it is, gets the same answer and nothing is recorded:
// a lost answer may be asked for again.
//
// # What ends a task
//
// Besides end, fail, kill and retry: the lease runs out (lost), the deadline
// comes (overdue), or its parent has ended (parent). A sweeper in every replica
// ends what is due. A task of which lease or deadline has passed is over before
// it comes by: no verb of the desk helps it.
//
// # Tasks below tasks
//
// Only the client of a task may open one below it, with any of its keys. A child
// names resources of its parent and no others, its deadline is not after that of
// the parent, and all tasks above it must be running at that moment, in the same
// transaction. So when a task has ended, no new descendant can appear; those
// that are there are ended one level after the other, and the sweeper ends what
// a crash left over. Pausing a task pauses its own tokens, not those of its
// descendants; nothing can be opened below it meanwhile.
//
// A holder that is known by a certificate must keep it for as long as the task
// lasts: another certificate is another holder.
package task

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Book takes records in and finds them. A store.Book is one.
type Book interface {
	Append(ctx context.Context, e store.Entry) (store.Record, error)
	Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
}

// Bounds on tasks.
const (
	MinLease     = 2 * time.Second
	MaxLease     = 5 * time.Minute
	MaxDepth     = 8   // levels, the outermost task among them
	MaxChildren  = 256 // that live at the same time right below one task
	MaxAttempts  = 100
	MaxPauses    = 100 // of one task by its holder
	MaxResources = 16
	MaxLabel     = 128 // bytes

	maxResourceBytes = 4 << 10 // of all of them in JSON: a task fits into one event
	maxHolder        = 256
	longestLife      = 7 * 24 * time.Hour
	largestQuota     = 100_000
)

// Config is what a Desk is made of.
type Config struct {
	// Book and Tasks are of the same store. Required.
	Book  Book
	Tasks store.Tasks
	// Now is the clock. Required.
	Now func() time.Time
	// Writer is the name under which the desk writes into the book, unique among
	// all writers. Required.
	Writer string
	// Tenant is written into every event.
	Tenant string
	// MaxLife is the longest time from opening to deadline, and the deadline of a
	// task that names none; default a day, at most a week.
	MaxLife time.Duration
	// LeaseDefault is the lease of a task that does not say; default 10 s.
	LeaseDefault time.Duration
	// MaxPerClient bounds the tasks of one client that live at the same time;
	// default 1000. Replicas that open at the same moment may pass it by a few.
	MaxPerClient int
	// Notify is called after each change that was recorded, so that whoever tells
	// others looks into the book at once. It must not block, and is called from
	// many goroutines. Default nobody.
	Notify func()

	_ struct{}
}

func (c *Config) defaults() {
	if c.MaxLife == 0 {
		c.MaxLife = 24 * time.Hour
	}
	if c.LeaseDefault == 0 {
		c.LeaseDefault = 10 * time.Second
	}
	if c.MaxPerClient == 0 {
		c.MaxPerClient = 1000
	}
	if c.Notify == nil {
		c.Notify = func() {}
	}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(c.Book != nil, "Book is required")
	require(c.Tasks != nil, "Tasks is required")
	require(c.Now != nil, "Now is required")
	require(c.Writer != "", "Writer is required")
	require(c.MaxLife >= MinLease && c.MaxLife <= longestLife, fmt.Sprintf("MaxLife is %s; allowed are %s to %s", c.MaxLife, MinLease, longestLife))
	require(c.LeaseDefault >= MinLease && c.LeaseDefault <= MaxLease,
		fmt.Sprintf("LeaseDefault is %s; allowed are %s to %s", c.LeaseDefault, MinLease, MaxLease))
	require(c.MaxPerClient >= 1 && c.MaxPerClient <= largestQuota,
		fmt.Sprintf("MaxPerClient is %d; allowed are 1 to %d", c.MaxPerClient, largestQuota))
	return errors.Join(errs...)
}

// Desk opens tasks and changes their states. It may be used by many goroutines,
// and many desks may work on one store. The zero Desk refuses everything.
type Desk struct {
	config  Config
	numbers numbers
	census  census
}

// New makes a Desk, or returns every fault of the configuration.
func New(c Config) (*Desk, error) {
	c.defaults()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("task: %w", err)
	}
	return &Desk{config: c}, nil
}

var errNoDesk = errors.New("task: the desk was never configured")

// ready keeps the zero Desk from doing anything.
func (d *Desk) ready() error {
	if d == nil || d.config.Tasks == nil {
		return errNoDesk
	}
	return nil
}

// now is the time in the form in which it is kept.
func (d *Desk) now() time.Time { return d.config.Now().Round(0).UTC() }
