package mint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

const requestHere = `[{"type":"urn:narrowcast:request","locations":["https://pay.example.test"],"method":"GET","target":"/a"}]`

func furtherLetter() mint.Letter {
	l := letter()
	l.Lineage, l.Parent = "t-00", "t-0"
	l.Actors = []narrowcast.Subject{"orch", "agent"}
	l.MayAct, l.Details, l.SingleUse = "data", requestHere, true
	l.Status = mint.Status{URI: "https://issuer.example.test/status/1", Index: 7}
	return l
}

func TestFurtherClaimsAreWritten(t *testing.T) {
	press := newPress(t)
	text, err := press.Mint(furtherLetter())
	if err != nil {
		t.Fatal(err)
	}
	const want = `"jti":"t-1","lineage":"t-00","parent":"t-0","act":{"sub":"orch","act":{"sub":"agent"}},"may_act":{"sub":"data"},` +
		`"authorization_details":` + requestHere + `,"single_use":true,"status":{"status_list":{"idx":7,"uri":"https://issuer.example.test/status/1"}}}`
	if _, payload := decoded(t, text); !strings.HasSuffix(payload, want) {
		t.Errorf("payload = %s", payload)
	}
	l := letter()
	l.Status.URI = "https://issuer.example.test/status/1" // the first place of a list is a place
	text, err = press.Mint(l)
	if _, payload := decoded(t, text); err != nil || !strings.HasSuffix(payload, `"jti":"t-1","status":{"status_list":{"idx":0,"uri":"https://issuer.example.test/status/1"}}}`) {
		t.Errorf("payload = %s, %v", payload, err)
	}
}

func TestFurtherClaimsAreChecked(t *testing.T) {
	press := newPress(t)
	most := furtherLetter()
	most.Actors = slices.Repeat([]narrowcast.Subject{narrowcast.Subject(strings.Repeat("a", 256))}, narrowcast.MaxActors)
	if _, err := press.Mint(most); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for _, test := range []struct {
		name, want string
		spoil      func(*mint.Letter)
	}{
		{"a parent without a root", "Lineage", func(l *mint.Letter) { l.Lineage = "" }},
		{"its own parent", "Parent", func(l *mint.Letter) { l.Parent = l.ID }},
		{"too many actors", "Actors", func(l *mint.Letter) { l.Actors = append(most.Actors, "a") }},
		{"an empty actor", "actor", func(l *mint.Letter) { l.Actors = []narrowcast.Subject{"a", ""} }},
		{"a long actor", "actor", func(l *mint.Letter) { l.Actors = []narrowcast.Subject{most.Actors[0] + "a"} }},
		{"an actor that is not UTF-8", "UTF-8", func(l *mint.Letter) { l.Actors = []narrowcast.Subject{"\xff"} }},
		{"a long party", "MayAct", func(l *mint.Letter) { l.MayAct = most.Actors[0] + "a" }},
		{"a parent that is not UTF-8", "UTF-8", func(l *mint.Letter) { l.Parent = "\xff" }},
		{"details that are an object", "Details", func(l *mint.Letter) { l.Details = `{"type":"a"}` }},
		{"details without type", "Details", func(l *mint.Letter) { l.Details = `[{"a":1}]` }},
		{"a claim behind the details", "Details", func(l *mint.Letter) { l.Details = `[{"type":"a"}],"aud":"x"` }},
		{"a request elsewhere", "location", func(l *mint.Letter) { l.Details = strings.Replace(requestHere, "pay", "crm", 1) }},
		{"a place without a list", "Status", func(l *mint.Letter) { l.Status.URI = "" }},
		{"a place beyond every list", "Status", func(l *mint.Letter) { l.Status.Index = 1 << 32 }},
		{"a long address", "Status", func(l *mint.Letter) { l.Status.URI = strings.Repeat("u", 513) }},
		{"a token that nobody would read", "bytes", func(l *mint.Letter) {
			l.Actors, l.Details = most.Actors, `[{"type":"a","b":"`+strings.Repeat("b", 8000)+`"}]`
			l.Subject = narrowcast.Subject(strings.Repeat("s", 3000))
		}},
	} {
		l := furtherLetter()
		test.spoil(&l)
		if text, err := press.Mint(l); err == nil || text != "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %d bytes, %v", test.name, len(text), err)
		}
	}
}

// TestAssertionsHaveNoFurtherClaims: a client proves who it is and hands nothing on.
func TestAssertionsHaveNoFurtherClaims(t *testing.T) {
	press := newPress(t)
	if _, err := press.Mint(assertionTo("https://auth.example.test")); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for name, spoil := range map[string]func(*mint.Letter){
		"parent": func(l *mint.Letter) { l.Parent, l.Lineage = "t-0", "t-00" }, "actors": func(l *mint.Letter) { l.Actors = []narrowcast.Subject{"a"} },
		"may act": func(l *mint.Letter) { l.MayAct = "a" }, "details": func(l *mint.Letter) { l.Details = `[{"type":"a"}]` },
		"single use": func(l *mint.Letter) { l.SingleUse = true }, "status": func(l *mint.Letter) { l.Status.URI = "u" },
	} {
		l := assertionTo("https://auth.example.test")
		spoil(&l)
		if text, err := press.Mint(l); err == nil || text != "" {
			t.Errorf("%s: minted %q", name, text)
		}
	}
}
