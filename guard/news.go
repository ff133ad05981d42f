package guard

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// Feed tells how much a door knows of revocations. It is implemented by
// feed.Follower. Where it is a [narrowcast.Liveness] too, as that one is, a proxy ends
// an upgraded connection when its token is called back.
type Feed interface {
	// Feed returns how far that goes. Tokens are judged by it already.
	Feed() event.Feed
	// Changed returns a channel that is closed when something new counts.
	Changed() <-chan struct{}
	// Degraded reports whether tokens like this one are accepted although what is
	// known is too old.
	Degraded(*narrowcast.Token) bool
}

// restOfNews lies between two reports that the feed calls forth. The last change is
// always reported.
const restOfNews = 100 * time.Millisecond

// acceptedStale is the Detail of presentations that were accepted in spite of it.
const acceptedStale = "accepted although what is known of revocations is too old"

// news returns what is closed at the next change; nil, which never is, without a feed.
// It is taken before the position is looked at, so that no change falls in between.
func (g *Guard) news() <-chan struct{} {
	if g.feed == nil {
		return nil
	}
	return g.feed.Changed()
}

func (g *Guard) isDegraded(token *narrowcast.Token) bool {
	return g.feed != nil && g.feed.Degraded(token)
}
