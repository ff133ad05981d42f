package probe_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/probe"
)

// naive is a door in the manner of many: it checks the signature by the
// algorithm of the header, the issuer and the expiry, and shares no code with
// the verifier but the signature itself.
func naive(t testing.TB) http.HandlerFunc {
	t.Helper()
	set, err := probeKeys(t).PublicSet()
	if err != nil {
		t.Fatal(err)
	}
	published, err := jose.ParseSet(string(set))
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if !trusting(published, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func trusting(published []jose.JWK, text string) bool {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss string
		Exp float64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decode(parts[0], &header) || !decode(parts[1], &claims) {
		return false
	}
	at := slices.IndexFunc(published, func(k jose.JWK) bool { return k.KeyID == header.Kid })
	alg, known := jose.Known(header.Alg)
	return at >= 0 && known && jose.Verify(alg, published[at].Public, []byte(parts[0]+"."+parts[1]), signature) == nil &&
		claims.Iss == issuer.String() && claims.Exp > float64(now().Unix())
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

func TestNaiveDoorIsFound(t *testing.T) {
	r := visit(t, naive(t), nil)
	never := []string{"signature", "issuer"}
	always := []string{"audience", "tenant", "scope", "lifetime", "sender"}
	for _, f := range r.Findings {
		switch {
		case f.Status == 0:
		case slices.Contains(always, f.Group) && f.Verdict != probe.NotEnforced:
			t.Errorf("%s: %s with %d, and this door does not check it", f.ID, f.Verdict, f.Status)
		case slices.Contains(never, f.Group) && f.Verdict == probe.NotEnforced:
			t.Errorf("%s: %s, and this door checks it", f.ID, f.Verdict)
		}
	}
	same(t, "swapped algorithms let in", where(r, func(f probe.Finding) bool {
		return f.Reason == narrowcast.AlgorithmMismatch && f.Verdict == probe.NotEnforced
	}), []string{"algorithm.rs256-key-ps256", "algorithm.ps256-key-rs256"})
	if r.Passed() {
		t.Error("the report says that all is well")
	}
}
