package incident

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// maxShown bounds how much of one text is shown, in bytes.
const maxShown = 512

// word shows a text that somebody else may have chosen, in a place where one
// word belongs. What could steer a terminal is made visible, and what could be
// taken for the end of the word puts all of it between quotes.
func word(s string) string { return shown(s, " ,;\"'()") }

// words is word for a place where several words belong.
func words(s string) string { return shown(s, "\"") }

// each shows a list of words.
func each(list []string) string {
	visible := make([]string, len(list))
	for i, s := range list {
		visible[i] = word(s)
	}
	if len(visible) == 0 {
		return "-"
	}
	return strings.Join(visible, " ")
}

func shown(s, quoted string) string {
	if s == "" {
		return "-"
	}
	cut := ""
	if len(s) > maxShown {
		cut = fmt.Sprintf("… (%d bytes)", len(s))
		s = s[:maxShown]
	}
	if strings.ContainsAny(s, quoted) || !plain(s) || s == "-" {
		return strconv.QuoteToASCII(s) + cut
	}
	return s + cut
}

// plain reports whether s is printable ASCII.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}
