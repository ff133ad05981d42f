package settings_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

func TestHosted(t *testing.T) {
	s, err := settings.LoadIssuer("testdata/issuer/hosted.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Postgres{
		URL:          "postgres://narrowcast@db.example.test/narrowcast?sslmode=verify-full",
		PasswordFile: "testdata/issuer/pw", Schema: "acme", Connections: 8,
	}
	if !s.Hosted || s.Tenant != "acme" || s.Database != "" || s.Postgres != want {
		t.Errorf("%+v", s)
	}
}
