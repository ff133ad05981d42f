package narrowcast_test

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/narrowcast-io/narrowcast"
)

var (
	codePattern = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	asvsPattern = regexp.MustCompile(`^\d{1,2}\.\d{1,2}\.\d{1,2}$`)
)

func TestEveryReasonIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range narrowcast.Reasons() {
		code := r.String()
		switch {
		case !codePattern.MatchString(code):
			t.Errorf("reason %d has code %q", r, code)
		case seen[code]:
			t.Errorf("code %s stands for two reasons", code)
		case r.Sentence() == "" || unicode.IsUpper(rune(r.Sentence()[0])) || strings.HasSuffix(r.Sentence(), "."):
			t.Errorf("%s: sentence %q", code, r.Sentence())
		case r.Clause() == "":
			t.Errorf("%s names no clause", code)
		case r.CWE() <= 0:
			t.Errorf("%s has no CWE", code)
		case !asvsPattern.MatchString(r.ASVS()):
			t.Errorf("%s: ASVS %q", code, r.ASVS())
		}
		seen[code] = true
		if back, err := narrowcast.ParseReason(code); err != nil || back != r {
			t.Errorf("ParseReason(%s) = %v, %v", code, back, err)
		}
	}
	if first, last := narrowcast.Reasons()[0], narrowcast.Reasons()[len(seen)-1]; first != narrowcast.NotConfigured || last != narrowcast.InsufficientScope {
		t.Errorf("the catalogue runs from %s to %s", first, last)
	}
}

// TestEveryReasonHasAHeading: the page and the catalogue name the same reasons.
func TestEveryReasonHasAHeading(t *testing.T) {
	file, err := os.Open("docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	headings := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if code, ok := reasonHeading(lines.Text()); ok {
			headings[code]++
		}
	}
	for _, r := range narrowcast.Reasons() {
		if headings[r.String()] != 1 {
			t.Errorf("docs/reasons.md has %d headings for %s", headings[r.String()], r)
		}
		delete(headings, r.String())
	}
	for code := range headings {
		t.Errorf("docs/reasons.md has a heading for %s, which is not in the catalogue", code)
	}
}

// reasonHeading reads "## audience_mismatch", with or without backquotes.
func reasonHeading(line string) (code string, ok bool) {
	text, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
	if !ok || !strings.HasPrefix(line, "##") {
		return "", false
	}
	text = strings.Trim(strings.TrimSpace(text), "`")
	return text, codePattern.MatchString(text)
}

func TestReasonAboutAudience(t *testing.T) {
	about := map[narrowcast.Reason]bool{
		narrowcast.AudienceMissing: true, narrowcast.AudienceMalformed: true,
		narrowcast.AudienceMismatch: true, narrowcast.AudienceMultiple: true,
		narrowcast.AmbientAudience: true,
	}
	for _, r := range append(narrowcast.Reasons(), 0, 255) {
		if r.AboutAudience() != about[r] {
			t.Errorf("%s is about the audience: %t", r, r.AboutAudience())
		}
	}
}

func TestAnswersOfTheCatalogue(t *testing.T) {
	special := map[narrowcast.Reason]narrowcast.Answer{
		narrowcast.TokenMissing:      narrowcast.Challenge,
		narrowcast.RequestMalformed:  narrowcast.BadRequest,
		narrowcast.InsufficientScope: narrowcast.Forbidden,
	}
	for _, r := range narrowcast.Reasons() {
		if r.Answer() != special[r] { // the zero Answer is Unauthorized
			t.Errorf("%s is answered with %d", r, r.Answer())
		}
	}
	if narrowcast.Reason(255).Answer() != narrowcast.Unauthorized {
		t.Error("a reason outside the catalogue is not answered with 401")
	}
}

func TestReasonTravelsAsText(t *testing.T) {
	r := narrowcast.Expired
	if err := r.UnmarshalText(nil); err != nil || r != 0 {
		t.Errorf("empty text = %v, %v", r, err)
	}
	if err := r.UnmarshalText([]byte("no_such_reason")); err == nil {
		t.Error("an unknown code was read")
	}
	if err := r.UnmarshalText([]byte("audience_mismatch")); err != nil || r != narrowcast.AudienceMismatch {
		t.Errorf("reason = %v, %v", r, err)
	}
	if b, err := narrowcast.Reason(0).MarshalText(); err != nil || len(b) != 0 {
		t.Errorf("zero reason = %q, %v", b, err)
	}
}
