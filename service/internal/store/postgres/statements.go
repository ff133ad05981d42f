package postgres

// Everything that is said to the server, save for the pages of a walk, which
// selection writes. A test prepares each of these.
const (
	sqlBegin    = "BEGIN"
	sqlCommit   = "COMMIT"
	sqlRollback = "ROLLBACK"

	sqlInsist = `SELECT current_setting('fsync')::boolean, set_config('synchronous_commit',
		CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`

	// What an append says before it knows its numbers.
	sqlLockHead = "SELECT number, hash FROM head FOR UPDATE"
	// The writer is hidden from the planner: it must look ids up, not walk through
	// all that one writer wrote.
	sqlKept = `SELECT w.n, b.number, b.received, b.hash, b.event
		FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS w (id, writer, n)
		JOIN book b ON b.id = w.id AND b.writer || ''::bytea = w.writer`
	sqlUsed = `SELECT w.n, o.until
		FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS w (space, id, n)
		JOIN once o ON o.space = w.space AND o.id = w.id`

	sqlTasksNow = `SELECT t.task FROM unnest($1::bytea[]) AS w (id) JOIN tasks t ON t.id = w.id`

	// And after.
	sqlInsert = `INSERT INTO book (number, received, hash, event,
			writer, id, type, time, jti, fingerprint, lineage, decision, audience, task)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[],
			$5::bytea[], $6::bytea[], $7::text[], $8::bigint[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[])`
	sqlUse = `INSERT INTO once (space, id, until) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])
		ON CONFLICT (space, id) DO UPDATE SET until = excluded.until`
	// More at a time than one batch adds, so that the table does not grow.
	sqlForget = `DELETE FROM once WHERE (space, id) IN
		(SELECT space, id FROM once WHERE until <= $1 ORDER BY until LIMIT 10000)`
	sqlSaveTasks = `INSERT INTO tasks (id, parent, client, opened, due, ended, task)
		SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])
		ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, client = excluded.client,
		opened = excluded.opened, due = excluded.due, ended = excluded.ended, task = excluded.task`
	sqlMoveHead = "UPDATE head SET number = $1, hash = $2"

	sqlHeadNumber = "SELECT number FROM head"
	// The sub-select must be done by the index of times, whatever the planner
	// thinks of the first and the last number. Both ends are included, because
	// times beyond what an integer holds are kept as the last one.
	sqlBetween = `WITH hit AS MATERIALIZED (SELECT number FROM book WHERE time >= $1 AND time <= $2)
		SELECT min(number), max(number) FROM hit`
	sqlLinks = `SELECT ` + recordColumns + `, writer, id, type, time, jti, fingerprint, lineage, decision, audience, task
		FROM book WHERE number > $1 ORDER BY number LIMIT $2`

	sqlLockRevisions  = "LOCK TABLE revisions IN SHARE ROW EXCLUSIVE MODE"
	sqlLatestNumber   = "SELECT coalesce(max(number), 0) FROM revisions"
	sqlInsertRevision = "INSERT INTO revisions (number, applied, author, digest) VALUES ($1, $2, $3, $4)"
	sqlInsertFiles    = `INSERT INTO revision_files (revision, name, content)
		SELECT $1::bigint, f.name, f.content FROM unnest($2::bytea[], $3::bytea[]) AS f (name, content)`
	sqlLatest     = "SELECT number, applied, author, digest FROM revisions ORDER BY number DESC LIMIT 1"
	sqlRevisionAt = "SELECT number, applied, author, digest FROM revisions WHERE applied <= $1 ORDER BY number DESC LIMIT 1"
	sqlRevision   = "SELECT number, applied, author, digest FROM revisions WHERE number = $1"
	sqlFiles      = "SELECT name, content FROM revision_files WHERE revision = $1"

	sqlLockKeys = "LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE"
	sqlOldKey   = "SELECT algorithm, public, private IS NULL FROM keys WHERE id = $1"
	sqlSaveKey  = `INSERT INTO keys (id, algorithm, public, private, published, active, retired, gone)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET private = excluded.private,
		published = excluded.published, active = excluded.active, retired = excluded.retired, gone = excluded.gone`
	sqlKeys = "SELECT id, algorithm, public, private, published, active, retired, gone FROM keys ORDER BY published, id"

	sqlTask      = "SELECT task FROM tasks WHERE id = $1"
	sqlDropTasks = `DELETE FROM tasks WHERE id IN
		(SELECT id FROM tasks WHERE ended < $1 ORDER BY ended, id LIMIT $2)`

	sqlNotify = "SELECT pg_notify($1, '')"

	sqlLiving  = "SELECT space, id, until FROM once WHERE until > $1"
	sqlIsEmpty = `SELECT NOT EXISTS (SELECT FROM book) AND NOT EXISTS (SELECT FROM revisions)
		AND NOT EXISTS (SELECT FROM keys) AND NOT EXISTS (SELECT FROM once) AND NOT EXISTS (SELECT FROM tasks) AND (SELECT number = 0 FROM head)`
	sqlNoHurry = `SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true),
		set_config('lock_timeout', '60s', true)`

	sqlSchema = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
		EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1),
		EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relname = 'narrowcast_migrations')`
	sqlLockSchema       = "SELECT pg_advisory_xact_lock(hashtextextended('narrowcast/' || $1::text, 0))"
	sqlCreateMigrations = `CREATE TABLE narrowcast_migrations
		(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied BIGINT NOT NULL)`
	sqlMigrations = "SELECT number, checksum FROM narrowcast_migrations ORDER BY number"
	sqlMigrated   = "INSERT INTO narrowcast_migrations (number, name, checksum, applied) VALUES ($1, $2, $3, $4)"
)
