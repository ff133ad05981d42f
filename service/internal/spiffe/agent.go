package spiffe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// How an agent is asked. The stream tells of changes; asking shows in addition
// that the agent is still there, which a silent stream does not.
const (
	DefaultAsk  = time.Minute
	leastAsk    = time.Second
	betweenAsks = time.Second
	maxDomains  = 1000
)

// AgentConfig is what a source from the Workload API is made of.
type AgentConfig struct {
	// Socket is the path of the Unix socket of the agent. It need not be there
	// yet.
	Socket string
	Now    func() time.Time
	// Ask is how often the agent is asked although its stream is silent; default
	// a minute, 1 s to an hour.
	Ask time.Duration
	// KeepFor is how long the last answer is used while the agent is away;
	// default an hour, at most seven days.
	KeepFor time.Duration
	// Timeout bounds one question, and how long a request waits for the first
	// answer; default 5 s, at most 30 s.
	Timeout time.Duration
	// Notice, if set, is told how each question ended.
	Notice func(error)

	_ struct{}
}

// Agent is a SPIFFE agent on this machine, which supplies the bundles of its own
// trust domain and of those that are federated with it.
type Agent struct {
	client *workloadapi.Client
	keeper *fetch.Keeper[answer]
	ask    time.Duration
}

// answer is everything that an agent said at one time. A domain decides what
// stands in its bundle: a bad one is the trouble of that domain alone.
type answer struct {
	bundles map[Domain]*Bundle
	faults  map[Domain]error
}

// NewAgent makes an Agent. It does not connect yet.
func NewAgent(c AgentConfig) (*Agent, error) {
	if c.KeepFor == 0 {
		c.KeepFor = time.Hour
	}
	if c.Ask == 0 {
		c.Ask = DefaultAsk
	}
	shared := common{now: c.Now, keepFor: c.KeepFor, timeout: c.Timeout, notice: c.Notice}
	var errs []error
	shared.check(&errs)
	if !filepath.IsAbs(c.Socket) {
		errs = append(errs, errors.New("Socket must be an absolute path"))
	}
	if c.Ask < leastAsk || c.Ask > time.Hour {
		errs = append(errs, fmt.Errorf("Ask is %s; allowed are %s to 1h", c.Ask, leastAsk))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("spiffe: workload API: %w", errors.Join(errs...))
	}
	client, err := dial(c.Socket)
	if err != nil {
		return nil, fmt.Errorf("spiffe: workload API: %w", err)
	}
	a := &Agent{client: client, ask: c.Ask}
	a.keeper = fetch.NewKeeper(fetch.KeeperConfig[answer]{
		Load: a.load, Now: c.Now, Between: betweenAsks, Cold: betweenAsks, KeepFor: c.KeepFor, Timeout: shared.timeout, Notice: c.Notice,
	})
	return a, nil
}

func dial(socket string) (*workloadapi.Client, error) {
	again := grpc.ConnectParams{MinConnectTimeout: time.Second, Backoff: backoff.Config{
		BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second,
	}}
	// The connection is made by the first call; the context bounds nothing here.
	return workloadapi.New(context.Background(), workloadapi.WithAddr("unix://"+socket),
		workloadapi.WithDialOptions(grpc.WithConnectParams(again)))
}

// load asks for all bundles. An agent may lack one of the two profiles.
func (a *Agent) load(ctx context.Context) (answer, time.Duration, error) {
	certs, err := a.client.FetchX509Bundles(ctx)
	lacking := status.Code(err) == codes.Unimplemented
	if err != nil && !lacking {
		return answer{}, 0, err
	}
	keys, err := a.client.FetchJWTBundles(ctx)
	if err != nil && (lacking || status.Code(err) != codes.Unimplemented) {
		return answer{}, 0, err
	}
	all := gather(certs, keys)
	if len(all.bundles)+len(all.faults) > maxDomains {
		return answer{}, 0, fmt.Errorf("the agent names more than %d trust domains", maxDomains)
	}
	return all, a.ask, nil
}
