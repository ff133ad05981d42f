package narrowcast_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
)

// nested writes a chain of n actors.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(`,"act":`)
		}
		fmt.Fprintf(&b, `{"sub":"a%d"`, i)
	}
	return b.String() + strings.Repeat("}", n)
}

func TestATokenSaysWhoActs(t *testing.T) {
	d := newDoor(t)
	payload := with(right, `"parent":"t-0","lineage":"t-00","act":`+nested(narrowcast.MaxActors)+`,"may_act":{"sub":"orch"},"status":{"status_list":{"uri":"https://issuer.example.test/status/1","idx":4294967295}}`)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, payload), narrowcast.Presentation{})
	actors := token.Actors()
	if token.Parent() != "t-0" || token.MayAct() != "orch" || len(actors) != narrowcast.MaxActors || actors[0] != "a0" || actors[7] != "a7" {
		t.Errorf("token = %+v", token.Describe())
	}
	actors[0] = "another"
	said := token.Describe()
	if token.Actors()[0] != "a0" || said.Parent != "t-0" || said.Actors[1] != "a1" || said.StatusAt != 4294967295 || said.StatusList == "" || said.SingleUse {
		t.Errorf("said = %+v", said)
	}
	plain := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	if plain.Parent() != "" || plain.MayAct() != "" || plain.Actors() != nil || plain.SingleUse() {
		t.Errorf("plain = %+v", plain.Describe())
	}
}

// oddForms are claims that are not understood, each with the claim's name.
var oddForms = []struct{ name, value string }{
	{"act", `[]`}, {"act", `[{"sub":"a"}]`}, {"act", `"a"`}, {"act", `null`}, {"act", `{}`}, {"act", `true`}, {"act", `{"sub":7}`}, {"act", `{"sub":""}`},
	{"act", `{"sub":null}`}, {"act", `{"sub":"a","iss":"https://other.example.test"}`}, {"act", `{"sub":"a","act":"b"}`}, {"act", `{"sub":"a","act":{}}`},
	{"act", `{"sub":"a","act":[{"sub":"b"}]}`}, {"act", `{"sub":"a","act":null}`}, {"act", `{"act":{"sub":"a"}}`}, {"act", `{"SUB":"a"}`},
	{"act", nested(narrowcast.MaxActors + 1)}, {"act", `{"sub":"` + strings.Repeat("a", 257) + `"}`},
	{"may_act", `[]`}, {"may_act", `"a"`}, {"may_act", `null`}, {"may_act", `{}`}, {"may_act", `{"sub":7}`}, {"may_act", `{"sub":"a","client_id":"b"}`},
	{"may_act", `{"sub":"a","act":{"sub":"b"}}`}, {"may_act", `{"sub":"a","act":null}`}, {"may_act", `{"client_id":"b"}`},
	{"authorization_details", `{}`}, {"authorization_details", `[]`}, {"authorization_details", `[{}]`}, {"authorization_details", `[{"type":1}]`}, {"authorization_details", `"a"`},
	{"authorization_details", `[{"type":"urn:narrowcast:request"}]`},
}

// oddHouseWords are the same for words that are this house's own.
var oddHouseWords = []struct{ name, value string }{
	{"parent", `1`}, {"parent", `null`}, {"parent", `["a"]`}, {"single_use", `"true"`}, {"single_use", `1`}, {"single_use", `null`}, {"single_use", `{}`},
	{"status", `"active"`}, {"status", `{}`}, {"status", `{"status_list":{}}`}, {"status", `{"status_list":[]}`}, {"status", `{"status_list":{"idx":1,"uri":"u"},"x":1}`}, {"status", `{"x":1,"status_list":{"idx":1,"uri":"u"}}`},
	{"status", `{"status_list":{"idx":1,"uri":"u","x":1}}`}, {"status", `{"status_list":{"idx":1,"uri":1}}`}, {"status", `{"status_list":{"idx":4294967296,"uri":"u"}}`},
	{"status", `{"status_list":{"idx":-1,"uri":"u"}}`}, {"status", `{"status_list":{"idx":1e1,"uri":"u"}}`}, {"status", `{"status_list":{"idx":"1","uri":"u"}}`}, {"status", `{"status_list":{"idx":99999999999999999999,"uri":"u"}}`},
}

func TestOddFormsAreMalformed(t *testing.T) {
	d := newDoor(t)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"act":{"sub":"a"},"may_act":{"sub":"a"},"authorization_details":[{"type":"a"}]`)), narrowcast.Presentation{})
	for _, odd := range slices.Concat(oddForms, oddHouseWords) {
		rej := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"`+odd.name+`":`+odd.value)), narrowcast.Presentation{}, narrowcast.ClaimMalformed)
		if rej.Detail != odd.name {
			t.Errorf("%s %s: detail %q", odd.name, odd.value, rej.Detail)
		}
	}
}

// TestForeignWordsAreNotOurs: an issuer with words of its own cannot make a token
// for one use or with a parent of ours by chance; who acts it says as the standard
// does, or its token is refused.
func TestForeignWordsAreNotOurs(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Issuers[0].Dialect.OwnWords = true })
	accept := func(name, value string) *narrowcast.Token {
		return mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"`+name+`":`+value)), narrowcast.Presentation{})
	}
	for _, odd := range oddHouseWords {
		if token := accept(odd.name, odd.value); token.Parent() != "" || token.SingleUse() || token.Describe().StatusList != "" {
			t.Errorf("%s %s: %+v", odd.name, odd.value, token.Describe())
		}
	}
	if token := accept("single_use", "true"); token.SingleUse() || token.Describe().SingleUse {
		t.Error("a foreign word was taken for ours")
	}
	if token := accept("parent", `"t-0"`); token.Parent() != "" || token.Describe().Parent != "" {
		t.Error("a foreign word was taken for ours")
	}
	if token := accept("act", `{"sub":"a","act":{"sub":"b"}}`); !slices.Equal(token.Actors(), []narrowcast.Subject{"a", "b"}) {
		t.Errorf("actors = %v", token.Actors())
	}
	for _, odd := range oddForms {
		mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"`+odd.name+`":`+odd.value)), narrowcast.Presentation{}, narrowcast.ClaimMalformed)
	}
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, describing(`"GET"`, `"/a"`, ""))), narrowcast.Presentation{}, narrowcast.TxnMismatch)
}

// TestMintedFurtherClaimsComeBack: what is written is read as it was meant.
func TestMintedFurtherClaimsComeBack(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Uses = &register{} })
	l := goodLetter()
	l.Lineage, l.Parent, l.Task = "t-00", "t-0", "job"
	l.Actors, l.MayAct = []narrowcast.Subject{"orch", `a"gent`}, "data"
	l.Details, l.SingleUse = `[{"type":"payment"}]`, true
	l.Status = mint.Status{URI: "https://issuer.example.test/status/1", Index: 0}
	text, err := pressOf(t, d.pen).Mint(l)
	if err != nil {
		t.Fatal(err)
	}
	token := mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
	said := token.Describe()
	if token.Parent() != "t-0" || !slices.Equal(token.Actors(), l.Actors) || token.MayAct() != "data" || !token.SingleUse() || said.StatusList != l.Status.URI || said.StatusAt != 0 || said.Lineage != "t-00" {
		t.Errorf("said = %+v", said)
	}
}

// TestPlainTokensCarryNoRoomForMore: what most tokens do not have costs them
// nothing but a pointer.
func TestPlainTokensCarryNoRoomForMore(t *testing.T) {
	d := newDoor(t)
	count := func(payload string) float64 {
		text := d.pen.sign(t, goodHead, payload)
		return testing.AllocsPerRun(20, func() {
			if _, err := narrowcast.Inspect(text); err != nil {
				t.Fatal(err)
			}
		})
	}
	if plain, more := count(right), count(with(right, `"single_use":false`)); plain > 4 || more != plain+1 {
		t.Errorf("a plain token makes %v allocations to read, one with a further claim %v", plain, more)
	}
}
