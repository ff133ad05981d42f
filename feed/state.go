package feed

import (
	"time"

	"github.com/narrowcast-io/narrowcast/event"
)

// Status is how a Follower is, for health pages and metrics.
type Status struct {
	Known      bool          // there is a state, if only from the file
	Position   uint64        // everything up to this record of the book counts here
	AsOf       time.Time     // when the issuer said so, by its clock
	Age        time.Duration // zero without a state
	StaleAfter time.Duration // how old it may become
	WhenStale  WhenStale
	Stale      bool
	Entries    map[Kind]int
	Accepted   uint64 // how often a token passed Check although the state was stale
	Connected  bool
	Connects   uint64 // connections that brought a state, or went on from one
	Failures   uint64 // connections that did not come about or broke
	LastError  string // of the last failure; empty once there is a connection again
	FileError  string // why the file is behind; empty when it is not
}

// State returns how the follower is now.
func (f *Follower) State() Status {
	if f == nil || f.now == nil {
		return Status{WhenStale: Refuse, Stale: true}
	}
	k, now := f.known.Load(), f.now()
	age, _ := k.age(now)
	s := Status{
		Known: k.set != nil, Position: k.at.Position, AsOf: k.at.AsOf, Age: age,
		StaleAfter: f.limit(k), WhenStale: f.mode(k), Stale: f.isStale(k, now),
		Entries: map[Kind]int{}, Accepted: f.degraded.Load(),
	}
	for _, kind := range Kinds() {
		s.Entries[kind] = k.set.Len(kind)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Connected, s.Connects, s.Failures = f.line.connected, f.line.connects, f.line.failures
	s.LastError, s.FileError = f.line.lastError, f.line.fileError
	return s
}

// Feed returns the facts for an event about the verifier.
func (f *Follower) Feed() event.Feed {
	s := f.State()
	return event.Feed{
		Position: s.Position, AsOf: s.AsOf.UTC(), StaleAfter: s.StaleAfter, WhenStale: string(s.WhenStale),
		Degraded: s.Stale && s.WhenStale == Accept,
	}
}

// line is how the connection is.
type line struct {
	connected            bool
	connects, failures   uint64
	lastError, fileError string
	noticed              time.Time
}

func (f *Follower) connected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.line.connected {
		f.line.connects++
	}
	f.line.connected, f.line.lastError = true, ""
}

// parted notes the end of Run.
func (f *Follower) parted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line.connected = false
}

// lost notes the end of a connection, and tells of it now and then.
func (f *Follower) lost(err error) {
	f.mu.Lock()
	f.line.connected = false
	f.line.failures++
	f.line.lastError = clip(err.Error())
	tell := f.now().Sub(f.line.noticed) >= f.limits.notice
	if tell {
		f.line.noticed = f.now()
	}
	f.mu.Unlock()
	if tell {
		f.notice(err)
	}
}

// filed notes whether the file is up to date, and tells when that changes.
func (f *Follower) filed(err error) {
	text := ""
	if err != nil {
		text = clip(err.Error())
	}
	f.mu.Lock()
	news := (text == "") != (f.line.fileError == "")
	f.line.fileError = text
	f.mu.Unlock()
	if news && err != nil {
		f.notice(err)
	}
}

// clip bounds what others may have had a say in.
func clip(s string) string {
	if len(s) > 512 {
		return s[:512]
	}
	return s
}
