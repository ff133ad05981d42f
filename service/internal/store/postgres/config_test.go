//go:build !fast

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres"
)

const hidden = "Tr0ub4dor-secret"

func secretFile(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigIsChecked(t *testing.T) {
	good := config(shared, shared.Schema())
	create(t, good) // the control
	for name, c := range map[string]struct {
		change func(c *postgres.Config)
		says   string
	}{
		"nothing":             {func(c *postgres.Config) { *c = postgres.Config{} }, "Now is required"},
		"no URL":              {func(c *postgres.Config) { c.URL = "" }, "postgres://role@host"},
		"key and value":       {func(c *postgres.Config) { c.URL = "host=127.0.0.1 password=" + hidden }, "postgres://role@host"},
		"password":            {func(c *postgres.Config) { c.URL = "postgres://u:" + hidden + "@127.0.0.1/db" }, "password in it"},
		"empty password":      {func(c *postgres.Config) { c.URL = "postgres://u:@127.0.0.1/db" }, "password in it"},
		"password in query":   {func(c *postgres.Config) { c.URL = "postgres://u@127.0.0.1/db?password=" + hidden }, "password in it"},
		"password of the key": {func(c *postgres.Config) { c.URL = "postgres://u@127.0.0.1/db?sslpassword=" + hidden }, "password in it"},
		"broken with a secret": {func(c *postgres.Config) { c.URL = "postgres://u:" + hidden + "%zz@127.0.0.1/db" },
			"postgres://role@host"},
		"broken port":      {func(c *postgres.Config) { c.URL = "postgres://u:" + hidden + "@127.0.0.1:x/db" }, "postgres://role@host"},
		"no role":          {func(c *postgres.Config) { c.URL = "postgres://127.0.0.1/db" }, "a role and a database"},
		"no database":      {func(c *postgres.Config) { c.URL = "postgres://u@127.0.0.1/" }, "a role and a database"},
		"no host":          {func(c *postgres.Config) { c.URL = "postgres://u@/db" }, "one host"},
		"service file":     {func(c *postgres.Config) { c.URL += "&servicefile=/etc/x" }, "not understood"},
		"prefer":           {func(c *postgres.Config) { c.URL = "postgres://u@db.example.test/db?sslmode=prefer" }, "verify-full"},
		"require":          {func(c *postgres.Config) { c.URL = "postgres://u@db.example.test/db?sslmode=require" }, "verify-full"},
		"clear text":       {func(c *postgres.Config) { c.URL = "postgres://u@db.example.test/db?sslmode=disable" }, "verify-full"},
		"mode twice":       {func(c *postgres.Config) { c.URL += "&sslmode=verify-full" }, "more than once"},
		"quote in schema":  {func(c *postgres.Config) { c.Schema = `a"b` }, "lower case"},
		"capital schema":   {func(c *postgres.Config) { c.Schema = "Book" }, "lower case"},
		"long schema":      {func(c *postgres.Config) { c.Schema = strings.Repeat("a", 49) }, "more than 48"},
		"system schema":    {func(c *postgres.Config) { c.Schema = "pg_catalog" }, "belongs to"},
		"public schema":    {func(c *postgres.Config) { c.Schema = "public" }, "belongs to"},
		"many connections": {func(c *postgres.Config) { c.Connections = 101 }, "1 to 100"},
		"no password file": {func(c *postgres.Config) { c.PasswordFile = "/nowhere" }, "reading the password"},
		"open file":        {func(c *postgres.Config) { c.PasswordFile = secretFile(t, hidden, 0o644) }, "chmod 600"},
		"empty file":       {func(c *postgres.Config) { c.PasswordFile = secretFile(t, "\n", 0o600) }, "one line"},
		"two lines":        {func(c *postgres.Config) { c.PasswordFile = secretFile(t, hidden+"\nmore\n", 0o600) }, "one line"},
	} {
		bad := good
		c.change(&bad)
		_, err := postgres.Open(context.Background(), bad)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: %v, want something about %q", name, err, c.says)
		}
	}
}

// All faults come at once.
func TestConfigFaultsAreJoined(t *testing.T) {
	_, err := postgres.Open(context.Background(), postgres.Config{Schema: "A", Connections: -1})
	for _, want := range []string{"URL", "Schema", "Connections", "Now"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word about %s: %v", want, err)
		}
	}
}

// wantQuiet fails when an error shows a secret in any form that a log may use.
func wantQuiet(t *testing.T, what string, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, form := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, secret := range secrets {
			if strings.Contains(form, secret) {
				t.Errorf("%s: the error shows a secret", what)
			}
		}
	}
}

func TestErrorsAreClearAndQuiet(t *testing.T) {
	ctx := context.Background()
	good := config(shared, shared.Schema())
	create(t, good)

	wrong := good
	wrong.PasswordFile = secretFile(t, hidden+"\n", 0o600)
	_, err := postgres.Open(ctx, wrong)
	wantQuiet(t, "wrong password", err, hidden)
	if err != nil && !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("wrong password: %v", err)
	}

	absent := good
	absent.URL = "postgres://u@127.0.0.1:1/db"
	absent.PasswordFile = wrong.PasswordFile
	_, err = postgres.Open(ctx, absent)
	wantQuiet(t, "no server", err, hidden)
	if err != nil && !strings.Contains(err.Error(), "refused") {
		t.Errorf("no server: %v", err)
	}

	missing := good
	missing.URL = strings.Replace(good.URL, "/narrowcast?", "/nowhere?", 1)
	if _, err := postgres.Open(ctx, missing); err == nil || !strings.Contains(err.Error(), `database "nowhere" does not exist`) {
		t.Errorf("no database: %v", err)
	}
}

// The environment of the process does not lead the store elsewhere.
func TestEnvironmentIsIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"PGPASSWORD": hidden, "PGUSER": "nobody", "PGHOST": "db.example.test", "PGPORT": "1", "PGDATABASE": "nowhere",
		"PGOPTIONS": "-c search_path=public", "PGSSLMODE": "require",
	} {
		t.Setenv(name, value)
	}
	s := create(t, config(shared, shared.Schema()))
	if _, err := s.Append(context.Background(), admin("a")); err != nil {
		t.Error(err)
	}
	none := config(shared, "nothing")
	none.PasswordFile = ""
	if _, err := postgres.Open(context.Background(), none); err == nil {
		t.Error("opened without a password")
	}
}

// A changed password is taken up without a restart.
func TestPasswordFileIsReadAgain(t *testing.T) {
	c := config(shared, shared.Schema())
	right, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	c.PasswordFile = secretFile(t, string(right), 0o600)
	c.Now = func() time.Time { return dayOne }
	s := create(t, c)
	if err := os.WriteFile(c.PasswordFile, []byte(hidden), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(context.Background(), admin("a")) // opens a connection
	wantQuiet(t, "with a wrong password", err, hidden, strings.TrimSpace(string(right)))
	if err := os.WriteFile(c.PasswordFile, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(context.Background(), admin("a")); err != nil {
		t.Errorf("with the right one again: %v", err)
	}
}
