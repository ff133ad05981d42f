package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// checked is one record as the check sees it.
type checked struct {
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
			return 0, 0, fmt.Errorf("checking the chain: %w", err)
		}
		for _, c := range page {
			if broken == 0 && !c.fits(last) {
				broken = c.record.Number
			}
			last = c.record
			records++
		}
		if len(page) < pageSize {
			return records, broken, nil
		}
	}
}

func (c *checked) fits(last store.Record) bool {
	r := &c.record
	return r.Number == last.Number+1 && c.read && c.columns == columnsOf(r.Event) &&
		r.Hash == store.Link(last.Hash, r.Number, r.Received, r.Encoded)
}

func (s *Store) fetchLinks(ctx context.Context, after uint64) (page []checked, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sqlLinks, bound(after), pageSize)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, scanChecked)
		return err
	})
	return page, err
}

func scanChecked(row pgx.CollectableRow) (checked, error) {
	var c checked
	var raw rawRecord
	var writer, id, jti, fingerprint, lineage, decision, audience, task []byte
	into := append(raw.into(), &writer, &id, &c.columns.kind, &c.columns.time, &jti, &fingerprint, &lineage, &decision, &audience, &task)
	if err := row.Scan(into...); err != nil {
		return checked{}, err
	}
	c.columns.writer, c.columns.id = string(writer), string(id)
	c.columns.jti, c.columns.fingerprint = fromBytes(jti), fromBytes(fingerprint)
	c.columns.lineage, c.columns.decision, c.columns.audience = fromBytes(lineage), fromBytes(decision), fromBytes(audience)
	c.columns.task = fromBytes(task)
	var err error
	c.record, err = raw.record()
	c.read = err == nil
	return c, nil
}
