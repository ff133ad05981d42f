package authn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

const (
	ours  = "https://issuer.example.test"
	start = 1_800_000_000
)

// The real snapshot fits the port.
var _ authn.Clients = (*registry.Snapshot)(nil)

type clients []registry.Client

func (c *clients) Clients() []registry.Client { return *c }
func (c *clients) Issuers() []registry.Issuer { return nil }

type house struct {
	*authn.Authenticator
	now  time.Time
	list *clients
	key  *ecdsa.PrivateKey
}

func key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{now: time.Unix(start, 0), key: key(t)}
	public, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "c1", Algorithm: narrowcast.ES256, Public: &h.key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	jwt := registry.Credential{Kind: authn.PrivateKeyJWT, Keys: []narrowcast.Key{public}}
	secret := registry.Credential{Kind: authn.ClientSecretBasic, Secret: authn.HashSecret("s3cret +%")}
	h.list = &clients{
		{ID: "checkout", Authenticate: []registry.Credential{jwt}},
		{ID: "retired", Disabled: true, Authenticate: []registry.Credential{jwt, secret}},
		{ID: "legacy app", Authenticate: []registry.Credential{secret}},
		{ID: "broken", Authenticate: []registry.Credential{{Kind: authn.ClientSecretBasic, Secret: "plain", Position: "clients.yaml:9"}}},
	}
	h.Authenticator, err = authn.New(authn.Config{
		Issuer: narrowcast.MustIssuer(ours), TokenEndpoint: ours + "/token",
		Clients: func() authn.Clients { return h.list }, Now: func() time.Time { return h.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sign writes a compact JWS with ES256, whatever it says.
func sign(t testing.TB, private *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64(signature)
}

const header = `{"alg":"ES256","kid":"c1"}`

func claims(client, aud string, life int) string {
	return fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":%s,"jti":"a-1","iat":%d,"exp":%d}`, client, client, aud, start, start+life)
}

func TestAssertion(t *testing.T) {
	h := open(t)
	good := claims("checkout", `"`+ours+`"`, 60)
	with := func(old, now string) string { return strings.Replace(good, old, now, 1) }
	for name, c := range map[string]struct {
		header, payload string
		ok              bool
		reason          narrowcast.Reason
		detail          string
	}{
		"right":                    {header, good, true, 0, ""},
		"typed":                    {`{"alg":"ES256","kid":"c1","typ":"client-authentication+jwt"}`, good, true, 0, ""},
		"typed JWT":                {`{"alg":"ES256","kid":"c1","typ":"JWT"}`, good, true, 0, ""},
		"an access token":          {`{"alg":"ES256","kid":"c1","typ":"at+jwt"}`, good, false, narrowcast.TypeMismatch, ""},
		"list of one":              {header, claims("checkout", `["`+ours+`"]`, 60), true, 0, ""},
		"list of two":              {header, claims("checkout", `["`+ours+`","`+ours+`/token"]`, 60), false, narrowcast.AudienceMultiple, "only audience"},
		"the same twice":           {header, claims("checkout", `["`+ours+`","`+ours+`"]`, 60), false, narrowcast.AudienceMultiple, ""},
		"token endpoint":           {header, claims("checkout", `"`+ours+`/token"`, 60), false, narrowcast.AudienceMismatch, "addressed to the token endpoint"},
		"another issuer":           {header, claims("checkout", `"https://other.example.test"`, 60), false, narrowcast.AudienceMismatch, ""},
		"a longer name":            {header, claims("checkout", `"`+ours+`.evil.test"`, 60), false, narrowcast.AudienceMismatch, ""},
		"no audience":              {header, with(`"aud":"`+ours+`",`, ""), false, narrowcast.AudienceMissing, ""},
		"five minutes":             {header, claims("checkout", `"`+ours+`"`, 300), true, 0, ""},
		"longer":                   {header, claims("checkout", `"`+ours+`"`, 301), false, narrowcast.LifetimeExceeded, "5m0s"},
		"expired":                  {header, claims("checkout", `"`+ours+`"`, -60), false, narrowcast.ClaimMalformed, ""},
		"no iat":                   {header, with(`"iat":1800000000,`, ""), true, 0, ""},
		"no jti":                   {header, with(`"jti":"a-1",`, ""), false, narrowcast.ClaimMissing, "jti"},
		"long jti":                 {header, with(`a-1`, strings.Repeat("a", 257)), false, narrowcast.ClaimMalformed, "jti"},
		"sub of another":           {header, with(`"sub":"checkout"`, `"sub":"retired"`), false, narrowcast.ClaimMalformed, "sub"},
		"unknown client":           {header, claims("nobody", `"`+ours+`"`, 60), false, narrowcast.IssuerUnknown, ""},
		"client without keys":      {header, claims("legacy app", `"`+ours+`"`, 60), false, narrowcast.IssuerUnknown, ""},
		"disabled client":          {header, claims("retired", `"`+ours+`"`, 60), false, narrowcast.IssuerUnknown, "disabled"},
		"unknown key":              {`{"alg":"ES256","kid":"c2"}`, good, false, narrowcast.KeyUnknown, ""},
		"no kid":                   {`{"alg":"ES256"}`, good, false, narrowcast.KeyUnknown, "no kid"},
		"none":                     {`{"alg":"none","kid":"c1"}`, good, false, narrowcast.AlgorithmNotAllowed, ""},
		"algorithm of another key": {`{"alg":"RS256","kid":"c1"}`, good, false, narrowcast.AlgorithmNotAllowed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := h.Authenticate(t.Context(), issuer.Credentials{
				AssertionType: authn.AssertionType, Assertion: sign(t, h.key, c.header, c.payload)})
			if c.ok {
				if err != nil || who.Client != "checkout" || who.Method != authn.PrivateKeyJWT {
					t.Fatalf("who = %+v, err = %v", who, err)
				}
				if len(who.Once) != 1 || who.Once[0].ID != "a-1" || who.Once[0].Space != "client_assertion checkout" || !who.Once[0].Until.After(h.now) {
					t.Errorf("once = %+v", who.Once)
				}
				return
			}
			refusal := refused(t, err, issuer.Unauthenticated)
			if refusal.Assertion == nil || !refusal.Assertion.Failed(c.reason) || !strings.Contains(refusal.Detail, c.detail) {
				t.Errorf("refusal = %v, rejection = %+v", refusal, refusal.Assertion)
			}
		})
	}
}

func TestAssertionOfAnotherKeyIsNotGenuine(t *testing.T) {
	h := open(t)
	_, err := h.Authenticate(t.Context(), issuer.Credentials{
		AssertionType: authn.AssertionType, Assertion: sign(t, key(t), header, claims("checkout", `"`+ours+`"`, 60))})
	if r := refused(t, err, issuer.Unauthenticated); r.Assertion.Genuine || r.Assertion.Reason != narrowcast.SignatureInvalid {
		t.Errorf("rejection = %+v", r.Assertion)
	}
}

func TestOneMethodAtATime(t *testing.T) {
	h := open(t)
	assertion := sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60))
	basic := &issuer.Basic{User: "legacy+app", Password: "s3cret+%2B%25"}
	for name, c := range map[string]struct {
		credentials issuer.Credentials
		ground      issuer.Ground
	}{
		"nothing":               {issuer.Credentials{}, issuer.ProofMissing},
		"only a name":           {issuer.Credentials{ClientID: "checkout"}, issuer.ProofMissing},
		"assertion and basic":   {issuer.Credentials{AssertionType: authn.AssertionType, Assertion: assertion, Basic: basic, Header: true}, issuer.SeveralProofs},
		"assertion and secret":  {issuer.Credentials{AssertionType: authn.AssertionType, Assertion: assertion, Secret: "x"}, issuer.SeveralProofs},
		"basic and secret":      {issuer.Credentials{Basic: basic, Header: true, Secret: "x"}, issuer.SeveralProofs},
		"secret in the body":    {issuer.Credentials{ClientID: "legacy app", Secret: "s3cret +%"}, issuer.Unauthenticated},
		"another scheme":        {issuer.Credentials{Header: true}, issuer.Unauthenticated},
		"no assertion type":     {issuer.Credentials{Assertion: assertion}, issuer.Unauthenticated},
		"another type":          {issuer.Credentials{Assertion: assertion, AssertionType: authn.AssertionType + "x"}, issuer.Unauthenticated},
		"type without proof":    {issuer.Credentials{AssertionType: authn.AssertionType}, issuer.Unauthenticated},
		"another client_id":     {issuer.Credentials{ClientID: "legacy app", AssertionType: authn.AssertionType, Assertion: assertion}, issuer.Unauthenticated},
		"basic, other clientid": {issuer.Credentials{ClientID: "checkout", Basic: basic, Header: true}, issuer.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Authenticate(t.Context(), c.credentials)
			refused(t, err, c.ground)
		})
	}
	for name, c := range map[string]issuer.Credentials{
		"assertion with its client_id": {ClientID: "checkout", AssertionType: authn.AssertionType, Assertion: assertion},
		"basic with its client_id":     {ClientID: "legacy app", Basic: basic, Header: true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := h.Authenticate(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestANewSnapshotIsRead(t *testing.T) {
	h := open(t)
	ask := func() error {
		_, err := h.Authenticate(t.Context(), issuer.Credentials{
			AssertionType: authn.AssertionType, Assertion: sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60))})
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	h.list = &clients{}
	refused(t, ask(), issuer.Unauthenticated)
	h.list = nil
	_, err := authn.New(authn.Config{})
	if err == nil || !strings.Contains(err.Error(), "Issuer") || !strings.Contains(err.Error(), "Now") {
		t.Errorf("err = %v", err)
	}
	var zero *authn.Authenticator
	_, err = zero.Authenticate(t.Context(), issuer.Credentials{})
	refused(t, err, issuer.Broken)
}

func refused(t *testing.T, err error, ground issuer.Ground) *issuer.Refusal {
	t.Helper()
	var refusal *issuer.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("err = %v, want a refusal", err)
	}
	if refusal.Ground != ground {
		t.Fatalf("refusal = %v (%s), want %s", refusal, refusal.Ground.Sentence(), ground.Sentence())
	}
	return refusal
}

// The clocks of clients may differ as far as the setting says, and no further.
func TestSkewIsTheOneThatIsSet(t *testing.T) {
	for skew, want := range map[time.Duration]bool{0: false, 30 * time.Second: true} {
		h := open(t)
		a, err := authn.New(authn.Config{
			Issuer: narrowcast.MustIssuer(ours), TokenEndpoint: ours + "/token", Skew: skew,
			Clients: func() authn.Clients { return h.list }, Now: func() time.Time { return h.now.Add(-20 * time.Second) },
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Authenticate(t.Context(), issuer.Credentials{
			AssertionType: authn.AssertionType, Assertion: sign(t, h.key, header, claims("checkout", `"`+ours+`"`, 60))})
		if (err == nil) != want {
			t.Errorf("a clock 20 s behind with a skew of %s: %v", skew, err)
		}
	}
}
