//go:build !fast

package pgtest_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

func TestServerComesAndGoes(t *testing.T) {
	s := pgtest.Start(t)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		c, err := net.Dial("tcp", u.Host)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	for _, step := range []struct {
		name string
		do   func() error
		want bool // that it answers
	}{
		{"nothing", func() error { return nil }, true}, {"Stop", s.Stop, false}, {"Stop again", s.Stop, false},
		{"Resume", s.Resume, true}, {"Restart", s.Restart, true}, {"Kill and Resume", func() error { return errors.Join(s.Kill(), s.Resume()) }, true},
		{"Stop at last", s.Stop, false},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if answers() != step.want {
			t.Errorf("after %s: answers %v", step.name, !step.want)
		}
	}
	password, err := os.ReadFile(s.PasswordFile)
	if err != nil || len(password) < 20 || strings.Contains(s.URL(), strings.TrimSpace(string(password))) {
		t.Errorf("the password: %d bytes, %v", len(password), err)
	}
	if a, b := s.Schema(), s.Schema(); a == b {
		t.Errorf("twice the schema %s", a)
	}
}
