package trust

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

// sharedAgent is an agent that supplies several trust domains.
type sharedAgent struct {
	*spiffe.Agent
	users int
}

// agent returns the agent behind a socket, and gives it back when the entry is
// closed. The lock of the Sources is held, then as now.
func (s *Sources) agent(e *entry, socket string) (*spiffe.Agent, error) {
	shared := s.agents[socket]
	if shared == nil {
		agent, err := spiffe.NewAgent(spiffe.AgentConfig{Socket: socket, Now: s.c.Now, Notice: s.notify("workload_api", socket)})
		if err != nil {
			return nil, err
		}
		shared = &sharedAgent{Agent: agent}
		s.agents[socket] = shared
		ctx, cancel := context.WithCancel(s.life)
		s.work.Go(func() {
			defer cancel()
			agent.Run(ctx)
		})
	}
	shared.users++
	e.closers = append(e.closers, func() {
		if shared.users--; shared.users == 0 {
			delete(s.agents, socket)
			shared.Close()
		}
	})
	return shared.Agent, nil
}

func (s *Sources) notice(e *entry) func(error) { return s.notify("issuer", e.of.Issuer.String()) }

// notify writes a line when a source begins to fail and when it works again, not
// for each attempt.
func (s *Sources) notify(what, name string) func(error) {
	var failing atomic.Bool
	return func(err error) {
		if failing.Swap(err != nil) == (err != nil) {
			return
		}
		if err != nil {
			s.c.Log.Warn("a source of trust fails; what is held goes on to count for a time", slog.String(what, name), slog.String("error", err.Error()))
			return
		}
		s.c.Log.Info("a source of trust works again", slog.String(what, name))
	}
}
