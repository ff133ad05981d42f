package statuslist

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// Defaults and bounds of a Follower.
const (
	DefaultTTL      = 30 * time.Second // of a list that does not say
	LeastInterval   = time.Second      // between two polls
	MostInterval    = 15 * time.Minute // of which a third is waited
	DefaultMaxLists = 256
	DefaultMaxBytes = 64 << 20 // unpacked, of all lists together
	DefaultTimeout  = 10 * time.Second
)

// WhenOld says what a Follower does with a token of whose list it knows only an
// old state.
type WhenOld uint8

// The choices, the strictest first.
const (
	// Refuse refuses once a list is older than its ttl, and what no list tells of.
	Refuse WhenOld = iota
	// UntilExpiry goes on with an old list until its exp, and refuses afterwards
	// and what no list tells of.
	UntilExpiry
	// DangerouslyAccept goes on for good: when no list can be had, revocation ends.
	DangerouslyAccept
)

// FollowerConfig is what a Follower is made of. Base, Keys, Algorithms and Now
// are required.
type FollowerConfig struct {
	// Base is below what all lists of the issuer lie, such as
	// https://issuer.example.test/status. A list is one name below it. No token and
	// no document can make a Follower ask any other place.
	Base string
	// Mirror is fetched from in place of Base, when the lists lie elsewhere too: a
	// plain web server, a content delivery network. Default Base.
	Mirror string
	// Aggregation is where all lists are named; default the mirror itself. It must
	// be the mirror or one name below it.
	Aggregation string
	// Keys and Algorithms are as in Config.
	Keys       narrowcast.KeySource
	Algorithms []narrowcast.Algorithm
	// Now is the clock.
	Now func() time.Time
	// WhenOld is the fail mode; default Refuse.
	WhenOld WhenOld
	// DangerouslyAcceptUnlisted accepts tokens that name no list at all. Without it
	// they are refused as stale, because nobody could say that they were revoked.
	DangerouslyAcceptUnlisted bool
	// Client fetches; default one that follows no redirect. Its redirects are off
	// in any case.
	Client *http.Client
	// Timeout bounds one fetch; default 10 s.
	Timeout time.Duration
	// MaxLists and MaxBytes bound what is kept. Lists beyond are not followed, and
	// their tokens are treated like those of unknown lists.
	MaxLists int
	MaxBytes int

	_ struct{}
}

// Follower keeps the lists of one issuer in memory and answers by them: a
// [narrowcast.Liveness] for enforcement points that do not follow the feed. Run
// keeps it current; until the first poll it knows nothing. The zero Follower
// refuses every token.
type Follower struct {
	config      FollowerConfig
	base        site
	mirror      site
	aggregation string
	lists       atomic.Pointer[map[string]*held] // by name; never changed, only replaced

	poll  sync.Mutex // one poll at a time
	wake  chan string
	mu    sync.Mutex
	fault error
	next  time.Time // no fetch on behalf of a token before this instant
	polls uint64
}

// held is one list as it was last read.
type held struct {
	token    *Token
	received time.Time
}

// NewFollower makes a Follower, or returns every fault of the configuration. It
// fetches nothing.
func NewFollower(c FollowerConfig) (*Follower, error) {
	c.setDefaults()
	base, errBase := parseSite("Base", c.Base)
	mirror, errMirror := parseSite("Mirror", c.Mirror)
	errs := []error{errBase, errMirror}
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	_, below := mirror.name(c.Aggregation)
	require(errMirror != nil || below || c.Aggregation == string(mirror), "Aggregation must be the mirror or one name below it")
	require(c.Keys != nil, "Keys is required")
	require(len(c.Algorithms) > 0, "Algorithms is required")
	require(c.Now != nil, "Now is required")
	require(c.WhenOld <= DangerouslyAccept, "WhenOld is unknown")
	require(c.Timeout > 0 && c.MaxLists > 0 && c.MaxBytes > 0, "Timeout, MaxLists and MaxBytes must not be negative")
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("status list follower: %w", err)
	}
	f := &Follower{config: c, base: base, mirror: mirror, aggregation: c.Aggregation, wake: make(chan string, 1)}
	f.lists.Store(&map[string]*held{})
	return f, nil
}

func (c *FollowerConfig) setDefaults() {
	if c.Mirror == "" {
		c.Mirror = c.Base
	}
	if c.Aggregation == "" {
		c.Aggregation = trimmed(c.Mirror)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxLists == 0 {
		c.MaxLists = DefaultMaxLists
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	plain := http.Client{}
	if c.Client != nil {
		plain = *c.Client
	}
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &plain
}
