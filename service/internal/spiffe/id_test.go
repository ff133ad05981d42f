package spiffe_test

import (
	"strings"
	"testing"

	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

func TestIDs(t *testing.T) {
	for _, good := range []string{
		"spiffe://corp.example", checkout, "spiffe://corp_1.example-2/A.b_c-9", "spiffe://a/..." + strings.Repeat("x", 2000),
	} {
		id, err := spiffe.ParseID(good)
		if err != nil || id.String() != good {
			t.Errorf("%q: %q, %v", good, id, err)
		}
	}
	for _, bad := range []string{
		"", "spiffe://", "spiffe:///pay", "SPIFFE://corp.example/pay", "spiffe:/corp.example", "https://corp.example/pay",
		"spiffe://Corp.example/pay", "spiffe://corp.example:8443/pay", "spiffe://user@corp.example/pay", "spiffe://corp.example/",
		"spiffe://corp.example/pay/", "spiffe://corp.example//pay", "spiffe://corp.example/./pay", "spiffe://corp.example/a/../pay",
		"spiffe://corp.example/p%61y", "spiffe://corp.example/pay?a=1", "spiffe://corp.example/pay#", "spiffe://corp.example/pay ",
		"spiffe://corp.example/päy", "spiffe://" + strings.Repeat("a", 256) + "/pay", "spiffe://a/" + strings.Repeat("x", 2048),
	} {
		if id, err := spiffe.ParseID(bad); err == nil {
			t.Errorf("%q is read as %q", bad, id)
		}
	}
	if _, err := spiffe.ParseDomain(checkout); err == nil {
		t.Error("a workload passes for a trust domain")
	}
}

// FuzzParseID: what we take, go-spiffe takes and understands in the same way.
func FuzzParseID(f *testing.F) {
	f.Add(checkout)
	f.Add("spiffe://corp.example")
	f.Add("spiffe://corp.example/a/../b")
	f.Fuzz(func(t *testing.T, text string) {
		ours, err := spiffe.ParseID(text)
		if err != nil {
			return
		}
		theirs, err := spiffeid.FromString(text)
		if err != nil || theirs.TrustDomain().Name() != string(ours.Domain()) || theirs.Path() != ours.Path() || ours.String() != text {
			t.Fatalf("%q is %q to us and %q, %v to go-spiffe", text, ours, theirs, err)
		}
	})
}
