package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// spend uses up all ids of an entry or none. It reports true when one of them
// was used before, or the event is in the book already.
func (p *pen) spend(e *entry) (used bool, err error) {
	now := store.Instant(p.received)
	if len(e.once) > 1 { // one id, the common case, needs no look beforehand
		if used, err := p.usedBefore(e.once, now); used || err != nil {
			return used, err
		}
	}
	for _, o := range e.once {
		result, err := p.statements.use.ExecContext(p.ctx, o.Space, o.ID, store.Instant(o.Until), e.event.ID, e.event.Writer, now)
		if err != nil {
			return false, fmt.Errorf("using up an id: %w", err)
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return true, err
		}
		p.usedOnce = true
	}
	return false, nil
}

func (p *pen) usedBefore(once []store.Once, now int64) (bool, error) {
	for i, o := range once {
		if used, err := p.usedUp(o, now); used || err != nil {
			return used, err
		}
		if twice(once[:i], o) {
			return true, nil
		}
	}
	return false, nil
}

func (p *pen) usedUp(o store.Once, now int64) (bool, error) {
	err := p.statements.used.QueryRowContext(p.ctx, o.Space, o.ID, now).Scan(new(int))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a used id: %w", err)
	}
	return true, nil
}

func twice(before []store.Once, o store.Once) bool {
	for _, b := range before {
		if b.Space == o.Space && b.ID == o.ID {
			return true
		}
	}
	return false
}

// forget drops ids that are free again: more at a time than one batch adds, so
// that the table does not grow.
func (p *pen) forget() error {
	if !p.usedOnce {
		return nil
	}
	if _, err := p.statements.forget.ExecContext(p.ctx, store.Instant(p.received)); err != nil {
		return fmt.Errorf("forgetting used ids: %w", err)
	}
	return nil
}
