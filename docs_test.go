package narrowcast_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// documents returns the text of every page: those at the root and all of docs.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, place := range []string{".", "docs"} {
		err := filepath.WalkDir(place, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && place == "." && name != ".":
				return fs.SkipDir
			case d.IsDir() || path.Ext(name) != ".md":
				return nil
			}
			text, err := os.ReadFile(name)
			pages[filepath.ToSlash(name)] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages found", len(pages))
	}
	return pages
}

// Every page under docs can be reached from the README.
func TestEveryPageIsLinked(t *testing.T) {
	pages := documents(t)
	reached := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if _, isPage := pages[name]; !isPage || reached[name] {
			return
		}
		reached[name] = true
		for _, m := range link.FindAllStringSubmatch(pages[name], -1) {
			target, _, _ := strings.Cut(m[1], "#")
			visit(path.Join(path.Dir(name), target))
		}
	}
	visit("README.md")
	for name := range pages {
		if !reached[name] {
			t.Errorf("no way leads from the README to %s", name)
		}
	}
}

// docs/reasons.md says of every reason what reason.go says, and what to do.
func TestReasonsPageAgreesWithTheCatalogue(t *testing.T) {
	sections := map[string]string{}
	for section := range strings.SplitSeq(documents(t)["docs/reasons.md"], "\n## ") {
		title, body, _ := strings.Cut(section, "\n")
		sections[title] = body
	}
	status := map[narrowcast.Answer]string{narrowcast.Unauthorized: "401", narrowcast.Challenge: "401", narrowcast.BadRequest: "400", narrowcast.Forbidden: "403"}
	for _, r := range narrowcast.Reasons() {
		body := sections[r.String()]
		for _, want := range []string{
			"**The caller sees:** " + status[r.Answer()],
			"**What to do:** ",
			fmt.Sprintf("**Demanded by:** %s · CWE-%d · ASVS %s", r.Clause(), r.CWE(), r.ASVS()),
		} {
			if !strings.Contains(body, want) {
				t.Errorf("docs/reasons.md: %s lacks %q", r, want)
			}
		}
	}
}

// docs/laws.md names tests; they exist.
func TestLawsNameTestsThatExist(t *testing.T) {
	page := documents(t)["docs/laws.md"]
	_, byDir := houseFiles(t)
	declared := map[string]bool{}
	for _, files := range byDir {
		for _, f := range files {
			for _, name := range testsOf(f) {
				declared[name] = true
			}
		}
	}
	laws := strings.Split(page, "\n## ")[1:]
	if len(laws) != 7 {
		t.Errorf("docs/laws.md has %d laws, the package comment has 7", len(laws))
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	for _, law := range laws {
		title, body, _ := strings.Cut(law, "\n")
		tests := named.FindAllStringSubmatch(body, -1)
		if len(tests) == 0 && !strings.Contains(body, "Not built yet") {
			t.Errorf("docs/laws.md: law %q names no test", title)
		}
		for _, m := range tests {
			if !declared[m[1]] {
				t.Errorf("docs/laws.md: law %q names %s, which does not exist", title, m[1])
			}
		}
	}
}

// The laws on the page are those of the package comment, word by word.
func TestLawsPageQuotesThePackageComment(t *testing.T) {
	page := documents(t)["docs/laws.md"]
	source, err := os.ReadFile("narrowcast.go")
	if err != nil {
		t.Fatal(err)
	}
	laws := regexp.MustCompile(`(?m)^//  \d\. (.+)$`).FindAllStringSubmatch(string(source), -1)
	if len(laws) != 7 {
		t.Fatalf("the package comment has %d laws", len(laws))
	}
	for i, law := range laws {
		if want := fmt.Sprintf("## %d. %s\n", i+1, law[1]); !strings.Contains(page, want) {
			t.Errorf("docs/laws.md lacks %q", want)
		}
	}
}

// The README fits its promise: the story is on the first screen.
func TestReadmeFirstScreen(t *testing.T) {
	readme := documents(t)["README.md"]
	screen, _, found := strings.Cut(readme, "\n## ")
	if lines := strings.Count(screen, "\n"); !found || lines > 60 {
		t.Errorf("the part above the first heading has %d lines", lines)
	}
	for _, want := range []string{"go run ./service/cmd/narrowcast demo", "audience_mismatch", "narrowcast where", "401"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the first screen lacks %q", want)
		}
	}
	for n := 1; n <= 15; n++ {
		if !strings.Contains(readme, fmt.Sprintf("\n%d. ", n)) {
			t.Errorf("the README lacks item %d of what audience binding does not stop", n)
		}
	}
	if !strings.Contains(readme, "./check") {
		t.Error("the README does not name ./check")
	}
}

// Some words hide that something was not explained.
func TestPagesExplainInsteadOfClaiming(t *testing.T) {
	hollow := regexp.MustCompile(`(?i)\b(simply|obviously|seamless(ly)?|blazing(ly)?|military-grade|unbreakable|world-class|cutting-edge)\b`)
	for name, text := range documents(t) {
		for n, line := range strings.Split(text, "\n") {
			if word := hollow.FindString(line); word != "" {
				t.Errorf("%s:%d says %q", name, n+1, word)
			}
		}
	}
	if !hollow.MatchString("it Simply works") {
		t.Error("the pattern is wrong")
	}
}

// Examples use names that are reserved for examples (RFC 2606, RFC 6761), so
// that nobody's door is tried by mistake.
func TestExamplesUseReservedNames(t *testing.T) {
	address := regexp.MustCompile(`https?://([A-Za-z0-9.-]+)`)
	cited := []string{"www.rfc-editor.org", "datatracker.ietf.org", "owasp.org", "cwe.mitre.org", "go.dev", "www.apache.org", "keepachangelog.com", "h", "h.",
		// The issuers of the platforms, which are the same for everybody.
		"token.actions.githubusercontent.com", "accounts.google.com", "abc123.tokens.sts.global.api.aws", "sts.amazonaws.com", "sts.windows.net", "login.microsoftonline.com"}
	for name, text := range documents(t) {
		for _, m := range address.FindAllStringSubmatch(text, -1) {
			host := m[1]
			reserved := slices.ContainsFunc([]string{".test", ".example", ".invalid", "localhost", "127.0.0.1"}, func(s string) bool { return strings.HasSuffix(host, s) })
			if !reserved && !slices.Contains(cited, host) {
				t.Errorf("%s names the host %s", name, host)
			}
		}
	}
}

// The licence is the whole text, unchanged.
func TestLicence(t *testing.T) {
	text, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS", "9. Accepting Warranty or Additional Liability."} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("LICENSE lacks %q", want)
		}
	}
}
