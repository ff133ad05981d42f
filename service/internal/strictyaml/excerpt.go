package strictyaml

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

const maxExcerpt = 100

// excerpt shows the line of a fault with a mark below it. When width is set the
// line ends after that many characters from the mark: what follows may be a
// secret in the wrong place. The values before the mark on a line of several are
// left out for the same reason.
func (d *document) excerpt(at Position, width int) string {
	if d.secret || at.Line < 1 || at.Line > len(d.lines) || at.Column < 1 {
		return ""
	}
	line := []rune(strings.TrimRight(d.lines[at.Line-1], "\r"))
	start := min(at.Column-1, len(line))
	before, after := line[:start], line[start:]
	if i := strings.LastIndexAny(string(before), "{[,"); i >= 0 {
		before = []rune("… " + strings.TrimLeft(string(before)[i+1:], " "))
	}
	if width > 0 && width < len(after) {
		after = append(after[:width:width], []rune(" …")...)
	}
	if len(after) > maxExcerpt {
		after = append(after[:maxExcerpt:maxExcerpt], '…')
	}
	if len(before) > maxExcerpt {
		before = []rune("… ")
	}
	mark := strings.Repeat(" ", len(before)) + "^"
	text := clean(string(before)) + clean(string(after))
	number := fmt.Sprintf("%5d", at.Line)
	return number + " | " + text + "\n      | " + mark
}

// clean makes outside text safe to show: control characters become spaces, and
// whatever has the look of key material, a hash or a token is taken out.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) < shortestMaterial {
		return s
	}
	return material().ReplaceAllString(s, "…")
}

const shortestMaterial = 40

// material matches long runs without a dot, colon or hyphen break, as base64 and
// hashes have them; no name or address that people write looks like that.
func material() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9+/_=$-]{40,}`) }

// quote shows a value of the document in a message.
func quote(s string) string {
	s = clean(s)
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
