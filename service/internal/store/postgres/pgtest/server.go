// Package pgtest runs a real PostgreSQL server for tests: a cluster of its own
// in a directory of its own, on loopback, with a password. It knows how to
// take the server away and bring it back.
package pgtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	role = "narrowcast" // an ordinary one; the database has its name

	// How often another port is tried when somebody else took the free one.
	attempts = 5
)

// errMissing says what to do on a machine without the server.
var errMissing = errors.New("the PostgreSQL server is missing: install the Debian package postgresql")

// programs returns the directory of the newest server that Debian's packages
// have installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 is older than all
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// Server is one cluster with one database, named like its user.
type Server struct {
	// PasswordFile holds the password of the user; only its owner can read it.
	PasswordFile string

	programs  string // the directory of the server's programs
	dir, data string
	port      int
	as        account
	process   *os.Process
	ended     chan struct{} // closed when process ended; nil when none runs
}

// Start makes a cluster and starts it; the end of the test stops it and takes
// it away. Options are lines of postgresql.conf.
func Start(tb testing.TB, options ...string) *Server {
	tb.Helper()
	s, err := New(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// New is Start for those who have no test; they call Close.
func New(options ...string) (*Server, error) {
	s := &Server{}
	err := s.make(options)
	for i := 0; err == nil && i < attempts; i++ {
		if err = s.moveToFreePort(); err == nil {
			if err = s.Resume(); err == nil {
				return s, nil
			}
		}
	}
	return nil, errors.Join(fmt.Errorf("starting PostgreSQL for a test: %w", err), s.remove())
}

// URL names the server, the user and the database; the password is not in it.
func (s *Server) URL() string {
	u := url.URL{
		Scheme: "postgres", User: url.User(role), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/" + role, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Schema returns a name that no other caller gets.
func (s *Server) Schema() string {
	return "t_" + strings.ToLower(rand.Text())
}

// Close stops the server without waiting for anybody and takes its files away.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), s.remove())
}

func (s *Server) remove() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// make lays the cluster out. The directory is the server's account's, and the
// password file ours.
func (s *Server) make(options []string) error {
	var err error
	if s.programs, err = programs(); err != nil {
		return err
	}
	if s.as, err = serverAccount(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "pgtest-"); err != nil {
		return err
	}
	s.data, s.PasswordFile = filepath.Join(s.dir, "data"), filepath.Join(s.dir, "password")
	theirs := filepath.Join(s.dir, "initial")
	password := rand.Text()
	if err := errors.Join(os.WriteFile(s.PasswordFile, []byte(password+"\n"), 0o600), os.WriteFile(theirs, []byte(password+"\n"), 0o600),
		s.as.own(s.dir), s.as.own(theirs)); err != nil {
		return err
	}
	if err := s.run("", "initdb", "-D", s.data, "-U", "postgres", "--pwfile="+theirs, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}
	if err := s.makeRole(password); err != nil {
		return err
	}
	return s.configure(append([]string{
		"listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "shared_buffers = '32MB'",
		"max_wal_size = '256MB'", "logging_collector = off",
	}, options...))
}

// makeRole makes a role that owns its database and nothing else, while the
// server does not run: each line is one statement.
func (s *Server) makeRole(password string) error {
	return s.run(fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD '%[2]s'\nCREATE DATABASE %[1]s OWNER %[1]s\n", role, password),
		"postgres", "--single", "-D", s.data, "postgres")
}

// UseTLS starts the server again with a certificate and its key, in PEM.
func (s *Server) UseTLS(certificate, key []byte) error {
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(s.data, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), s.as.own(path)); err != nil {
			return err
		}
	}
	return errors.Join(s.configure([]string{"ssl = on"}), s.Restart())
}
