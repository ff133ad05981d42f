package postgres

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Used yields the ids that are used up. They are as many as were used within
// the life of an assertion, so they are read in one go.
func (s *Store) Used(ctx context.Context) iter.Seq2[store.Once, error] {
	return func(yield func(store.Once, error) bool) {
		all, err := s.living(ctx)
		if err != nil {
			yield(store.Once{}, fmt.Errorf("reading used ids: %w", err))
			return
		}
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *Store) living(ctx context.Context) (all []store.Once, err error) {
	err = s.read(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sqlLiving, store.Instant(s.config.Now()))
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (store.Once, error) {
			var space, id []byte
			var until int64
			err := row.Scan(&space, &id, &until)
			return store.Once{Space: string(space), ID: string(id), Until: store.FromInstant(until)}, err
		})
		return err
	})
	return all, err
}

// Import fills an empty store. A lost connection is not tried again here: fill
// would have to begin anew.
func (s *Store) Import(ctx context.Context, fill func(store.Intake) error) error {
	if err := s.takeOver(ctx, fill); err != nil {
		return fmt.Errorf("taking over a store: %w", err)
	}
	s.bell.strike()
	return nil
}

func (s *Store) takeOver(ctx context.Context, fill func(store.Intake) error) error {
	if s.writer == nil {
		return ErrReadOnly
	}
	if s.shut.Load() {
		return store.ErrClosed
	}
	conn, err := s.link.connect(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	defer hangUp(conn) // and with it what was not committed
	if err := beginImport(ctx, conn); err != nil {
		return s.failed(ctx, err)
	}
	in := &intake{conn: conn}
	if err := fill(in); err != nil {
		return s.failed(ctx, err)
	}
	var end pgx.Batch
	end.Queue(sqlMoveHead, bound(in.number), in.hash[:])
	end.Queue(sqlCommit)
	return s.failed(ctx, conn.SendBatch(ctx, &end).Close())
}

// beginImport takes the locks that all who write take.
func beginImport(ctx context.Context, conn *pgx.Conn) error {
	var begin pgx.Batch
	begin.Queue(sqlBegin)
	begin.Queue(sqlNoHurry)
	begin.Queue(sqlLockHead)
	begin.Queue(sqlLockRevisions)
	begin.Queue(sqlLockKeys)
	var empty bool
	begin.Queue(sqlIsEmpty).QueryRow(func(row pgx.Row) error { return row.Scan(&empty) })
	if err := conn.SendBatch(ctx, &begin).Close(); err != nil {
		return err
	}
	if !empty {
		return store.ErrNotEmpty
	}
	return nil
}

// intake keeps what is handed over in the transaction of its connection.
type intake struct {
	conn   *pgx.Conn
	number uint64
	hash   [32]byte
}

func (in *intake) Records(ctx context.Context, records []store.Record) error {
	var rows recordRows
	for _, r := range records {
		if r.Number != in.number+1 {
			return fmt.Errorf("record %d does not follow record %d", r.Number, in.number)
		}
		in.number, in.hash = r.Number, r.Hash
		rows.add(r, columnsOf(r.Event))
	}
	_, err := in.conn.Exec(ctx, sqlInsert, rows.args()...)
	return clean(ctx, err)
}

func (in *intake) Revision(ctx context.Context, r store.Revision) error {
	var b pgx.Batch
	queueRevision(&b, r)
	return clean(ctx, in.conn.SendBatch(ctx, &b).Close())
}

func (in *intake) Key(ctx context.Context, k store.Key) error {
	var b pgx.Batch
	queueKey(&b, k)
	return clean(ctx, in.conn.SendBatch(ctx, &b).Close())
}

func (in *intake) Used(ctx context.Context, once []store.Once) error {
	spent := make(map[onceName]int64, len(once))
	for _, o := range once {
		spent[onceName{o.Space, o.ID}] = store.Instant(o.Until)
	}
	_, err := in.conn.Exec(ctx, sqlUse, spentArgs(spent)...)
	return clean(ctx, err)
}

func (in *intake) Tasks(ctx context.Context, tasks []store.Task) error {
	var rows taskRows
	for i := range tasks {
		if err := rows.add(&tasks[i]); err != nil {
			return fmt.Errorf("taking over task %s: %w", tasks[i].ID, err)
		}
	}
	_, err := in.conn.Exec(ctx, sqlSaveTasks, rows.args()...)
	return clean(ctx, err)
}
