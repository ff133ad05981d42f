package httpapi

import (
	"net/url"
	"slices"
	"testing"
)

// FuzzForm compares with the reader of the standard library: what we accept, it
// reads the same way.
func FuzzForm(f *testing.F) {
	f.Add("a=1&b=2&a=3&c=&resource=x&resource=y")
	f.Add("a=%41+%2B&&=1&b")
	f.Add("a;b=%zz")
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseForm(body)
		if err != nil {
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("we read %q, the standard library says %v", body, err)
		}
		repeats := false
		for name, values := range want {
			values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
			if !slices.Equal(got.all(name), values) {
				t.Errorf("%q: %q = %q, want %q", body, name, got.all(name), values)
			}
			repeats = repeats || len(values) > 1 && name != "resource" && name != "audience"
		}
		if got.repeats() != repeats || len(got) > maxParameters {
			t.Errorf("%q: repeats = %t", body, got.repeats())
		}
	})
}
