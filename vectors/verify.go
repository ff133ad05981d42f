package vectors

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Verifier returns a verifier that is set up as v says.
func (v *Vector) Verifier() (*narrowcast.Verifier, error) {
	c := narrowcast.Config{
		Audience: v.Audience, Algorithms: v.Algorithms, Now: func() time.Time { return v.Now },
		Tenant: v.Tenant, Environment: v.Environment, Skew: v.Skew, MaxLifetime: v.MaxLifetime,
		RequireBinding: v.Binding, Liveness: liveness{v.Revoked, v.Ended, v.Paused, v.Stale},
	}
	if v.Uses != "" {
		c.Uses = uses(v.Uses)
	}
	for _, i := range v.Issuers {
		keys, err := v.keySource(i.Keys)
		if err != nil {
			return nil, fmt.Errorf("vector %s: %w", v.ID, err)
		}
		trusted := narrowcast.TrustedIssuer{Issuer: i.Issuer, Keys: keys}
		for _, term := range i.Terms {
			if err := trusted.SetTerm(term); err != nil {
				return nil, fmt.Errorf("vector %s: %w", v.ID, err)
			}
		}
		c.Issuers = append(c.Issuers, trusted)
	}
	verifier, err := narrowcast.NewVerifier(c)
	if err != nil {
		return nil, fmt.Errorf("vector %s: %w", v.ID, err)
	}
	return verifier, nil
}

// Presentation returns how the token of v is shown.
func (v *Vector) Presentation() narrowcast.Presentation {
	p := narrowcast.Presentation{Need: v.Required, Certificate: v.Certificate}
	if v.Proof != "" {
		p.Prove = v.prove
	}
	if method, target, told := strings.Cut(v.Request, " "); told {
		p.Request = &narrowcast.Request{Method: method, Target: target, Digest: v.contentDigest}
	}
	return p
}

// prove stands for the checker of proofs, whose word the vector gives.
func (v *Vector) prove() (string, narrowcast.Reason) {
	switch v.Proof {
	case "invalid":
		return "", narrowcast.ProofInvalid
	case "replayed":
		return "", narrowcast.Replayed
	}
	return v.Proof, 0
}

func (v *Vector) contentDigest() ([sha256.Size]byte, error) {
	return sha256.Sum256([]byte(v.Content)), nil
}

// Check shows the token of v to a verifier and returns an error unless the
// verdict, and the reason of a rejection, are as expected.
func (v *Vector) Check(ctx context.Context) error {
	verifier, err := v.Verifier()
	if err != nil {
		return err
	}
	_, err = verifier.Verify(ctx, v.Token, v.Presentation())
	var rej *narrowcast.Rejection
	switch {
	case err == nil && v.Accept:
		return nil
	case err == nil:
		return fmt.Errorf("vector %s: accepted, and should be rejected: %s", v.ID, v.Reason)
	case v.Accept:
		return fmt.Errorf("vector %s: should be accepted: %w", v.ID, err)
	case !errors.As(err, &rej) || rej.Reason != v.Reason:
		return fmt.Errorf("vector %s: should be rejected for %s: %w", v.ID, v.Reason, err)
	}
	return nil
}

var errUnreachable = errors.New("the vector says that the keys cannot be had")

// keySource reads one of the JWK Sets of the corpus.
func (v *Vector) keySource(path string) (narrowcast.KeySource, error) {
	if v.Unreachable {
		return unreachable{}, nil
	}
	text, err := files.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	set, err := jose.ParseSet(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	keys := keySet{}
	for _, jwk := range set {
		key, err := narrowcast.NewKey(narrowcast.KeyConfig{
			ID: narrowcast.KeyID(jwk.KeyID), Algorithm: narrowcast.Algorithm(jwk.Alg), Public: jwk.Public,
			NotBefore: instant(jwk.NotBefore), NotAfter: instant(jwk.NotAfter),
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		keys[key.ID()] = key
	}
	return keys, nil
}

func instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// keySet holds the keys of one issuer.
type keySet map[narrowcast.KeyID]narrowcast.Key

func (s keySet) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	if key, held := s[id]; held {
		return key, nil
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

func (s keySet) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	key, held := s[id]
	return key, held
}

type unreachable struct{}

func (unreachable) Key(context.Context, narrowcast.KeyID) (narrowcast.Key, error) {
	return narrowcast.Key{}, errUnreachable
}

// liveness answers from the lists of a vector.
type liveness struct {
	revoked []narrowcast.TokenID
	ended   []narrowcast.TaskID
	paused  []narrowcast.TaskID
	stale   bool
}

func (l liveness) Check(t *narrowcast.Token) narrowcast.Reason {
	switch {
	case slices.Contains(l.revoked, t.ID()):
		return narrowcast.Revoked
	case slices.Contains(l.ended, t.Task()):
		return narrowcast.TaskEnded
	case slices.Contains(l.paused, t.Task()):
		return narrowcast.TaskPaused
	case l.stale:
		return narrowcast.Stale
	}
	return 0
}

// uses answers what a vector says of the use of its token.
type uses string

func (u uses) Use(context.Context, *narrowcast.Token) narrowcast.Reason {
	switch u {
	case "first":
		return 0
	case "used":
		return narrowcast.Replayed
	}
	return narrowcast.UseUnknown
}
