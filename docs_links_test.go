package narrowcast_test

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notWord = regexp.MustCompile(`[^\pL\pN _-]`)
	fence   = regexp.MustCompile("(?s)(?:^|\n)```([a-z]*)\n(.*?)\n```")
)

// anchors returns the names by which the headings of a page can be linked to.
func anchors(page string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		plain := notWord.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}

// brokenLinks lists links of a page that lead nowhere inside the repository.
func brokenLinks(name, text string, exists func(string) bool, read func(string) string) []string {
	var broken []string
	for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		target, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(target, "://") {
			continue
		}
		page := text
		if target != "" {
			target = path.Join(path.Dir(name), target)
			if !exists(target) {
				broken = append(broken, m[1])
				continue
			}
			page = read(target)
		}
		if anchor != "" && !slices.Contains(anchors(page), anchor) {
			broken = append(broken, m[1])
		}
	}
	return broken
}

func TestLinksBetweenPagesResolve(t *testing.T) {
	pages := documents(t)
	exists := func(name string) bool { _, err := os.Stat(name); return err == nil }
	linked := 0
	for name, text := range pages {
		linked += len(link.FindAllString(text, -1))
		for _, target := range brokenLinks(name, text, exists, func(n string) string { return pages[n] }) {
			t.Errorf("%s: the link to %s leads nowhere", name, target)
		}
	}
	if linked == 0 {
		t.Error("no links at all: the pattern is wrong")
	}
}

func TestBrokenLinksAreSeen(t *testing.T) {
	const page = "# One door\n[a](b.md) [c](gone.md) [d](#one-door) [e](#two-doors) [f](b.md#there) [g](https://example.test/x)\n```\n[not](alink.md)\n```\n"
	got := brokenLinks("docs/a.md", page, func(n string) bool { return n == "docs/b.md" }, func(string) string { return "## There\n" })
	if want := []string{"gone.md", "#two-doors"}; !slices.Equal(got, want) {
		t.Errorf("broken = %q, want %q", got, want)
	}
}
