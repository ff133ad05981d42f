package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// fits refuses a house that would share something with another one: its name,
// its address, its book or its master key.
func (st *street) fits(dir string, s settings.Issuer) error {
	if !s.Hosted {
		return fmt.Errorf("%s: hosted: true is missing in %s", dir, settingsFile)
	}
	others := []*house{st.first}
	for _, t := range st.houses {
		others = append(others, t.house)
	}
	for _, other := range others {
		if what := shared(other.settings, s); what != "" {
			return fmt.Errorf("%s and the house of %s share %s", dir, other.settings.Issuer, what)
		}
	}
	return nil
}

// shared names what two houses would share, or "".
func shared(o, s settings.Issuer) string {
	theirs, ours := pathOf(o.Issuer.String()), pathOf(s.Issuer.String())
	switch {
	case o.Tenant == s.Tenant:
		return "the name of the tenant"
	case o.Issuer == s.Issuer:
		return "the issuer"
	case o.Issuer.String() != "" && theirs == ours:
		return "the path of the issuer; tenants of one process differ by path"
	case takesDoor(ours, theirs), takesDoor(theirs, ours):
		return "the path of a door: that of one begins with a door of the other"
	case o.Database != "" && sameFile(o.Database, s.Database), o.Database == "" && o.Postgres.URL == s.Postgres.URL && o.Postgres.Schema == s.Postgres.Schema:
		return "the store"
	case sameFile(o.MasterKeyFile, s.MasterKeyFile):
		return "the master key"
	}
	return ""
}

// takesDoor reports whether the path of an issuer is, or lies below, a door of
// the issuer at base: requests go to the longest path, so that door would be shut.
func takesDoor(path, base string) bool {
	below, is := strings.CutPrefix(path, base+"/")
	first, _, _ := strings.Cut(below, "/")
	return is && slices.Contains([]string{".well-known", "admin", "events", "feed", "introspect", "jwks", "revoke", "status", "tasks", "token", "uses"}, first)
}

// sameFile also sees through links.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	one, errOne := os.Stat(a)
	two, errTwo := os.Stat(b)
	return errOne == nil && errTwo == nil && os.SameFile(one, two)
}

func pathOf(issuer string) string {
	_, rest, _ := strings.Cut(issuer, "://")
	_, path, found := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if !found {
		return ""
	}
	return "/" + path
}
