package guard

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// upgrades are the protocols to which a proxy lets a connection change (RFC 9110
// section 7.8). What is said afterwards passes the guard unseen, so it must not
// be HTTP again, as it would be with h2c.
type upgrades []string

func newUpgrades(dangerously []string) upgrades {
	return append(upgrades{"websocket"}, dangerously...)
}

// accepts reports whether the one protocol that a request offers to change to is
// among them, or none is offered.
func (u upgrades) accepts(h http.Header) bool {
	asked, named := asksUpgrade(h), h["Upgrade"]
	if len(named) == 0 && !asked {
		return true
	}
	return len(named) == 1 && slices.ContainsFunc(u, func(p string) bool { return strings.EqualFold(p, named[0]) })
}

// decline takes an offer out of a request. A server may ignore an offer (RFC 9110
// section 7.8), and some clients make one with every request.
func (u upgrades) decline(r *http.Request) *http.Request {
	if u.accepts(r.Header) {
		return r
	}
	copied := *r
	copied.Header = r.Header.Clone()
	for _, name := range []string{"Upgrade", "Http2-Settings"} {
		copied.Header.Del(name)
	}
	var rest []string
	for _, value := range r.Header["Connection"] {
		for option := range strings.SplitSeq(value, ",") {
			if option = strings.Trim(option, " \t"); option != "" && !strings.EqualFold(option, "upgrade") && !strings.EqualFold(option, "http2-settings") {
				rest = append(rest, option)
			}
		}
	}
	copied.Header.Del("Connection")
	if len(rest) > 0 {
		copied.Header.Set("Connection", strings.Join(rest, ", "))
	}
	return &copied
}

func asksUpgrade(h http.Header) bool {
	for _, value := range h["Connection"] {
		for option := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(option, " \t"), "upgrade") {
				return true
			}
		}
	}
	return false
}

// untilExpiry gives an upgraded connection the life of its token, because on it
// no further request asks for one. Nothing else is cut: an answer that has begun
// was asked for in time.
func (g *Guard) untilExpiry(r *http.Request, v verdict) (*http.Request, context.CancelFunc) {
	if !asksUpgrade(r.Header) {
		return r, func() {}
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.ends(v).Sub(g.now()))
	if live, ok := g.feed.(narrowcast.Liveness); ok && v.token != nil {
		go g.untilDeath(ctx, cancel, live, v.token)
	}
	return r.WithContext(ctx), cancel
}

// lookAgain is how often an upgraded connection is held against the feed when that
// has nothing new: it grows old.
const lookAgain = time.Second

// untilDeath ends an upgraded connection once its token would be refused as called
// back, or because nobody knows.
func (g *Guard) untilDeath(ctx context.Context, end func(), live narrowcast.Liveness, token *narrowcast.Token) {
	defer end()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		changed := g.feed.Changed() // before the look, so that nothing falls in between
		if live.Check(token) != 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// ends is when a token that opened the door does so no more. Observe mode lets
// only genuine tokens pass, so what they claim of their end counts.
func (g *Guard) ends(v verdict) time.Time {
	if v.token != nil {
		return v.token.Expires().Add(g.skew)
	}
	end := v.rej.Claimed.Expires.Add(g.skew)
	if g.observe.Until.Before(end) {
		end = g.observe.Until
	}
	return end
}
