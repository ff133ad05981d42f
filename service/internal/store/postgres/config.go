package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Bounds and defaults.
const (
	DefaultSchema      = "narrowcast"
	DefaultConnections = 4
	MaxConnections     = 100

	maxSchema   = 48 // so that the name of the channel fits into PostgreSQL's 63 bytes
	maxPassword = 4 << 10
)

// Config says where the store is. URL and Now are required.
type Config struct {
	// URL names the server, the role and the database and must not contain a
	// password: postgres://narrowcast@db.example.test/narrowcast. Of the query
	// these are understood: sslmode (verify-full, verify-ca, disable),
	// sslrootcert, sslcert, sslkey, and host with the directory of a Unix socket.
	// Without sslmode it is verify-full, and disable on the same machine.
	URL string
	// PasswordFile holds the password of the role in one line, readable for its
	// owner alone. It is read for each new connection, so a changed password
	// needs no restart. Empty when the role needs none (a client certificate,
	// peer).
	PasswordFile string
	// Schema is where the tables are: one store in each. Lower case letters,
	// digits and underscores. Default DefaultSchema.
	Schema string
	// Connections bounds how many are open for reading and saving. One more is
	// for appending and, once Changed was called, one for listening. Default
	// DefaultConnections, at most MaxConnections.
	Connections int
	// Now is the clock of Record.Received and of Once.Until.
	Now func() time.Time
	// DangerouslyTrustAnyServer allows sslmode=require, which encrypts to whoever
	// answers, and sslmode=disable to another machine, which shows every record
	// to the network.
	DangerouslyTrustAnyServer bool

	_ struct{}
}

// withDefaults returns c complete, or everything that is wrong with it. No
// fault quotes the URL: it may hold a password that does not belong there.
func (c Config) withDefaults() (Config, *url.URL, error) {
	var errs []error
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.Connections == 0 {
		c.Connections = DefaultConnections
	}
	if c.Connections < 1 || c.Connections > MaxConnections {
		errs = append(errs, fmt.Errorf("Connections must be 1 to %d", MaxConnections))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("Now is required"))
	}
	u, err := c.address()
	errs = append(errs, err, checkSchemaName(c.Schema))
	if c.PasswordFile != "" {
		_, err := readPassword(c.PasswordFile)
		errs = append(errs, err)
	}
	return c, u, errors.Join(errs...)
}

// checkSchemaName lets only names through that need no quoting and are not
// PostgreSQL's own.
func checkSchemaName(name string) error {
	for i, r := range name {
		if (r < 'a' || r > 'z') && r != '_' && (i == 0 || r < '0' || r > '9') {
			return fmt.Errorf("Schema %q may have lower case letters, digits and underscores, and begins with no digit", name)
		}
	}
	switch {
	case len(name) > maxSchema:
		return fmt.Errorf("Schema %q has more than %d letters", name, maxSchema)
	case strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "public":
		return fmt.Errorf("Schema %q belongs to everybody or to the server", name)
	}
	return nil
}

// address reads the URL and settles how the server is known to be the right one.
func (c Config) address() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || c.URL == "" || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("URL must have the form postgres://role@host:port/database")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("URL has a query that cannot be read")
	}
	_, password := u.User.Password()
	if password || q.Has("password") || q.Has("sslpassword") {
		return nil, errors.New("URL has a password in it; put it into a file and name the file")
	}
	var errs []error
	for name, values := range q {
		switch name {
		case "sslmode", "sslrootcert", "sslcert", "sslkey", "host":
			if len(values) != 1 {
				errs = append(errs, fmt.Errorf("URL has %s more than once", name))
			}
		default:
			errs = append(errs, fmt.Errorf("URL has %q in its query, which is not understood", name))
		}
	}
	if u.User.Username() == "" || len(u.Path) < 2 || strings.Contains(u.Path[1:], "/") || u.Fragment != "" {
		errs = append(errs, errors.New("URL must name a role and a database"))
	}
	socket := q.Get("host")
	if (u.Hostname() == "") == (socket == "") || socket != "" && !strings.HasPrefix(socket, "/") || strings.Contains(u.Host, ",") {
		errs = append(errs, errors.New("URL must name one host, or the directory of a socket"))
	}
	errs = append(errs, c.checkMode(q, socket != "" || isLoopback(u.Hostname())))
	u.RawQuery = q.Encode()
	return u, errors.Join(errs...)
}

// checkMode refuses the modes of libpq that fall back to clear text without a
// word, and those that accept any server, unless that was asked for.
func (c Config) checkMode(q url.Values, near bool) error {
	mode := q.Get("sslmode")
	switch {
	case mode == "" && near:
		q.Set("sslmode", "disable")
	case mode == "":
		q.Set("sslmode", "verify-full")
	case mode == "verify-full":
	case mode == "verify-ca" && q.Get("sslrootcert") != "":
	case mode == "disable" && (near || c.DangerouslyTrustAnyServer):
	case mode == "require" && c.DangerouslyTrustAnyServer:
	default:
		return fmt.Errorf("URL has sslmode=%s, which does not say that the server is the right one; use verify-full", mode)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readPassword reads one line.
func readPassword(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("reading the password: others may read %s; run chmod 600 on it", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 || len(text) > maxPassword || bytes.ContainsAny(text, "\n\x00") {
		return "", fmt.Errorf("reading the password: %s does not hold one line of 1 to %d bytes", path, maxPassword)
	}
	return string(text), nil
}
