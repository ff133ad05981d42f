package vectors_test

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/vectors"
)

// prefix returns one file of the corpus.
func prefix(t testing.TB) string {
	t.Helper()
	text, err := fs.ReadFile(vectors.Files(), vectors.Path("audience.prefix"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseReadsWhatEncodeWrites(t *testing.T) {
	for _, v := range all(t) {
		text, err := v.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := vectors.Parse(text)
		if err != nil || !reflect.DeepEqual(again, v) {
			t.Errorf("%s: comes back as %+v, %v", v.ID, again, err)
		}
	}
}

func TestParseSkipsUnknownKeys(t *testing.T) {
	text := strings.Replace(prefix(t), "\nreason: ", "\nshoe-size: 43\nreason: ", 1)
	v, err := vectors.Parse([]byte(text))
	if err != nil || v.ID != "audience.prefix" {
		t.Errorf("v = %+v, err = %v", v, err)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	replaced := func(old, with string) string { return strings.Replace(prefix(t), old, with, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":               {"", "an empty line"},
		"another version":       {replaced("vector: 1", "vector: 2"), "line 1"},
		"no empty line":         {"narrowcast-vector: 1\nid: a\n", "an empty line"},
		"no line break at end":  {strings.TrimSuffix(prefix(t), "\n"), "a line break"},
		"no colon":              {replaced("cwe: 863", "cwe 863"), "line 9"},
		"a known key twice":     {replaced("\ncwe: 863", "\ncwe: 863\ncwe: 863"), `key "cwe" stands twice`},
		"no audience":           {replaced("\naudience: https://pay.example.test", ""), `key "audience" is missing`},
		"an odd audience":       {replaced("\naudience: https://pay.example.test", "\naudience: https://PAY.example.test"), `key "audience"`},
		"no issuer":             {replaced("\nissuer: https://issuer.example.test keys/issuer.json", ""), `key "issuer" is missing`},
		"an issuer alone":       {replaced(" keys/issuer.json", ""), `key "issuer"`},
		"an unknown reason":     {replaced("audience_mismatch", "bad_mood"), `key "reason"`},
		"an unknown verdict":    {replaced("verdict: reject", "verdict: maybe"), `key "verdict"`},
		"an unknown algorithm":  {replaced("ES384", "HS256"), `key "algorithms"`},
		"a time in words":       {replaced("2027-01-15T08:00:00Z", "today"), `key "now"`},
		"a negative skew":       {replaced("skew-seconds: 5", "skew-seconds: -5"), `key "skew-seconds"`},
		"accepted with reason":  {replaced("verdict: reject", "verdict: accept"), "neither reason nor control"},
		"rejected, no control":  {replaced("control: right.es256\n", ""), "a reason and a control"},
		"strict that says no":   {replaced("cwe: 863", "strict: no"), `key "strict"`},
		"too many header lines": {replaced("cwe: 863", strings.TrimSpace(strings.Repeat("x: y\n", 200))), "more than"},
		"too many issuers":      {replaced("issuer: ", strings.Repeat("issuer: https://issuer.example.test keys/issuer.json\n", 20)+"issuer: "), "stands more than"},
		"a term of nobody":      {replaced("\nalgorithms", "\nterm: https://nobody.example.test ambient-issuer\nalgorithms"), `key "term"`},
		"a term without issuer": {replaced("\nalgorithms", "\nterm: ambient-issuer\nalgorithms"), `key "term"`},
		"an unknown term":       {replaced("\nalgorithms", "\nterm: https://issuer.example.test mood good\nalgorithms"), `key "term"`},
		"a term before":         {replaced("\nissuer", "\nterm: https://issuer.example.test ambient-issuer\nissuer"), `key "term"`},
		"too long":              {prefix(t) + strings.Repeat("x", 200<<10) + "\n", "longer than"},
	} {
		if _, err := vectors.Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v; want one that says %q", name, err, c.want)
		}
	}
	if _, err := vectors.Parse([]byte(prefix(t))); err != nil {
		t.Errorf("the text that all of these were made from: %v", err)
	}
}

func TestTokensKeepEveryByte(t *testing.T) {
	for id, end := range map[string]string{"shape.line-break-after": "\n", "shape.space-after": " ", "shape.nul-byte": "\x00"} {
		v, err := vectors.Find(id)
		if err != nil || !strings.HasSuffix(v.Token, end) {
			t.Errorf("%s: token ends in %q, err = %v", id, v.Token[max(0, len(v.Token)-3):], err)
		}
	}
}

func TestReadmeExplainsEveryKeyAndNeed(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all(t) {
		text, err := v.Encode()
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\n\n")
		for _, line := range strings.Split(head, "\n")[1:] {
			key, _, _ := strings.Cut(line, ":")
			if !bytes.Contains(readme, []byte("| `"+key+"` |")) {
				t.Errorf("README.md does not explain key %q", key)
			}
		}
		for _, need := range v.Needs {
			if !bytes.Contains(readme, []byte("`"+need+"`")) {
				t.Errorf("README.md does not explain need %q", need)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(prefix(f)))
	f.Add([]byte("narrowcast-vector: 1\n\n\n"))
	f.Add([]byte(strings.Replace(prefix(f), "\nalgorithms", "\nterm: https://issuer.example.test require a b%20c\nalgorithms", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := vectors.Parse(text)
		if err != nil {
			return
		}
		again, err := v.Encode()
		if err != nil {
			return // something that may be read and has no form of its own, such as a skew of zero
		}
		back, err := vectors.Parse(again)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%+v comes back as %+v, %v", v, back, err)
		}
	})
}
