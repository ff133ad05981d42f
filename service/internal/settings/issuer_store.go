package settings

import (
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"time"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Postgres is where a PostgreSQL server is.
type Postgres struct {
	URL          string // without a password
	PasswordFile string
	Schema       string
	Connections  int
}

func postgresOptions() []option[Postgres] {
	return []option[Postgres]{
		{Option: Option{Key: "url", Required: true,
			Text: "postgres://USER@HOST:PORT/DATABASE, with ?sslmode=verify-full off this machine. No password stands here.",
			Gain: "presents another past: another book, another registry, other keys."},
			read: func(v sy.Value, s *Postgres) {
				var u *url.URL
				if parsed(&u, postgresURL, v.Secret()); u != nil {
					s.URL = u.String()
				}
			}},
		{Option: Option{Key: "password_file",
			Text: "The file with the password. Only its path stands here.",
			Gain: "keeps the issuer from starting."},
			read: func(v sy.Value, s *Postgres) { s.PasswordFile = path(v) }},
		{Option: Option{Key: "schema", Default: "narrowcast",
			Text: "The schema of the database that holds this issuer, and nothing else: one for each tenant.",
			Gain: "presents the past of another tenant."},
			read: func(v sy.Value, s *Postgres) { parsed(&s.Schema, schemaName, v) }},
		{Option: Option{Key: "connections", Default: "4",
			Text: "How many connections this process opens, 2 to 64.",
			Gain: "makes the issuer slower, or uses up the connections of the server."},
			read: func(v sy.Value, s *Postgres) {
				into(&s.Connections, func(v sy.Value) (int, bool) { return v.Int(2, 64) }, v)
			}},
	}
}

// postgresURL reads the address of a database. Its query is left to the driver,
// which knows the parameters.
func postgresURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql":
		return nil, errors.New("must be an address such as postgres://narrowcast@127.0.0.1:5432/narrowcast")
	case u.Query().Has("password"), u.User != nil && hasPassword(u.User):
		return nil, errors.New("must not carry a password; use password_file")
	case u.Fragment != "":
		return nil, errors.New("must not carry a fragment")
	}
	return u, nil
}

func hasPassword(u *url.Userinfo) bool {
	_, has := u.Password()
	return has
}

func schemaName(s string) (string, error) {
	if ok, _ := regexp.MatchString(`^[a-z_][a-z0-9_]{0,62}$`, s); !ok {
		return "", errors.New("must be 1 to 63 of a-z, 0-9 and _, and not begin with a digit")
	}
	return s, nil
}

func texts(v sy.Value, low, high int) (all []string) {
	v.List(low, high, func(v sy.Value) {
		if text, ok := v.Text(); ok {
			all = append(all, text)
		}
	})
	return all
}

// Signer is a program that keeps signing keys. The zero Signer is none.
type Signer struct {
	Command     []string // started as a child
	Environment []string // the names of the variables that the child sees
	Socket      string   // or listening there
	Timeout     time.Duration
	MakeHere    bool // new keys are made in software again
}

// IsZero reports whether there is none.
func (s Signer) IsZero() bool { return len(s.Command) == 0 && s.Socket == "" }

func signerOptions() []option[Signer] {
	return []option[Signer]{
		{Option: Option{Key: "command",
			Text: "The program and its arguments, one by one; no shell reads them. It runs as a child of the issuer. This or socket.",
			Gain: "runs a program of their choice as the issuer."},
			read: func(v sy.Value, s *Signer) {
				s.Command = texts(v, 1, 32)
				if len(s.Command) > 0 && !filepath.IsAbs(s.Command[0]) {
					v.Fault("must begin with the absolute path of a program")
				}
			}},
		{Option: Option{Key: "environment",
			Text: "The names of the environment variables that the program sees; it sees no others.",
			Gain: "hands variables of the issuer to the program."},
			read: func(v sy.Value, s *Signer) { s.Environment = texts(v, 0, 32) }},
		{Option: Option{Key: "socket",
			Text: "The Unix socket at which a running signer listens.",
			Gain: "makes the issuer publish keys of their choice at the next rotation, and sign with them."},
			read: func(v sy.Value, s *Signer) { s.Socket = path(v) }},
		{Option: Option{Key: "make_keys", Default: "signer",
			Text: "Where the next key is made: signer, or here, which is the way back to keys that are kept sealed in the store.",
			Gain: "moves signing out of the hardware at the next rotation."},
			read: func(v sy.Value, s *Signer) {
				where, _ := sy.OneOf(v, "signer", "here")
				s.MakeHere = where == "here"
			}},
		{Option: Option{Key: "timeout", Default: "5s",
			Text: "How long one signature may take, 100ms to 30s.",
			Gain: "makes requests wait, or fail."},
			read: func(v sy.Value, s *Signer) { into(&s.Timeout, duration(100*time.Millisecond, 30*time.Second), v) }},
	}
}
