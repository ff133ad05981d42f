package registry_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// Every piece of a registry on the page about federation is accepted as it
// stands.
func TestFederationPageLoads(t *testing.T) {
	page, err := os.ReadFile("../../../docs/federation.md")
	if err != nil {
		t.Fatal(err)
	}
	files := federated(t)
	delete(files, "registry.yaml")
	files["tls/partner-ca.pem"] = files["tls/ca.pem"]
	blocks := regexp.MustCompile("(?s)\n```yaml\n(issuers:.*?)\n```").FindAllStringSubmatch(string(page), -1)
	for _, block := range blocks {
		s, err := registry.Load(with(files, "page.yaml", block[1]+"\n"))
		if err != nil {
			t.Errorf("%s\n%v", block[1], err)
			continue
		}
		if changes := registry.Lines(registry.Diff(nil, s)); strings.Contains(changes, "; ") {
			t.Errorf("the page shows what the plan warns of:\n%s", changes)
		}
	}
	if len(blocks) < 9 {
		t.Errorf("the page has %d pieces of a registry", len(blocks))
	}
}
