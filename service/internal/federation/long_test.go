package federation_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// Somebody who may choose a sub cannot write the one under which another, longer
// one is known.
func TestNobodyIsCalledByTheDigestOfAnother(t *testing.T) {
	long, err := federation.Subject(federation.OIDC, token{"iss": other, "sub": strings.Repeat("x", 300)})
	if err != nil || len(long) != 256 {
		t.Fatal(long, err)
	}
	_, sub, _ := strings.Cut(long, ":sub:")
	if again, err := federation.Subject(federation.OIDC, token{"iss": other, "sub": sub}); err != nil || again == long {
		t.Errorf("%q is the subject of two, %v", again, err)
	}
}
