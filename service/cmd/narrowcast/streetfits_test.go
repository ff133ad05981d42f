package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// at is a house that shares nothing with one of another name.
func at(t *testing.T, name, path string) settings.Issuer {
	t.Helper()
	dir := t.TempDir()
	s := settings.Issuer{
		Issuer: narrowcast.MustIssuer("https://tokens.example.test" + path), Tenant: name, Hosted: true,
		Database: filepath.Join(dir, "book.db"), MasterKeyFile: filepath.Join(dir, "master.key"),
	}
	for _, file := range []string{s.Database, s.MasterKeyFile} {
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func link(t *testing.T, to string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestNoHouseShutsADoorOfAnother: whoever decides on the settings of one tenant
// gains nothing of the others, and takes nothing away from them.
func TestNoHouseShutsADoorOfAnother(t *testing.T) {
	host, acme := at(t, "host", ""), at(t, "acme", "/t/acme")
	st := &street{first: &house{settings: host}, houses: map[string]*tenancy{"acme": {house: &house{settings: acme}}}}
	for name, c := range map[string]struct {
		path   string
		change func(*settings.Issuer)
		want   string // "": it fits
	}{
		"beside":                    {path: "/t/other"},
		"below":                     {path: "/t/acme/north"},
		"with a door's name deeper": {path: "/t/acme/north/token"},
		"a name that begins alike":  {path: "/t/acme/tokens"},
		"the token endpoint":        {path: "/token", want: "door"},
		"that of a tenant":          {path: "/t/acme/token", want: "door"},
		"below that of a tenant":    {path: "/t/acme/token/x", want: "door"},
		"the keys":                  {path: "/jwks", want: "door"},
		"the events of a tenant":    {path: "/t/acme/events", want: "door"},
		"the administration":        {path: "/admin/v1", want: "door"},
		"the metadata of a tenant":  {path: "/t/acme/.well-known/openid-configuration", want: "door"},
		"the metadata":              {path: "/.well-known/openid-configuration/t/acme", want: "door"},
		"a link to a book":          {"/t/other", func(s *settings.Issuer) { s.Database = link(t, acme.Database) }, "the store"},
		"a link to a master key":    {"/t/other", func(s *settings.Issuer) { s.MasterKeyFile = link(t, acme.MasterKeyFile) }, "master key"},
	} {
		s := at(t, "other", c.path)
		if c.change != nil {
			c.change(&s)
		}
		err := st.fits("other", s)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	outer := &street{first: &house{settings: at(t, "host", "/h")}, houses: map[string]*tenancy{"in": {house: &house{settings: at(t, "in", "/t/new/token")}}}}
	if err := outer.fits("new", at(t, "new", "/t/new")); err == nil || !strings.Contains(err.Error(), "door") {
		t.Errorf("a house that comes later has its door shut: %v", err)
	}
}

// TestEveryDoorIsKept compares what a house serves with what no other may take.
func TestEveryDoorIsKept(t *testing.T) {
	s := openNeighbours(t)
	for _, n := range s.neighbours {
		for _, served := range n.house.api.Served() {
			if rest, own := strings.CutPrefix(served.Path, n.house.path+"/"); own && !strings.HasPrefix(served.Path, "/.well-known/") {
				first, _, _ := strings.Cut(rest, "/")
				if !takesDoor(n.house.path+"/"+first, n.house.path) {
					t.Errorf("another house could shut %s", served.Path)
				}
			}
		}
	}
}

// TestAHostedHouseAsksForCertificatesAsItsHostDoes: the listener is not its own.
func TestAHostedHouseAsksForCertificatesAsItsHostDoes(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	s := &theStreet{base: "http://127.0.0.1:1"}
	s.initialize(t, home, "--tenants", "--tenant", "host", "--issuer", s.base)
	s.initialize(t, filepath.Join(home, tenantsDir, "acme"), "--hosted", "--tenant", "acme", "--issuer", s.base+"/t/acme")
	s.furnish(t, filepath.Join(home, settingsFile), []string{"tls_ends_at_proxy: true", "certificate_header: {dialect: client-cert, from: [192.0.2.7]}"})
	a := command(home)
	read, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	st, err := a.openStreet(t.Context(), read, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.close() }()
	for _, h := range *st.open.Load() {
		if !slices.Equal(h.settings.CertificateHeader.From, read.CertificateHeader.From) || h.settings.CertificateHeader.Dialect != settings.ClientCert {
			t.Errorf("%s: %+v", h.settings.Tenant, h.settings.CertificateHeader)
		}
	}
}
