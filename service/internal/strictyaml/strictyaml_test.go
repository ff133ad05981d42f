package strictyaml_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

var update = flag.Bool("update", false, "write the golden files")

// shop is what the tests read: every kind of value once.
type shop struct {
	Name   string
	Open   bool
	Seats  int
	Pause  time.Duration
	Until  time.Time
	Kind   string
	Tables []string
	Menu   map[string]string
}

func readShop(v strictyaml.Value) (s shop) {
	s.Menu = map[string]string{}
	v.Object(
		strictyaml.Field{Name: "name", Required: true, Read: func(v strictyaml.Value) { s.Name, _ = v.Text() }},
		strictyaml.Field{Name: "open", Read: func(v strictyaml.Value) { s.Open, _ = v.Bool() }},
		strictyaml.Field{Name: "seats", Read: func(v strictyaml.Value) { s.Seats, _ = v.Int(1, 99) }},
		strictyaml.Field{Name: "pause", Read: func(v strictyaml.Value) { s.Pause, _ = v.Duration(time.Second, time.Hour) }},
		strictyaml.Field{Name: "until", Read: func(v strictyaml.Value) { s.Until, _ = v.Until() }},
		strictyaml.Field{Name: "kind", Read: func(v strictyaml.Value) { s.Kind, _ = strictyaml.OneOf(v, "cafe", "inn") }},
		strictyaml.Field{Name: "tables", Read: func(v strictyaml.Value) {
			v.List(1, 3, func(v strictyaml.Value) {
				t, _ := v.Text()
				s.Tables = append(s.Tables, t)
			})
		}},
		strictyaml.Field{Name: "menu", Read: func(v strictyaml.Value) {
			v.Entries(3, func(_ strictyaml.Value, name string, v strictyaml.Value) { s.Menu[name], _ = v.Text() })
		}},
		strictyaml.Field{Name: "safe", Read: func(v strictyaml.Value) { v.Secret().Text() }},
	)
	return s
}

func load(name, text string) (shop, error) {
	var report strictyaml.Report
	v, ok := strictyaml.Read(&report, strictyaml.Source{Name: name, Text: []byte(text)})
	if !ok {
		return shop{}, report.Err()
	}
	s := readShop(v)
	return s, report.Err()
}

const good = `# a comment
name: "corner"
open: true
seats: 12
pause: 5m
until: 2027-03-31
kind: inn
tables: [a, 'b']
menu: {soup: "3"}
`

func TestReadsWhatIsAllowed(t *testing.T) {
	got, err := load("shop.yaml", good)
	if err != nil {
		t.Fatal(err)
	}
	want := shop{
		Name: "corner", Open: true, Seats: 12, Pause: 5 * time.Minute, Kind: "inn",
		Until:  time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC),
		Tables: []string{"a", "b"}, Menu: map[string]string{"soup": "3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFaults reads every testdata/*.yaml and compares the report with the .want
// file beside it.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = load(filepath.Base(file), string(text))
			if err == nil {
				t.Fatal("accepted")
			}
			compare(t, strings.TrimSuffix(file, ".yaml")+".want", err.Error()+"\n")
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestBounds(t *testing.T) {
	for name, text := range map[string]string{
		"too large":      "name: " + strings.Repeat("x", strictyaml.MaxBytes),
		"too deep":       "name: " + strings.Repeat("[", strictyaml.MaxDepth+1) + strings.Repeat("]", strictyaml.MaxDepth+1),
		"far too deep":   strings.Repeat("[", 20000),
		"not UTF-8":      "name: \xff",
		"UTF-16":         "\xff\xfen\x00",
		"NUL":            "name: a\x00",
		"empty":          "",
		"only a comment": "# nothing\n",
		"alias bomb":     "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nname: *c\n",
	} {
		if _, err := load("shop.yaml", text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDepthIsCounted(t *testing.T) {
	nested := func(n int) string { return "tables: " + strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := load("shop.yaml", nested(strictyaml.MaxDepth)); !strings.Contains(err.Error(), "nested deeper") {
		t.Error(err)
	}
	if _, err := load("shop.yaml", nested(strictyaml.MaxDepth-1)); strings.Contains(err.Error(), "nested deeper") {
		t.Error(err)
	}
}

func TestManyFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		b.WriteString("unknown_" + strings.Repeat("a", i%7) + string(rune('a'+i%26)) + strings.Repeat("b", i/26) + ": 1\n")
	}
	_, err := load("shop.yaml", b.String())
	var faults strictyaml.Faults
	if !errors.As(err, &faults) || len(faults) != strictyaml.MaxFaults+1 {
		t.Fatalf("%d faults", len(faults))
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const secret = "hunter2hunter2"
	for name, text := range map[string]string{
		"value of an unknown key":             "name: a\npassword: " + secret + "\n",
		"first key of a mapping with a fault": "password: " + secret + "\n",
		"neighbour on a flow line":            "{name: a, password: " + secret + ", seats: x}",
		"earlier on a flow line":              "{name: a, safe: " + secret + ", seats: x}",
		"wrong kind at a secret place":        "name: a\nsafe: [" + secret + "]\n",
		"number at a secret place":            "name: a\nsafe: 8472847284728472\n",
		"material in a shown place":           "name: a\nseats: eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9AAAAAAAAAAA\n",
		"material in a key":                   "name: a\neyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9AAAAAAAAAAA: 1\n",
		"material as an unknown anchor":       "name: *eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9AAAAAAAAAAA\n",
	} {
		_, err := load("shop.yaml", text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, hidden := range []string{secret, "847284728472", "eyJhbGciOiJFUzI1NiIsInR5cCI6"} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: the report shows it:\n%v", name, err)
			}
		}
	}
}

func TestSecretSourceIsNeverExcerpted(t *testing.T) {
	var report strictyaml.Report
	v, ok := strictyaml.Read(&report, strictyaml.Source{Name: "keys.json", Text: []byte(`{"keyz": 1, "d": "hidden"}`), Secret: true})
	if !ok {
		t.Fatal(report.Err())
	}
	v.Object(strictyaml.Field{Name: "keys", Required: true})
	err := report.Err()
	if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), " | ") {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(good)
	f.Add("a: &a [*a]\n")
	f.Add("name: \"\\u0000\\x1b\"\n<<: {x: 1}\n---\n")
	f.Add("{\"name\": \"x\", \"tables\": [\"a\"]}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := load("f.yaml", text)
		if err == nil && s.Name == "" {
			t.Fatal("accepted without its required key")
		}
		if err != nil && strings.ContainsAny(strings.ReplaceAll(err.Error(), "\n", ""), "\x00\x1b\r\x7f") {
			t.Fatalf("control characters in a report: %q", err)
		}
	})
}
