package store

import (
	"context"
	"crypto/sha256"
	"slices"
)

func (c *copier) allTasks(ctx context.Context, in Intake) error {
	tasks, err := c.from.FindTasks(ctx, TaskQuery{})
	if err != nil {
		return err
	}
	for page := range slices.Chunk(tasks, copyPage) {
		if err := in.Tasks(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// taskSum is a hash over all tasks: a lease is renewed without a record.
func (c *copier) taskSum(ctx context.Context) (sum [32]byte, err error) {
	tasks, err := c.from.FindTasks(ctx, TaskQuery{})
	for i := range tasks {
		line, err := tasks[i].Encode()
		if err != nil {
			return sum, err
		}
		sum = sha256.Sum256(append(sum[:], line...))
	}
	return sum, err
}
