package narrowcast_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	libraryPath = "github.com/narrowcast-io/narrowcast"
	servicePath = libraryPath + "/service"
)

// The table of walls: what each room may import of our own, besides the
// standard library. docs/architecture.md explains it. Rooms are written without
// the module path, the root of the library as ".", rooms of the service with a
// leading "service/". A trailing "/*" stands for everything below.
//
// A room that is not in the table is an error: decide whom it may know first.
var libraryWalls = map[string]string{
	"internal/strictjson": "",
	"internal/jose":       "internal/strictjson",
	".":                   "internal/jose internal/strictjson",
	"jwks":                ". internal/jose",
	"profile":             ".",
	"event":               ". internal/jose internal/strictjson",
	"dpop":                ". internal/jose internal/strictjson",
	"mint":                ". internal/jose",
	"client":              ". dpop event mint",
	"feed":                ". event",
	"guard":               ". dpop event feed",
	"report":              ". event",
	"once":                ".",
	"statuslist":          ". internal/jose internal/strictjson",
	"internal/forge":      ". mint profile internal/jose",
	"vectors":             ". internal/jose",
	// The generator is apart, so that readers of the vectors do not carry the forge.
	"vectors/internal/corpus":       ". vectors internal/forge",
	"vectors/internal/corpus/write": "vectors/internal/corpus",
	"probe":                         ". event internal/forge vectors",
	"narrowcasttest":                "*",
}

var serviceWalls = map[string]string{
	"service/internal/strictyaml":            "",
	"service/internal/policy":                ".",
	"service/internal/federation":            ".",
	"service/internal/registry":              ". service/internal/federation service/internal/policy service/internal/strictyaml",
	"service/internal/settings":              ". profile service/internal/strictyaml",
	"service/internal/store":                 ". event",
	"service/internal/store/storetest":       ". event service/internal/store",
	"service/internal/store/sqlite":          ". event service/internal/store",
	"service/internal/store/postgres":        ". event service/internal/store",
	"service/internal/store/postgres/pgtest": "",
	"service/internal/signer":                ".",
	"service/internal/keyring":               ". mint jwks event service/internal/store",
	"service/internal/spiffe":                ". jwks service/internal/trust/fetch",
	"service/internal/spiffe/spiffetest":     "",
	"service/internal/kubernetes":            "service/internal/trust/fetch",
	"service/internal/trust":                 ". jwks service/internal/kubernetes service/internal/registry service/internal/spiffe service/internal/trust/fetch",
	"service/internal/trust/fetch":           ". jwks",
	"service/internal/quota":                 "",
	"service/internal/task":                  ". event service/internal/store",
	"service/internal/revocation":            ". event feed service/internal/store",
	"service/internal/uses":                  ". event mint service/internal/store",
	"service/internal/status":                ". statuslist",
	"service/internal/runner":                "",
	"service/internal/measure":               ". guard jwks mint",
	"service/internal/letterbox":             ". event",
	"service/internal/introspect":            ". event mint service/internal/issuer service/internal/store",
	"service/internal/authn":                 ". service/internal/federation service/internal/issuer service/internal/registry service/internal/store",
	"service/internal/credential":            ".",
	"service/internal/metrics":               "",
	"service/internal/issuer":                ". mint event service/internal/policy service/internal/registry service/internal/store",
	"service/internal/incident":              ". event probe service/internal/registry service/internal/store",
	"service/internal/httpapi":               ". event guard service/internal/issuer service/internal/authn service/internal/introspect service/internal/registry service/internal/revocation service/internal/status service/internal/store service/internal/task service/internal/uses",
	"service/cmd/narrowcast":                 "*",
}

// boughtForTests are libraries that only tests may import, and suites of tests
// that drivers share.
var boughtForTests = []string{
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal",
	"pgregory.net/rapid",
}

// longestChain is how many rooms of one module may stand in a row.
const longestChain = 7

// listed is what go list says of a package.
type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Standard     bool
	Module       *struct{ Path string }
	Error        *struct{ Err string }
}

// goList asks the go command about packages; it never looks at the workspace.
func goList(t *testing.T, dir string, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Standard,Module,Error"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v\n%s", dir, err, &stderr)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("go list in %s: %v", dir, err)
		}
		all = append(all, p)
	}
}

// roomOf turns an import path of ours into the name used in the table.
func roomOf(importPath string) (name string, ours bool) {
	if importPath == libraryPath {
		return ".", true
	}
	return strings.CutPrefix(importPath, libraryPath+"/")
}

// breaches compares the imports of packages with the table.
func breaches(walls map[string]string, pkgs []listed) []string {
	var faults []string
	for _, p := range pkgs {
		name, _ := roomOf(p.ImportPath)
		allowed, known := walls[name]
		if !known {
			faults = append(faults, fmt.Sprintf("%s is not in the table of walls", name))
			continue
		}
		for _, imported := range p.Imports {
			if other, ours := roomOf(imported); ours && allowed != "*" && !slices.Contains(strings.Fields(allowed), other) {
				faults = append(faults, fmt.Sprintf("%s may not import %s", name, other))
			}
		}
	}
	return faults
}

// strays lists imports, those of tests included, that cross between the modules
// where nobody may.
func strays(pkgs []listed) []string {
	var faults []string
	for _, p := range pkgs {
		name, _ := roomOf(p.ImportPath)
		served := strings.HasPrefix(name, "service/")
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			other, ours := roomOf(imported)
			switch {
			case !ours:
			case !served && strings.HasPrefix(other, "service/"):
				faults = append(faults, fmt.Sprintf("%s is of the library and imports %s", name, other))
			case served && strings.HasPrefix(other, "internal/"):
				faults = append(faults, fmt.Sprintf("%s is of the service and imports %s of the library", name, other))
			}
		}
	}
	return faults
}

// longestRow returns the longest row of rooms of one module that import each other.
func longestRow(pkgs []listed) []string {
	imports := map[string][]string{}
	for _, p := range pkgs {
		imports[p.ImportPath] = p.Imports
	}
	memo := map[string][]string{}
	var from func(string) []string
	from = func(p string) []string {
		if known, ok := memo[p]; ok {
			return known
		}
		var longest []string
		for _, next := range imports[p] {
			if _, same := imports[next]; !same {
				continue
			}
			if row := from(next); len(row) > len(longest) {
				longest = row
			}
		}
		memo[p] = append([]string{p}, longest...)
		return memo[p]
	}
	var longest []string
	for _, p := range pkgs {
		if row := from(p.ImportPath); len(row) > len(longest) {
			longest = row
		}
	}
	return longest
}

// importSites maps each bought module to the rooms that import it outside tests.
func importSites(ours, all []listed) map[string][]string {
	module := map[string]string{}
	for _, p := range all {
		if p.Module != nil && !p.Standard {
			module[p.ImportPath] = p.Module.Path
		}
	}
	found := map[string][]string{}
	for _, p := range ours {
		name, _ := roomOf(p.ImportPath)
		for _, imported := range p.Imports {
			m := module[imported]
			if _, own := roomOf(m); m == "" || own || slices.Contains(found[m], name) {
				continue
			}
			found[m] = append(found[m], name)
		}
	}
	return found
}

func TestWallsOfTheLibrary(t *testing.T) {
	pkgs := goList(t, ".", "./...")
	for _, fault := range append(breaches(libraryWalls, pkgs), strays(pkgs)...) {
		t.Error(fault)
	}
	if row := longestRow(pkgs); len(row) > longestChain {
		t.Errorf("%d rooms in a row, at most %d are allowed: %v", len(row), longestChain, row)
	}
	for _, p := range pkgs {
		if p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
	}
}

func TestWallsOfTheService(t *testing.T) {
	pkgs := goList(t, "service", "./...")
	for _, fault := range append(breaches(serviceWalls, pkgs), strays(pkgs)...) {
		t.Error(fault)
	}
	if row := longestRow(pkgs); len(row) > longestChain {
		t.Errorf("%d rooms in a row, at most %d are allowed: %v", len(row), longestChain, row)
	}
	for _, p := range pkgs {
		if p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
	}
}

// The root of the library decides about text; it opens no socket and no file.
func TestRootKnowsNeitherNetworkNorFiles(t *testing.T) {
	for _, p := range goList(t, ".", ".") {
		for _, forbidden := range []string{"os", "net", "net/http", "os/exec", "syscall"} {
			if slices.Contains(p.Imports, forbidden) {
				t.Errorf("the root imports %s", forbidden)
			}
		}
	}
	if reachesPackage(goList(t, ".", "-deps", "."), "net/http") {
		t.Error("the root reaches net/http")
	}
}

// The desk can be tried and replaced without a wire: it never reaches net/http,
// not through any other room either.
func TestIssuerNeverReachesHTTP(t *testing.T) {
	pkgs := goList(t, "service", "-deps", "./internal/issuer")
	if !reachesPackage(pkgs, servicePath+"/internal/issuer") {
		t.Fatal("there is no issuer to look at")
	}
	if reachesPackage(pkgs, "net/http") {
		t.Error("the issuer reaches net/http")
	}
}

func reachesPackage(pkgs []listed, importPath string) bool {
	return slices.ContainsFunc(pkgs, func(p listed) bool { return p.ImportPath == importPath })
}

func TestLibraryRequiresNothing(t *testing.T) {
	for _, p := range goList(t, ".", "-deps", "-test", "./...") {
		if p.Module != nil && p.Module.Path != libraryPath {
			t.Errorf("the library reaches %s of module %s", p.ImportPath, p.Module.Path)
		}
	}
}

// A bought library can be replaced when one room knows it.
func TestOneSitePerBoughtLibrary(t *testing.T) {
	found := importSites(goList(t, "service", "./..."), goList(t, "service", "-deps", "./..."))
	for module, rooms := range found {
		// What stands in for a server speaks its protocol, as the server would.
		rooms := slices.DeleteFunc(slices.Clone(rooms), func(room string) bool { return room == "service/internal/spiffe/spiffetest" })
		if len(rooms) > 1 {
			t.Errorf("%s is imported by %d rooms, one is allowed: %v", module, len(rooms), rooms)
		}
		suite := func(room string) bool { return room == "service/internal/store/storetest" }
		if slices.Contains(boughtForTests, module) && !slices.ContainsFunc(rooms, suite) {
			t.Errorf("%s is for tests and is imported by %v", module, rooms)
		}
	}
}

// A requirement that nothing imports is furniture nobody uses.
func TestServiceImportsWhatItRequires(t *testing.T) {
	imported := map[string]bool{}
	for _, p := range goList(t, "service", "-deps", "-test", "./...") {
		if p.Module != nil {
			imported[p.Module.Path] = true
		}
	}
	for _, module := range directRequirements(t, "service/go.mod") {
		if !imported[module] {
			t.Errorf("service/go.mod requires %s and nothing imports it", module)
		}
	}
}

// directRequirements reads the modules that a go.mod requires for itself.
func directRequirements(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			inside = true
		case line == ")":
			inside = false
		case inside && line != "" && !strings.HasSuffix(line, "// indirect"):
			modules = append(modules, strings.Fields(line)[0])
		}
	}
	if len(modules) == 0 {
		t.Fatalf("%s requires nothing, which cannot be", name)
	}
	return modules
}
