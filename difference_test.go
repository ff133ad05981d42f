package narrowcast_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

func TestDifferenceNamesNearMisses(t *testing.T) {
	for _, test := range []struct{ expected, received, want string }{
		{"https://h.example.test/a", "https://h.example.test/a/", "differs only by a trailing slash"},
		{"https://h.example.test/a/", "https://h.example.test/a", "differs only by a trailing slash"},
		{"https://h.example.test/a", "https://h.example.test/A", "differs only in letter case"},
		{"https://h.example.test", "https://H.example.test", "differs only in letter case"},
		{"https://h.example.test", " https://h.example.test\n", "differs only by white space"},
		{"https://h.example.test/~a", "https://h.example.test/%7Ea", "differs only by percent-encoding"},
		{"https://h.example.test/a", "https://h.example.test/a?b=1", "differs only by a query"},
		{"https://h.example.test/a", "https://h.example.test/a#b", "differs only by a fragment"},
		{"https://h.example.test", "http://h.example.test", "differs only by the scheme"},
		{"https://h.example.test", "https://h.example.test:8443", "differs only by the port"},
		{"https://h.example.test/a", "https://h.example.test/b", "same host, another path"},
		{"https://h.example.test", "https://h.example.test.evil.test", "begins with this audience and goes on"},
		{"api://payments/v2", "api://payments", "same host, another path"},
		{"payments-v2", "payments", "is only the beginning of this audience"},
		{"payments", "old-payments", "one contains the other"},

		{"https://h.example.test", "https://h.example.test", ""},
		{"https://h.example.test", "https://h.example.test/", ""},
		{"https://pay.example.test", "https://crm.example.test", ""},
		{"https://pay.example.test", "", ""},
		{"payments", "%", ""},
	} {
		if got := narrowcast.Difference(narrowcast.MustAudience(test.expected), test.received); got != test.want {
			t.Errorf("Difference(%q, %q) = %q, want %q", test.expected, test.received, got, test.want)
		}
	}
	if got := narrowcast.Difference(narrowcast.Audience{}, "x"); got != "" {
		t.Errorf("the zero audience differs: %q", got)
	}
}

// TestDifferenceNeverOpensADoor: whatever it calls near is still refused.
func TestDifferenceNeverOpensADoor(t *testing.T) {
	d := newDoor(t)
	text := d.pen.sign(t, goodHead, swap(t, right, `"`+pay+`"`, `"`+pay+`:8443"`))
	rej := mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	if rej.Near != "differs only by the port" || rej.Expected != pay || len(rej.Received) != 1 || rej.Received[0] != pay+":8443" {
		t.Errorf("rejection = %+v", rej)
	}
}
