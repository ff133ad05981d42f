// Package storetest says in tests what package store says in words. A driver is
// supported when it passes Run.
package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Ground is one place where a store can be, empty at first. A driver's test
// makes grounds; the suite opens stores on them.
type Ground struct {
	// Open opens the store of this ground; the first call creates it. Several
	// may be open at a time when Shared is true.
	Open   func(now func() time.Time) (store.Store, error)
	Shared bool
	// Alter changes one letter of the event of a record behind the store's
	// back, Remove takes a record out, Rename changes only the id under which
	// its token is found. The store is closed meanwhile.
	Alter, Remove, Rename func(t *testing.T, number uint64)
	// Together appends entries in one transaction, in this order, and returns what
	// became of each. Without it they are appended one after the other.
	Together func(t *testing.T, s store.Store, entries []store.Entry) []error
	// MakeNewer makes the ground look as if a newer program had written it.
	MakeNewer func(t *testing.T)
}

// Run runs the suite. fresh makes a new ground for each test.
func Run(t *testing.T, fresh func(t *testing.T) Ground) {
	t.Helper()
	for _, part := range []struct {
		name string
		test func(t *testing.T, b *bench)
	}{
		{"AppendReturnsWhatIsKept", appendReturnsWhatIsKept},
		{"AppendRefusesBadEntries", appendRefusesBadEntries},
		{"NumbersHaveNoGaps", numbersHaveNoGaps},
		{"TwoStoresShareOneChain", twoStoresShareOneChain},
		{"SameEventIsKeptOnce", sameEventIsKeptOnce},
		{"UsedIDAppendsNothing", usedIDAppendsNothing},
		{"OneOfManyUsesAnID", oneOfManyUsesAnID},
		{"IDsAreForgotten", idsAreForgotten},
		{"RetryAfterLostAnswer", retryAfterLostAnswer},
		{"AppendAll", appendAll},
		{"AppendAllRefusesWhole", appendAllRefusesWhole},
		{"FindByEachField", findByEachField},
		{"FindByTask", findByTask},
		{"FindByOddNames", findByOddNames},
		{"FindOrderAndLimits", findOrderAndLimits},
		{"FindByTime", findByTime},
		{"FindCrossesPages", findCrossesPages},
		{"FindStopsWhenAsked", findStopsWhenAsked},
		{"WalkMayAppendAndFind", walkMayAppendAndFind},
		{"EndedContext", endedContext},
		{"ChainOfAnEmptyBook", chainOfAnEmptyBook},
		{"ChainCanBeRecomputed", chainCanBeRecomputed},
		{"ChainShowsTampering", chainShowsTampering},
		{"RevisionsFollow", revisionsFollow},
		{"RevisionAtATime", revisionAtATime},
		{"RevisionFilesAreByteIdentical", revisionFilesAreByteIdentical},
		{"OneOfManySavesARevision", oneOfManySavesARevision},
		{"KeysAreKept", keysAreKept},
		{"KeyHalvesNeverChange", keyHalvesNeverChange},
		{"ReopenKeepsEverything", reopenKeepsEverything},
		{"NewerIsRefused", newerIsRefused},
		{"ClosedStoreRefuses", closedStoreRefuses},
		{"CloseWaits", closeWaits},
		{"EachSpeaksForItself", eachSpeaksForItself},
		{"UsedUpForbids", usedUpForbids},
		{"OnlyRunningTasksGoOn", onlyRunningTasksGoOn},
		{"RefusalsHaveAnOrder", refusalsHaveAnOrder},
		{"RepeatedEventIsNotAskedAgain", repeatedEventIsNotAskedAgain},
		{"BatchSeesItself", batchSeesItself},
		{"TasksAreKept", tasksAreKept},
		{"BadTasksAreRefused", badTasksAreRefused},
		{"LeaseIsRenewed", leaseIsRenewed},
		{"TasksAreFound", tasksAreFound},
		{"EndedTasksAreDropped", endedTasksAreDropped},
		{"NothingComesAfterRevocation", nothingComesAfterRevocation},
		{"NothingComesAfterTheEnd", nothingComesAfterTheEnd},
		{"OneOfRenewalAndEndWins", oneOfRenewalAndEndWins},
		{"OneOfManyEnds", oneOfManyEnds},
		{"Copies", copies(fresh)},
		{"ImportIsWholeOrNothing", importIsWholeOrNothing},
		{"LikeTheModel", likeTheModel(fresh)},
	} {
		t.Run(part.name, func(t *testing.T) {
			b := &bench{ground: fresh(t), clock: &Clock{now: dayOne}}
			b.open(t)
			t.Cleanup(func() { _ = b.store.Close() })
			part.test(t, b)
		})
	}
}

// bench is what one test works at.
type bench struct {
	ground Ground
	clock  *Clock
	store  store.Store
}

func (b *bench) open(t *testing.T) {
	t.Helper()
	s, err := b.ground.Open(b.clock.Now)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	b.store = s
}

func (b *bench) close(t *testing.T) {
	t.Helper()
	if err := b.store.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
}

// Clock is a clock that goes only when it is told to.
type Clock struct {
	lock sync.Mutex
	now  time.Time
}

// NewClock returns a clock that stands at t.
func NewClock(t time.Time) *Clock { return &Clock{now: t} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.now = c.now.Add(d)
}
