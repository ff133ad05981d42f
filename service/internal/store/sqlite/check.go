package sqlite

import (
	"context"
	"fmt"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

const chainPage = `SELECT ` + recordColumns + `, writer, id, type, time, ifnull(jti, ''), fingerprint,
	lineage, decision, ifnull(audience, ''), ifnull(task, '')
	FROM book WHERE number > ? ORDER BY number LIMIT ?`

// link is one record as the check sees it.
type link struct {
	record  store.Record
	columns columns
	read    bool // the event could be read
}

// CheckChain recomputes the hash chain. A record whose columns do not say what
// its event says does not fit either: it would be found under a wrong name, or
// not at all.
func (s *Store) CheckChain(ctx context.Context) (records, broken uint64, err error) {
	var last store.Record
	for {
		page, err := s.fetchLinks(ctx, last.Number)
		if err != nil {
			return 0, 0, fmt.Errorf("checking the chain: %w", s.unlessClosed(err))
		}
		for _, l := range page {
			if broken == 0 && !l.fits(last) {
				broken = l.record.Number
			}
			last = l.record
			records++
		}
		if len(page) < pageSize {
			return records, broken, nil
		}
	}
}

func (l *link) fits(last store.Record) bool {
	r := &l.record
	return r.Number == last.Number+1 && l.read && l.columns == columnsOf(r.Event) &&
		r.Hash == store.Link(last.Hash, r.Number, r.Received, r.Encoded)
}

func (s *Store) fetchLinks(ctx context.Context, after uint64) ([]link, error) {
	rows, err := s.readers.QueryContext(ctx, chainPage, bound(after), pageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []link
	for rows.Next() {
		var l link
		var fingerprint []byte
		c := &l.columns
		l.record, err = scanRecord(rows, &c.writer, &c.id, &c.kind, &c.time, &c.jti, &fingerprint,
			&c.lineage, &c.decision, &c.audience, &c.task)
		if err != nil && l.record.Number == 0 {
			return nil, err
		}
		copy(c.fingerprint[:], fingerprint)
		l.read = err == nil
		page = append(page, l)
	}
	return page, rows.Err()
}
