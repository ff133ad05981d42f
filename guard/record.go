package guard

import (
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
)

// recorder numbers events and hands them to the sink in the order of their
// numbers.
type recorder struct {
	sink           event.Sink
	writer, tenant string
	noise          noise

	mu       sync.Mutex
	sequence uint64
}

func (r *recorder) record(e event.Event) event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequence++
	e.Version, e.Sequence = event.Version, r.sequence
	e.Writer, e.Tenant = r.writer, r.tenant
	e.Time = e.Time.UTC()
	r.sink.Record(e)
	return e
}

func (r *recorder) last() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sequence
}

// noise bounds what forged tokens can write: so many events each second, and no
// memory of the rest.
type noise struct {
	limit int

	mu     sync.Mutex
	second int64
	used   int
}

func (n *noise) allow(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if second := now.Unix(); second != n.second {
		n.second, n.used = second, 0
	}
	n.used++
	return n.used <= n.limit
}

func (g *Guard) mode(now time.Time) event.Mode {
	if g.observing(now) {
		return event.Observe
	}
	return event.Enforce
}

// turnedAway is the event of a token that was not accepted.
func (g *Guard) turnedAway(kind event.Type, k *knock, v verdict, now time.Time) event.Event {
	rej := v.rej
	e := event.Event{
		ID: v.decision, Decision: v.decision, Type: kind, Time: now, Mode: g.mode(now),
		Reason: rej.Reason, Also: rej.Also, Genuine: rej.Genuine,
		Detail: clip(detailOf(rej), 512), Near: rej.Near,
		Expected: g.verifier.Audience().String(), Received: clipAll(rej.Received),
		Request: &event.Request{Method: clip(k.method, 32), Path: clip(k.path, 1024), Peer: clip(k.peer, 128)},
	}
	if !rej.Claimed.Fingerprint.IsZero() {
		e.Token = facts(rej.Claimed)
	}
	return e
}

func detailOf(rej *narrowcast.Rejection) string {
	if rej.Detail == "" && rej.Cause != nil {
		return rej.Cause.Error()
	}
	return rej.Detail
}

// presented is the event of accepted presentations.
func (g *Guard) presented(f *fold) event.Event {
	c := f.token.Describe()
	detail := ""
	if f.key.degraded {
		detail = acceptedStale
	}
	return event.Event{
		ID: newDecision(), Type: event.Presented, Detail: detail, Time: f.last, Mode: g.mode(f.last), Genuine: true,
		Expected: g.verifier.Audience().String(), Received: clipAll(c.Audience),
		Token: facts(c), Request: &event.Request{Peer: clip(f.key.peer, 128)},
		Fold: &event.Fold{Count: f.count, First: f.first.UTC(), Last: f.last.UTC()},
	}
}

// facts are the claims of a token, cut to a size at which any event fits into
// event.MaxBytes.
func facts(c narrowcast.Claimed) *event.Token {
	t := event.TokenOf(c)
	for _, s := range []*string{&t.ID, &t.Lineage, &t.Parent, &t.Task, &t.Subject, &t.Client, &t.KeyID} {
		*s = clip(*s, 256)
	}
	t.Issuer, t.Scope, t.StatusList = clip(t.Issuer, 512), clip(t.Scope, 512), clip(t.StatusList, 512)
	for i := range t.Actors {
		t.Actors[i] = clip(t.Actors[i], 128)
	}
	t.Audience = clipAll(t.Audience)
	return t
}
