package settings_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// TestPassthrough: a thumbprint of a certificate has two spellings and one meaning.
func TestPassthrough(t *testing.T) {
	g, err := settings.LoadGuard("testdata/guard/sender.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crm, data := narrowcast.MustAudience("https://crm.example.test"), narrowcast.MustAudience("https://data.example.test")
	const certificate = "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"
	want := []settings.Forwarder{
		{SPIFFE: "spiffe://corp.example/crm", Audience: crm},
		{Certificate: certificate, Audience: crm},
		{Certificate: certificate, Audience: data},
		{Key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Audience: crm},
	}
	if diff := cmp.Diff(want, g.Passthrough, cmp.Comparer(func(a, b narrowcast.Audience) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
