package revocation

import (
	"context"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func (l *Log) fold(ctx context.Context, rec store.Record) error {
	if uri := announcement(rec.Event); uri != "" {
		l.announce(rec, uri)
	}
	effects, err := l.effects(ctx, rec)
	if err != nil || len(effects) == 0 {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(rec.Number, effects)
	return nil
}

func (l *Log) effects(ctx context.Context, rec store.Record) ([]effect, error) {
	e := rec.Event
	switch {
	case e.Type == event.Exchanged:
		return l.inherited(ctx, rec)
	case e.Type == event.Revoked && l.childless(e):
		return each(rec.Number, []event.Token{*e.Token}), nil
	}
	return l.family.effects(ctx, rec)
}

// inherited is the death of a token that was exchanged while its parent was
// called back, by a replica that did not know yet.
func (l *Log) inherited(ctx context.Context, rec store.Record) ([]effect, error) {
	t := rec.Event.Token
	if t == nil || t.Parent == "" {
		return nil, nil
	}
	l.kin.add(t.Lineage, l.config.Now(), horizon(l.config.MaxLife))
	l.mu.RLock()
	dead, broad := l.state.holds(t.Parent), l.state.broad()
	l.mu.RUnlock()
	if !dead && len(broad) > 0 {
		parent, err := l.family.named(ctx, t.Parent)
		if err != nil {
			return nil, err
		}
		dead = anyMatches(broad, parent) && !anyMatches(broad, *t)
	}
	if !dead {
		return nil, nil
	}
	return each(rec.Number, []event.Token{*t}), nil
}

// childless reports that a token is called back of which nothing came that can
// be alive: all that was exchanged since the horizon was folded before.
func (l *Log) childless(e event.Event) bool {
	r, t := e.Revocation, e.Token
	return r != nil && r.Kind == string(feed.Token) && t != nil && t.ID == r.ID && !l.kin.has(lineageOf(*t))
}
