package postgres

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How long the parts of a conversation may take. The server's own limits are
// the shorter ones, so that its answer says what happened.
const (
	connectTimeout   = 5 * time.Second
	lockTimeout      = 10 * time.Second
	statementTimeout = 30 * time.Second
	attemptTimeout   = 40 * time.Second // of one transaction with all its statements
	idleTimeout      = 10 * time.Second // of a transaction that nobody goes on with
)

// maxMessage bounds what the server may send at once: a file of a revision.
const maxMessage = 128 << 20

// link knows the way to the schema.
type link struct {
	base     *pgx.ConnConfig // without the password
	address  string
	password string // the file, or ""
	schema   string
	where    string // for people: host and database
	channel  string
	most     int
	now      func() time.Time
}

func newLink(c Config, readOnly bool) (*link, error) {
	c, u, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("URL cannot be used: %w", clean(context.Background(), err))
	}
	l := &link{
		base: base, address: u.String(), password: c.PasswordFile, schema: c.Schema,
		where: place(u), channel: "narrowcast/" + c.Schema, most: c.Connections, now: c.Now,
	}
	l.settle(readOnly)
	return l, nil
}

func place(u *url.URL) string {
	if u.Host == "" {
		return u.Query().Get("host") + u.Path
	}
	return u.Host + u.Path
}

// settle replaces whatever the environment of the process said.
func (l *link) settle(readOnly bool) {
	dialer := &net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	b := l.base
	b.Password = ""
	b.DialFunc = dialer.DialContext
	b.ConnectTimeout = connectTimeout
	b.MaxProtocolMessageBodyLen = maxMessage
	b.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	if b.TLSConfig == nil && l.password != "" {
		// Whoever sits on the port while the server is away must not get the
		// password by asking for it.
		b.RequireAuth = "scram-sha-256"
	}
	b.RuntimeParams = map[string]string{
		"application_name": "narrowcast",
		// Temporary tables come last, so that none stands in for ours.
		"search_path": `"` + l.schema + `", pg_temp`,
		// What is read behind the lock of the head must be what others committed.
		"default_transaction_isolation":       "read committed",
		"lock_timeout":                        milliseconds(lockTimeout),
		"statement_timeout":                   milliseconds(statementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleTimeout),
		// Every question has its index. What the planner guesses of a young table
		// must not become a walk through an old one.
		"enable_seqscan": "off",
		"jit":            "off",
		// One plan for each question: planning costs more than most answers.
		"plan_cache_mode": "force_generic_plan",
	}
	if readOnly {
		b.RuntimeParams["default_transaction_read_only"] = "on"
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// unlock puts the password in, as it is now.
func (l *link) unlock(_ context.Context, c *pgx.ConnConfig) error {
	if l.password == "" {
		return nil
	}
	var err error
	c.Password, err = readPassword(l.password)
	return err
}

// connect opens one connection.
func (l *link) connect(ctx context.Context) (*pgx.Conn, error) {
	c := l.base.Copy()
	if err := l.unlock(ctx, c); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := insistOnFlush(ctx, conn); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

// pool opens connections when they are needed.
func (l *link) pool(ctx context.Context) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(l.address)
	if err != nil {
		return nil, err
	}
	c.ConnConfig = l.base.Copy()
	c.BeforeConnect, c.AfterConnect = l.unlock, insistOnFlush
	c.MaxConns, c.MinConns = int32(l.most), 0 //nolint:gosec // G115: at most MaxConnections
	c.MaxConnIdleTime = 5 * time.Minute
	return pgxpool.NewWithConfig(ctx, c)
}

// insistOnFlush makes commits durable on this connection and refuses a server
// that does not flush. A stronger setting stays.
func insistOnFlush(ctx context.Context, conn *pgx.Conn) error {
	var flushes bool
	if err := conn.QueryRow(ctx, sqlInsist).Scan(&flushes, new(string)); err != nil {
		return err
	}
	if !flushes {
		return errNoFlush
	}
	return nil
}

// hangUp closes a connection; the server takes back what was not committed.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
