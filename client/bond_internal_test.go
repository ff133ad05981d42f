package client

import (
	"fmt"
	"net/http"
	"testing"
)

// TestNoncesAreBounded: servers cannot fill the memory of a caller.
func TestNoncesAreBounded(t *testing.T) {
	b := &bond{nonces: map[string]string{}}
	for i := range 3 * maxNonces {
		server := fmt.Sprintf("https://s%d.example.test", i)
		if !b.learn(server, http.Header{"Dpop-Nonce": {"n"}}) || b.nonces[server] != "n" || len(b.nonces) > maxNonces {
			t.Fatalf("%d nonces", len(b.nonces))
		}
	}
	if !b.learn("https://s767.example.test", http.Header{"Dpop-Nonce": {"m"}}) || len(b.nonces) != maxNonces {
		t.Errorf("%d nonces after a new one of a known server", len(b.nonces))
	}
}
