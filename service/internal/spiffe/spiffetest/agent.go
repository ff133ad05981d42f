package spiffetest

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// Agent is an agent of one trust domain that knows others too. A real one finds
// out by itself which workload calls; here each workload has its own socket.
type Agent struct {
	own       *Authority
	federated []*Authority

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

// NewAgent makes an agent of a domain that is federated with others.
func NewAgent(own *Authority, federated ...*Authority) *Agent {
	a := &Agent{own: own, federated: federated, changed: make(chan struct{})}
	for _, authority := range a.all() {
		authority.subscribe(a.tell)
	}
	return a
}

func (a *Agent) tell() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *Agent) change() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

func (a *Agent) all() []*Authority { return append([]*Authority{a.own}, a.federated...) }

// Socket is the Workload API of one workload.
type Socket struct {
	agent *Agent
	path  string
	ids   []string

	mu     sync.Mutex
	server *grpc.Server
	done   chan struct{}

	hang  atomic.Pointer[chan struct{}] // while set, calls wait until it is closed
	deny  atomic.Uint32                 // a status code that every call gets, or 0
	calls atomic.Uint64
}

// Listen opens the socket of a workload that has these SPIFFE IDs.
func (a *Agent) Listen(path string, ids ...string) (*Socket, error) {
	if len(ids) == 0 {
		return nil, errors.New("spiffetest: a workload has one SPIFFE ID at least")
	}
	s := &Socket{agent: a, path: path, ids: ids}
	return s, s.Start()
}

// Path returns where the socket is.
func (s *Socket) Path() string { return s.path }

// Calls returns how many calls came in so far.
func (s *Socket) Calls() uint64 { return s.calls.Load() }

// Start serves again after Stop.
func (s *Socket) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", s.path)
	if err != nil {
		return err
	}
	server, done := grpc.NewServer(grpc.MaxConcurrentStreams(100), grpc.UnaryInterceptor(s.guardCall), grpc.StreamInterceptor(s.guardStream)), make(chan struct{})
	workload.RegisterSpiffeWorkloadAPIServer(server, &service{socket: s})
	s.server, s.done = server, done
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return nil
}

// Stop ends every call and the socket, as an agent that goes away does.
func (s *Socket) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return
	}
	s.server.Stop()
	<-s.done
	s.server = nil
}

// Hang lets every new call wait without an answer, and streams stay silent.
func (s *Socket) Hang() {
	wait := make(chan struct{})
	s.hang.CompareAndSwap(nil, &wait)
}

// Resume answers again, also the calls that waited.
func (s *Socket) Resume() {
	if wait := s.hang.Swap(nil); wait != nil {
		close(*wait)
	}
}

// Deny answers every new call with a status; codes.OK answers properly again.
func (s *Socket) Deny(code codes.Code) { s.deny.Store(uint32(code)) }
