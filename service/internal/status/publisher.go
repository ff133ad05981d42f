package status

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast/statuslist"
)

// Errors that a caller may tell apart.
var (
	// ErrUnknown: the house has no such list, or had none at that time.
	ErrUnknown = errors.New("there is no such status list")
	// ErrNoHistory: the past cannot be asked for.
	ErrNoHistory = errors.New("status lists of the past are not offered")
	// ErrBehind: what is known of revocations is too old to put a signature to.
	ErrBehind = errors.New("what is known of revocations is too old")
)

// MediaType is how a list is served.
const MediaType = statuslist.MediaType

// Place is a place that is not valid.
type Place struct {
	URI   string
	Index uint64
	Value statuslist.Value
	Until time.Time // when the token has expired everywhere; zero when that is not known
}

// Source knows what is dead, from the book.
type Source interface {
	// Dead yields the places that are not valid, of all lists. asOf is the instant up
	// to which all that was recorded counts.
	Dead() (asOf time.Time, places iter.Seq[Place])
	// Lists yields the lists of which the book knows a token that may be alive, those
	// of other processes included. It may name one more than once.
	Lists() iter.Seq[string]
}

// History knows what was dead at an instant, from the book.
type History interface {
	// DeadAt yields the places of one list that were not valid at an instant. It
	// returns ErrUnknown when there was no such list then.
	DeadAt(ctx context.Context, uri string, at time.Time) ([]Place, error)
}

// Defaults of a Publisher.
const (
	DefaultTTL  = 30 * time.Second
	DefaultLife = 5 * time.Minute
	bits        = 2 // a place can be suspended
)

// PublisherConfig is what a Publisher is made of. Base, Source, Sealer and Now are
// required.
type PublisherConfig struct {
	Base   string // as in AllocatorConfig
	Source Source
	// Sealer returns the key that signs now.
	Sealer func() (statuslist.Sealer, error)
	// Now is the clock.
	Now func() time.Time
	// Own returns the lists that this process gives places of; default none.
	// (*Allocator).Lists is one.
	Own func() []string
	// History answers about the past; default nobody does.
	History History
	// TTL is after what time a verifier should fetch a list again; default 30 s. A
	// list is written anew after half of it.
	TTL time.Duration
	// Life is how long a list is believed when no other can be had; default 5 min.
	Life time.Duration
	// Places is the length of a list; default Places.
	Places int

	_ struct{}
}

func (c *PublisherConfig) complete() error {
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	if c.Life == 0 {
		c.Life = max(DefaultLife, 4*c.TTL)
	}
	if c.Places == 0 {
		c.Places = Places
	}
	if c.Own == nil {
		c.Own = func() []string { return nil }
	}
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(c.Base != "" && !strings.HasSuffix(c.Base, "/"), "Base is required, without a slash at its end")
	require(c.Source != nil, "Source is required")
	require(c.Sealer != nil, "Sealer is required")
	require(c.Now != nil, "Now is required")
	require(c.TTL >= 2*time.Second && c.TTL <= time.Hour, "TTL must be between 2 s and an hour")
	require(c.Life >= c.TTL && c.Life <= 24*time.Hour, "Life must be between TTL and a day")
	_, err := statuslist.New(bits, c.Places)
	errs = append(errs, err)
	return errors.Join(errs...)
}

// Publisher writes the lists of the house, those that other processes give places
// of too. It may be used by many goroutines.
type Publisher struct {
	config PublisherConfig

	mu    sync.Mutex
	state *state
}

// state is every list as it was at one time.
type state struct {
	made  time.Time // by our clock
	asOf  time.Time // what was recorded until then counts
	empty *statuslist.List
	lists map[string]*statuslist.List // by uri; only those with a place that is not valid
	known map[string]bool             // all uris
	ready map[string]Document         // those that were signed
}

// Document is a list as it is served.
type Document struct {
	Text     string
	IssuedAt time.Time
	Expires  time.Time
	Fresh    time.Duration // how much longer a cache may keep it
}

// NewPublisher makes a Publisher, or returns every fault of the configuration.
func NewPublisher(c PublisherConfig) (*Publisher, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("status lists: %w", err)
	}
	return &Publisher{config: c}, nil
}

// Lists returns the addresses of all lists of the house, sorted: of those that
// the book names, and of those of this process.
func (p *Publisher) Lists() []string {
	known := map[string]bool{}
	for uri := range p.uris() {
		known[uri] = true
	}
	all := make([]string, 0, len(known))
	for uri := range known {
		all = append(all, uri)
	}
	slices.Sort(all)
	return all
}

// uris yields all lists that lie below the base, some more than once.
func (p *Publisher) uris() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, uri := range p.config.Own() {
			if !yield(uri) {
				return
			}
		}
		for uri := range p.config.Source.Lists() {
			if p.ours(uri) && !yield(uri) {
				return
			}
		}
	}
}

// ours: a list that the book names may be of an issuer of former days.
func (p *Publisher) ours(uri string) bool {
	name, below := strings.CutPrefix(uri, p.config.Base+"/")
	return below && isName(name)
}

// isName knows the names that an Allocator makes. Nothing else becomes part of a
// file name.
func isName(name string) bool {
	return len(name) == 26 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Aggregation writes the document that names all lists.
func (p *Publisher) Aggregation() ([]byte, error) { return statuslist.MarshalAggregation(p.Lists()) }
