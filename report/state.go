package report

import "time"

// State is how a Reporter is, for health pages and metrics.
type State struct {
	Spooled      int           // events that wait
	SpooledBytes int64         // on disk, delivered ones that were not removed yet included
	Delivered    uint64        // events the issuer has taken, repeats included
	Dropped      uint64        // events for which there was no room, or that could not be written
	Damaged      uint64        // lines of the spool that could not be read
	Refused      uint64        // events the issuer refused for good
	Lag          time.Duration // age of the oldest event that waits
	LastSuccess  time.Time     // zero before the first
	LastError    string        // of the last attempt; empty after a success
}

// State returns how the reporter is now.
func (r *Reporter) State() State {
	r.mu.Lock()
	s := r.state
	r.mu.Unlock()
	var oldest time.Time
	s.Spooled, s.SpooledBytes, s.Dropped, s.Damaged, oldest = r.spool.measure()
	if s.Spooled > 0 {
		s.Lag = max(0, r.now().Sub(oldest))
	}
	return s
}

func (r *Reporter) succeeded(events int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Delivered += uint64(events)
	r.state.LastSuccess, r.state.LastError = r.now(), ""
}

func (r *Reporter) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.LastError = err.Error()
}

func (r *Reporter) refused() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Refused++
}
