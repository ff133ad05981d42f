package narrowcast_test

import (
	"go/parser"
	"go/token"
	"testing"
)

// Each rule is broken once here, beside code that looks alike and is fine.
func TestHouseRulesSeeWhatTheyForbid(t *testing.T) {
	cases := map[string]struct {
		source string
		want   string // the rule, or "" for code that is fine
	}{
		"init":                   {"func init() {}", "init"},
		"a method called init":   {"type x int\nfunc (x) init() {}", ""},
		"panic":                  {"func f() { panic(1) }", "panic"},
		"panic in must":          {"func mustF() { panic(1) }", ""},
		"print":                  {"import \"fmt\"\nfunc f() { fmt.Println(1) }", "print"},
		"print to a writer":      {"import (\"fmt\"; \"io\")\nfunc f(w io.Writer) { fmt.Fprintln(w, 1) }", ""},
		"exit":                   {"import \"os\"\nfunc f() { os.Exit(1) }", "exit"},
		"the clock":              {"import \"time\"\nvar _ = time.Unix(0, 0)\nfunc f() any { return time.Now }", "clock"},
		"a given clock":          {"import \"time\"\ntype c struct{ Now func() time.Time }\nfunc f(c c) any { return c.Now() }", ""},
		"a counter":              {"var n = 0\nfunc f() { n++ }", "variable"},
		"a map that grows":       {"var m = map[string]int{}\nfunc f() { m[\"a\"] = 1 }", "variable"},
		"a map that shrinks":     {"var m = map[string]int{}\nfunc f() { delete(m, \"a\") }", "variable"},
		"an address":             {"var n = [1]int{}\nfunc f() *int { return &n[0] }", "variable"},
		"a lock":                 {"import \"sync\"\nvar l = &sync.Mutex{}\n", "variable"},
		"no value yet":           {"var n int\n", "variable"},
		"exported":               {"var Table = [1]int{}\n", "variable"},
		"an error":               {"import \"errors\"\nvar ErrX = errors.New(\"x\")\n", ""},
		"a table":                {"var table = [...]string{\"a\"}\nfunc f(i int) string { return table[i] }", ""},
		"a local of that name":   {"var n = 0\nfunc f() { n := 1; n++ }", ""},
		"a check of a type":      {"type i interface{}\nvar _ i = 1\n", ""},
		"another local variable": {"func f() { var n int; n++ }", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			checkHouseCase(t, "x.go", "package x\n"+c.source, c.want)
		})
	}
	t.Run("skip in a test", func(t *testing.T) {
		checkHouseCase(t, "x_test.go", "package x\nfunc TestX(t *testing.T) { t.Skip() }", "skip")
	})
	t.Run("sleep in a test", func(t *testing.T) {
		checkHouseCase(t, "x_test.go", "package x\nfunc TestX(t *testing.T) { time.Sleep(1) }", "sleep")
	})
	t.Run("sleep in a bubble", func(t *testing.T) {
		checkHouseCase(t, "x_test.go", "package x\nimport \"testing/synctest\"\nfunc TestX(t *testing.T) { time.Sleep(1) }", "")
	})
}

func checkHouseCase(t *testing.T, name, source, want string) {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := houseBreaches(set, []houseFile{{name, syntax}})
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("breaches = %+v, want none", found)
	case want != "" && (len(found) == 0 || found[0].rule != want):
		t.Errorf("breaches = %+v, want rule %q", found, want)
	}
}
