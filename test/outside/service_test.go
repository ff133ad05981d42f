package outside_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// service is what stands behind the guards: plain, and checks nothing.
type service struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func openService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, r)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

// keepsToItself fails unless the service saw as many requests as were let in,
// and none with what opens a door.
func (s *service) keepsToItself(t *testing.T, letIn int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) != letIn {
		t.Errorf("the service saw %d requests, and %d were let in", len(s.seen), letIn)
	}
	for _, r := range s.seen {
		for _, name := range []string{"Authorization", "DPoP", "Client-Cert", "Client-Cert-Chain"} {
			if r.Header.Values(name) != nil {
				t.Errorf("the service saw %s of %s %s", name, r.Method, r.URL)
			}
		}
	}
	s.seen = nil
}
