package signer

import "context"

// Ended is closed when the program is not started any more.
func (c *Client) Ended() <-chan struct{} { return c.done }

// Kill ends the child without a word, as kill -9 does.
func (c *Client) Kill() error {
	l, err := c.reach(context.Background())
	if err != nil {
		return err
	}
	return l.stream.(*child).cmd.Process.Kill()
}
