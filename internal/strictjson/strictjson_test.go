package strictjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

func TestObjectVisitsMembersInOrder(t *testing.T) {
	var got []string
	err := strictjson.Object(" {\"a\" : \"x\\n\\u00e9\\ud83d\\ude00\",\t\"b\":-1.5e+3,\n\"c\":[1,\"\"] , \"d\":{\"e\":null},\"f\":true,\"g\":false,\"h\":null,\"\":{}}\r", func(name string, v strictjson.Value) error {
		got = append(got, fmt.Sprintf("%s=%d:%s", name, v.Kind(), v.Raw()))
		return nil
	})
	want := []string{
		"a=4:x\né😀", "b=3:-1.5e+3", `c=5:[1,""]`, `d=6:{"e":null}`, "f=2:true", "g=2:false", "h=1:null", "=6:{}",
	}
	if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("members = %q, %v", got, err)
	}
}

func TestObjectRefuses(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"one object", `{"a":1}`, nil},
		{"empty object", `{}`, nil},
		{"as deep as allowed", deep(15), nil},
		{"objects as deep as allowed", objects(16), nil},
		{"names that differ in case", `{"a":1,"A":2}`, nil},
		{"one name in two objects", `{"a":{"a":1}}`, nil},
		{"too deep", deep(16), strictjson.ErrTooDeep},
		{"objects too deep", objects(17), strictjson.ErrTooDeep},
		{"far too deep", deep(5000), strictjson.ErrTooDeep},
		{"name twice", `{"a":1,"a":1}`, strictjson.ErrDuplicate},
		{"name twice, once escaped", `{"a":1,"\u0061":1}`, strictjson.ErrDuplicate},
		{"empty name twice", `{"":1,"":1}`, strictjson.ErrDuplicate},
		{"name twice in depth", `{"x":[[{"a":1,"a":1}]]}`, strictjson.ErrDuplicate},
		{"name twice among many", "{" + names(20) + `,"n3":1}`, strictjson.ErrDuplicate},
		{"as many as allowed", "{" + names(strictjson.MaxMembers) + "}", nil},
		{"too many", "{" + names(strictjson.MaxMembers+1) + "}", strictjson.ErrTooMany},
		{"nothing", ``, strictjson.ErrSyntax},
		{"space", ` `, strictjson.ErrSyntax},
		{"a list", `[]`, strictjson.ErrSyntax},
		{"a text", `"a"`, strictjson.ErrSyntax},
		{"null", `null`, strictjson.ErrSyntax},
		{"junk behind", `{}x`, strictjson.ErrSyntax},
		{"two objects", `{}{}`, strictjson.ErrSyntax},
		{"zero byte behind", "{}\x00", strictjson.ErrSyntax},
		{"byte order mark", "\ufeff{}", strictjson.ErrSyntax},
		{"space that JSON does not know", "\u00a0{}", strictjson.ErrSyntax},
		{"not UTF-8", "{\"a\":\"\xff\"}", strictjson.ErrSyntax},
		{"surrogate as UTF-8", "{\"a\":\"\xed\xa0\x80\"}", strictjson.ErrSyntax},
		{"comma behind", `{"a":1,}`, strictjson.ErrSyntax},
		{"comma in a list", `{"a":[1,]}`, strictjson.ErrSyntax},
		{"comma alone", `{,}`, strictjson.ErrSyntax},
		{"no comma", `{"a":1 "b":2}`, strictjson.ErrSyntax},
		{"no colon", `{"a" 1}`, strictjson.ErrSyntax},
		{"no value", `{"a":}`, strictjson.ErrSyntax},
		{"no name", `{:1}`, strictjson.ErrSyntax},
		{"name without quotes", `{a:1}`, strictjson.ErrSyntax},
		{"single quotes", `{'a':1}`, strictjson.ErrSyntax},
		{"comment", `{/**/}`, strictjson.ErrSyntax},
		{"open object", `{"a":1`, strictjson.ErrSyntax},
		{"open list", `{"a":[1`, strictjson.ErrSyntax},
		{"list closed as object", `{"a":[1}}`, strictjson.ErrSyntax},
		{"open text", `{"a":"`, strictjson.ErrSyntax},
		{"open escape", `{"a":"\`, strictjson.ErrSyntax},
		{"escape that is none", `{"a":"\x41"}`, strictjson.ErrSyntax},
		{"escape in a name that is none", `{"\a":1}`, strictjson.ErrSyntax},
		{"escaped line break", "{\"a\":\"\\\n\"}", strictjson.ErrSyntax},
		{"short escape", `{"a":"\u12"}`, strictjson.ErrSyntax},
		{"signed escape", `{"a":"\u+123"}`, strictjson.ErrSyntax},
		{"lone high surrogate", `{"a":"\ud800"}`, strictjson.ErrSyntax},
		{"lone low surrogate", `{"a":"\udc00"}`, strictjson.ErrSyntax},
		{"surrogates in the wrong order", `{"a":"\udc00\ud800"}`, strictjson.ErrSyntax},
		{"lone surrogate in depth", `{"a":[{"b":"\ud800"}]}`, strictjson.ErrSyntax},
		{"control character", "{\"a\":\"\t\"}", strictjson.ErrSyntax},
		{"leading zero", `{"a":01}`, strictjson.ErrSyntax},
		{"plus", `{"a":+1}`, strictjson.ErrSyntax},
		{"minus alone", `{"a":-}`, strictjson.ErrSyntax},
		{"point alone", `{"a":1.}`, strictjson.ErrSyntax},
		{"point first", `{"a":.1}`, strictjson.ErrSyntax},
		{"exponent alone", `{"a":1e}`, strictjson.ErrSyntax},
		{"exponent with two signs", `{"a":1e+-1}`, strictjson.ErrSyntax},
		{"hexadecimal", `{"a":0x1}`, strictjson.ErrSyntax},
		{"not a number", `{"a":NaN}`, strictjson.ErrSyntax},
		{"True", `{"a":True}`, strictjson.ErrSyntax},
		{"cut word", `{"a":tru`, strictjson.ErrSyntax},
		{"long word", `{"a":nulll}`, strictjson.ErrSyntax},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := strictjson.Object(test.text, nil); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

func names(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"n%d":%d`, i, i)
	}
	return b.String()[1:]
}

func TestVisitEndsTheWalk(t *testing.T) {
	stop, seen := errors.New("enough"), 0
	err := strictjson.Object(`{"a":1,"b":2}`, func(string, strictjson.Value) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("error %v after %d members", err, seen)
	}
}

// member returns the value of "a".
func member(t testing.TB, text string) (v strictjson.Value) {
	t.Helper()
	if err := strictjson.Object(`{"a":`+text+`}`, func(_ string, found strictjson.Value) error { v = found; return nil }); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValuesAreOfOneKind(t *testing.T) {
	if s, ok := member(t, `"x"`).Text(); s != "x" || !ok {
		t.Errorf("text = %q, %t", s, ok)
	}
	if !member(t, `true`).True() || member(t, `false`).True() || member(t, `"true"`).True() || member(t, `1`).True() {
		t.Error("True is not only the literal true")
	}
	for _, text := range []string{`1`, `true`, `null`, `["x"]`, `{"x":1}`} {
		if s, ok := member(t, text).Text(); ok {
			t.Errorf("%s is the text %q", text, s)
		}
	}
	for _, text := range []string{`1`, `"{}"`, `"[]"`, `null`} {
		v := member(t, text)
		if v.Object(nil) == nil || v.Elements(nil) == nil {
			t.Errorf("%s can be walked", text)
		}
	}
	if member(t, `[]`).Object(nil) == nil || member(t, `{}`).Elements(nil) == nil {
		t.Error("a list is an object")
	}
	if (strictjson.Value{}).Kind() != strictjson.Absent {
		t.Error("the zero value is something")
	}
}

func TestElementsAndMembersOfValues(t *testing.T) {
	var got []string
	collect := func(v strictjson.Value) error { got = append(got, v.Raw()); return nil }
	if err := member(t, "[ 1 , \"x\" ,\n[2,3], {\"b\":[ ]} ,null]").Elements(collect); err != nil || strings.Join(got, "|") != `1|x|[2,3]|{"b":[ ]}|null` {
		t.Errorf("elements = %q, %v", got, err)
	}
	got = nil
	if err := member(t, `[ ]`).Elements(collect); err != nil || len(got) != 0 {
		t.Errorf("elements = %q, %v", got, err)
	}
	stop := errors.New("enough")
	if err := member(t, `[1,2]`).Elements(func(strictjson.Value) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error = %v", err)
	}
	err := member(t, `{"b":{"c":"d"}}`).Object(func(_ string, v strictjson.Value) error {
		return v.Object(func(name string, v strictjson.Value) error { got = append(got, name+v.Raw()); return nil })
	})
	if err != nil || strings.Join(got, "|") != "cd" {
		t.Errorf("members = %q, %v", got, err)
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "1": 1, "1800000000": 1800000000, "1800000000.0": 1800000000, "1.8e9": 1800000000, "1800000000.999": 1800000000,
		"0.5": 0, "253402300799": 253402300799, "1E0": 1,
	} {
		if got, ok := member(t, text).Date(); got != want || !ok {
			t.Errorf("%s = %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"-1", "-0.5", "253402300800", "999999999999", "9999999999999", "1e99", "1e999", "18446744073709551617", `"1"`, "null", "true", "[1]"} {
		if got, ok := member(t, text).Date(); ok {
			t.Errorf("%s = %d", text, got)
		}
	}
}
