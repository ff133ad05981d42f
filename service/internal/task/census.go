package task

import (
	"context"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// census remembers for a second how many tasks a client has, so that opening one
// does not count all others. It counts anew before it says that there is no
// room.
type census struct {
	lock sync.Mutex
	of   map[narrowcast.ClientID]count
}

type count struct {
	tasks int
	at    time.Time
}

const (
	censusLasts = time.Second
	censusSize  = 4096 // clients
)

func (c *census) full(ctx context.Context, tasks store.Tasks, client narrowcast.ClientID, most int, now time.Time) (bool, error) {
	c.lock.Lock()
	known, ok := c.of[client]
	c.lock.Unlock()
	if ok && now.Sub(known.at).Abs() < censusLasts && known.tasks < most {
		return false, nil
	}
	live, err := tasks.FindTasks(ctx, store.TaskQuery{Client: client, Live: true, Limit: most})
	if err != nil {
		return false, err
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.of == nil || len(c.of) >= censusSize {
		c.of = make(map[narrowcast.ClientID]count)
	}
	c.of[client] = count{len(live), now}
	return len(live) >= most, nil
}

// add counts a task that was opened since.
func (c *census) add(client narrowcast.ClientID) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if known, ok := c.of[client]; ok {
		known.tasks++
		c.of[client] = known
	}
}
