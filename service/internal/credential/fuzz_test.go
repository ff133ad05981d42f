package credential

import (
	"strings"
	"testing"
)

// FuzzParse: whatever a file holds, reading it neither panics nor repeats it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://issuer.example.test","client_id":"c","algorithm":"ES256","private_key":"-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"}`))
	f.Add([]byte(`{"issuer":"https://issuer.example.test"}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parse(raw)
		if err == nil && (c.Issuer.IsZero() || c.Client == "" || c.Signer() == nil) {
			t.Errorf("accepted half a credential: %v", c)
		}
		if err != nil && len(raw) > 40 && strings.Contains(err.Error(), string(raw)) {
			t.Error("the error repeats the content")
		}
	})
}
