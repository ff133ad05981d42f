package spiffe_test

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe"
)

// A federated domain decides what stands in its own bundle. When that is bad it
// closes its own door and no other: the agent hands out all bundles at once.
func TestABadBundleIsTheTroubleOfItsDomain(t *testing.T) {
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	weak.N.Add(weak.N, big.NewInt(1))
	for name, publish := range map[string]func(t *testing.T, c *cell) error{
		"a leaf as an authority": func(t *testing.T, c *cell) error { return c.theirs.Publish(svid(t, c.theirs, billing, nil)[0], nil) },
		"a weak key": func(_ *testing.T, c *cell) error {
			return c.theirs.Publish(nil, map[string]crypto.PublicKey{"weak": weak})
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := newClock()
			c := newCell(t, at.now)
			ask := func() {
				at.add(2 * time.Second)
				_, _ = c.corp.Key(t.Context(), "unknown, so that it asks anew")
			}
			ask()
			first, foreign := keyID(t, c.ours), keyID(t, c.theirs)
			wants(t, c.corp, first, nil)
			wants(t, c.partner, foreign, nil)

			if err := errors.Join(publish(t, c), c.ours.RotateJWT(), c.ours.RotateX509()); err != nil {
				t.Fatal(err)
			}
			ask()
			wants(t, c.corp, keyID(t, c.ours), nil) // ours follows its rotation
			if _, err := c.corp.Verify(t.Context(), svid(t, c.ours, checkout, nil), at.now()); err != nil {
				t.Error(err)
			}
			wants(t, c.partner, foreign, spiffe.ErrUnavailable)
			if _, held := c.partner.Peek(foreign); held {
				t.Error("a key of a bundle that is refused is held")
			}
			if _, err := c.partner.Verify(t.Context(), svid(t, c.theirs, billing, nil), at.now()); !errors.Is(err, spiffe.ErrUnavailable) {
				t.Errorf("a bundle that is refused vouches: %v", err)
			}
			if ours, theirs := c.corp.Stats(), c.partner.Stats(); !ours.Usable || theirs.Usable || theirs.LastError == nil {
				t.Errorf("ours %+v, theirs %+v", ours, theirs)
			}
		})
	}
}
