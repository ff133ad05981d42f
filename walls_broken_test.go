package narrowcast_test

import (
	"slices"
	"strings"
	"testing"
)

// A wall that cannot fall in a test would not be seen falling. Each case takes
// one stone out.
func TestWallsFallWhenBroken(t *testing.T) {
	module := func(path string) *struct{ Path string } { return &struct{ Path string }{path} }
	cases := map[string]struct {
		got  []string
		want string
	}{
		"the root may not know a room above it": {
			breaches(libraryWalls, []listed{{ImportPath: libraryPath, Imports: []string{libraryPath + "/guard"}}}), ". may not import guard"},
		"a room nobody decided about": {
			breaches(libraryWalls, []listed{{ImportPath: libraryPath + "/util"}}), "util is not in the table"},
		"the reading room may not know the desk": {
			breaches(serviceWalls, []listed{{ImportPath: servicePath + "/internal/incident", Imports: []string{servicePath + "/internal/issuer"}}}), "may not import service/internal/issuer"},
		"the library may not know the service": {
			strays([]listed{{ImportPath: libraryPath + "/guard", XTestImports: []string{servicePath + "/internal/store"}}}), "guard is of the library"},
		"the service may not look inside the library": {
			strays([]listed{{ImportPath: servicePath + "/cmd/narrowcast", TestImports: []string{libraryPath + "/internal/jose"}}}), "internal/jose of the library"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if len(c.got) != 1 || !strings.Contains(c.got[0], c.want) {
				t.Errorf("faults = %q, want one with %q", c.got, c.want)
			}
		})
	}
	t.Run("a long row of rooms is measured", func(t *testing.T) {
		row := longestRow([]listed{{ImportPath: "a", Imports: []string{"b", "d"}}, {ImportPath: "b", Imports: []string{"c"}}, {ImportPath: "c"}, {ImportPath: "d"}})
		if !slices.Equal(row, []string{"a", "b", "c"}) {
			t.Errorf("row = %v", row)
		}
	})
	t.Run("two sites of one bought library are seen", func(t *testing.T) {
		found := importSites([]listed{
			{ImportPath: servicePath + "/internal/store/sqlite", Imports: []string{"bought.test/db", "os"}},
			{ImportPath: servicePath + "/internal/httpapi", Imports: []string{"bought.test/db/driver", libraryPath}},
		}, []listed{
			{ImportPath: "bought.test/db", Module: module("bought.test/db")},
			{ImportPath: "bought.test/db/driver", Module: module("bought.test/db")},
			{ImportPath: libraryPath, Module: module(libraryPath)},
			{ImportPath: "os", Standard: true},
		})
		if len(found) != 1 || len(found["bought.test/db"]) != 2 {
			t.Errorf("sites = %v", found)
		}
	})
	t.Run("what is allowed is no fault", func(t *testing.T) {
		good := []listed{{ImportPath: libraryPath + "/mint", Imports: []string{libraryPath, libraryPath + "/internal/jose", "crypto"}}}
		if faults := append(breaches(libraryWalls, good), strays(good)...); len(faults) > 0 {
			t.Errorf("faults = %q", faults)
		}
	})
}
