package issuer_test

import (
	"context"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// crowd refuses genuine tokens of a platform where everybody has an account; one
// client shows an assertion a second time.
type crowd struct{}

func (crowd) Authenticate(_ context.Context, shown issuer.Credentials) (issuer.Identity, error) {
	return issuer.Identity{}, &issuer.Refusal{
		Ground: issuer.Unauthenticated, Client: narrowcast.ClientID(shown.ClientID), Assertion: &narrowcast.Rejection{Genuine: true, Reason: narrowcast.ClaimMismatch},
	}
}

// A token that some platform signed for somebody makes nobody known here: such
// people neither fill the book nor hide what happens to a client.
func TestHoldersOfForeignTokensAreStrangers(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d, book := open(t, func(c *issuer.Config) {
		c.Authenticator = crowd{}
		c.Now = func() time.Time { return now }
	})
	ask := func(client string, n int) {
		r := request
		r.Credentials.ClientID = client
		for range n {
			if _, err := d.Grant(t.Context(), r); ground(t, err) != issuer.Unauthenticated {
				t.Fatal(err)
			}
		}
	}
	ask("", 1000)
	if n := len(book.events); n != 50 {
		t.Errorf("%d records of 1 000 strangers, want 50", n)
	}
	ask("checkout", 1)
	if n := len(book.events); n != 51 || book.events[50].Refusal != "invalid_client" {
		t.Errorf("%d records: strangers hide what happens to a client", n)
	}
	now = now.Add(10 * time.Second)
	ask("", 1000)
	if n := len(book.events); n != 101 {
		t.Errorf("%d records after ten seconds, want 101", n)
	}
}
