package store

import (
	"context"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// TaskState is what a task is doing.
type TaskState string

// The states.
const (
	TaskRunning TaskState = "running"
	TaskPaused  TaskState = "paused"
	TaskEnded   TaskState = "ended" // for good
)

// Task is one task as it is kept. Who may do what with it, and what the words
// mean, is in package task.
type Task struct {
	ID        narrowcast.TaskID   `json:"id"`
	Parent    narrowcast.TaskID   `json:"parent,omitempty"`   // "" for none
	RetryOf   narrowcast.TaskID   `json:"retry_of,omitempty"` // "" for none
	Client    narrowcast.ClientID `json:"client"`
	Holder    string              `json:"holder,omitempty"` // names the one key that may renew the lease
	State     TaskState           `json:"state"`
	Outcome   string              `json:"outcome,omitempty"` // of an ended task
	Label     string              `json:"label,omitempty"`
	Resources []string            `json:"resources,omitempty"`
	Attempt   int                 `json:"attempt"`
	Opened    time.Time           `json:"opened"`
	Deadline  time.Time           `json:"deadline"`       // it ends then in any case
	LeaseFor  time.Duration       `json:"lease_for_ns"`   // how long one renewal lasts
	Lease     time.Time           `json:"lease"`          // it ends then unless it is renewed
	Ended     time.Time           `json:"ended,omitzero"` // zero while it lasts
	Version   uint64              `json:"version"`        // counts the states that were kept, from 1
}

// TaskQuery selects tasks. Empty fields select everything; set fields must all
// hold.
type TaskQuery struct {
	Parent narrowcast.TaskID
	Client narrowcast.ClientID
	Live   bool // not ended
	// Due selects tasks that are not ended and whose lease or deadline is not after
	// this instant, or whose parent has ended or is not kept.
	Due   time.Time
	Limit int // 0 means no limit
}

// Tasks keeps tasks. Their states change through Entry.Task, together with the
// record that says why.
type Tasks interface {
	// Task returns the newest state. It returns ErrNotFound.
	Task(ctx context.Context, id narrowcast.TaskID) (Task, error)
	// FindTasks returns what matches, the oldest first.
	FindTasks(ctx context.Context, q TaskQuery) ([]Task, error)
	// Renew moves the lease of a task that has not ended, whose lease is after now
	// and whose Holder is this one, to until, never backwards, and returns its new
	// state with the next Version. It returns ErrNotFound, and ErrEnded when one of
	// these does not hold. Nothing goes into the book. It is as durable as Append.
	Renew(ctx context.Context, id narrowcast.TaskID, holder string, now, until time.Time) (Task, error)
	// DropTasks forgets tasks that ended before t, the earliest first and at most
	// limit, and returns how many.
	DropTasks(ctx context.Context, before time.Time, limit int) (int, error)
}
