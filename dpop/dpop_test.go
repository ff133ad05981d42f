package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

const (
	uri   = "https://pay.example.test/charge"
	token = "a.b.c"
)

var start = time.Unix(1_800_000_000, 0)

// desk is a checker with a clock and a sender's key.
type desk struct {
	now     time.Time
	checker *dpop.Checker
	prover  *dpop.Prover
	signer  crypto.Signer
}

func newDesk(t testing.TB, change func(*dpop.Config)) *desk {
	t.Helper()
	d := &desk{now: start}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d.signer = signer
	if d.prover, err = dpop.NewProver(narrowcast.ES256, signer); err != nil {
		t.Fatal(err)
	}
	c := dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256, narrowcast.Ed25519}, Now: func() time.Time { return d.now }}
	if change != nil {
		change(&c)
	}
	if d.checker, err = dpop.New(c); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) prove(t testing.TB, method, uri, token, nonce string) string {
	t.Helper()
	p, err := d.prover.Prove(method, uri, token, nonce, d.now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *desk) check(proofs ...string) (string, error) {
	return d.checker.Check(dpop.Shown{Proofs: proofs, Method: "POST", URI: uri, Token: token})
}

func kind(t *testing.T, err error) dpop.Kind {
	t.Helper()
	var f *dpop.Fault
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v, not a *Fault", err)
	}
	return f.Kind
}

func TestARightProofShowsTheKey(t *testing.T) {
	d := newDesk(t, nil)
	got, err := d.check(d.prove(t, "POST", uri+"?q=1#f", token, ""))
	if err != nil || got != d.prover.Thumbprint() {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestAProofIsGoodOnce(t *testing.T) {
	d := newDesk(t, nil)
	proof := d.prove(t, "POST", uri, token, "")
	if _, err := d.check(proof); err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{0, 30 * time.Second, 60 * time.Second} {
		d.now = start.Add(later)
		if _, err := d.check(proof); kind(t, err) != dpop.Replayed {
			t.Errorf("after %s: %v", later, err)
		}
	}
	d.now = start.Add(61 * time.Second)
	if _, err := d.check(proof); kind(t, err) != dpop.Invalid {
		t.Errorf("after the window: %v", err)
	}
}

// A proof of the near future can be replayed for two windows, and is remembered
// for as long, wherever the generations fall.
func TestReplayIsRememberedAsLongAsItWouldPass(t *testing.T) {
	for shift := time.Duration(0); shift < 4*time.Minute; shift += 7 * time.Second {
		d := newDesk(t, nil)
		if _, err := d.check(d.prove(t, "POST", uri, token, "")); err != nil { // begins the first generation
			t.Fatal(err)
		}
		at := start.Add(shift)
		d.now = at.Add(time.Minute)
		proof := d.prove(t, "POST", uri, token, "")
		d.now = at
		if _, err := d.check(proof); err != nil {
			t.Fatal(err)
		}
		for after := time.Duration(0); after <= 2*time.Minute; after += 5 * time.Second {
			d.now = at.Add(after)
			if _, err := d.check(proof); kind(t, err) != dpop.Replayed {
				t.Fatalf("shift %s, after %s: %v", shift, after, err)
			}
		}
	}
}

// Each line of RFC 9449 section 4.3 alone refuses.
func TestEachCheckAlone(t *testing.T) {
	d := newDesk(t, nil)
	jwk, err := jose.MarshalKey(d.signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	header := `{"typ":"dpop+jwt","alg":"ES256","jwk":` + string(jwk) + `}`
	claims := func(change ...string) string {
		all := map[string]string{"jti": `"` + rand.Text() + `"`, "htm": `"POST"`, "htu": `"` + uri + `"`, "iat": "1800000000", "ath": `"` + athOf(t) + `"`}
		for i := 0; i < len(change); i += 2 {
			if change[i+1] == "" {
				delete(all, change[i])
				continue
			}
			all[change[i]] = change[i+1]
		}
		var parts []string
		for name, value := range all {
			parts = append(parts, `"`+name+`":`+value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	if _, err := d.check(d.sign(t, header, claims())); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for name, c := range map[string]struct{ header, payload string }{
		"typ JWT":              {strings.Replace(header, "dpop+jwt", "JWT", 1), claims()},
		"typ absent":           {strings.Replace(header, `"typ":"dpop+jwt",`, "", 1), claims()},
		"alg none":             {strings.Replace(header, `"ES256"`, `"none"`, 1), claims()},
		"alg of no list":       {strings.Replace(header, `"ES256"`, `"ES384"`, 1), claims()},
		"key for another alg":  {strings.Replace(header, `"kty"`, `"alg":"ES384","kty"`, 1), claims()},
		"no key":               {`{"typ":"dpop+jwt","alg":"ES256"}`, claims()},
		"private key":          {strings.Replace(header, `"kty"`, `"d":"AA","kty"`, 1), claims()},
		"two keys":             {strings.Replace(header, `"alg"`, `"jwk":`+string(jwk)+`,"alg"`, 1), claims()},
		"crit":                 {strings.Replace(header, `"alg"`, `"crit":["x"],"alg"`, 1), claims()},
		"key address":          {strings.Replace(header, `"alg"`, `"jku":"https://evil.example","alg"`, 1), claims()},
		"jti absent":           {header, claims("jti", "")},
		"jti empty":            {header, claims("jti", `""`)},
		"jti number":           {header, claims("jti", "7")},
		"jti long":             {header, claims("jti", `"`+strings.Repeat("x", 300)+`"`)},
		"htm other":            {header, claims("htm", `"GET"`)},
		"htm in other case":    {header, claims("htm", `"post"`)},
		"htm absent":           {header, claims("htm", "")},
		"htu other path":       {header, claims("htu", `"https://pay.example.test/refund"`)},
		"htu other host":       {header, claims("htu", `"https://crm.example.test/charge"`)},
		"htu other scheme":     {header, claims("htu", `"http://pay.example.test/charge"`)},
		"htu user info":        {header, claims("htu", `"https://u@pay.example.test/charge"`)},
		"htu path only":        {header, claims("htu", `"/charge"`)},
		"htu absent":           {header, claims("htu", "")},
		"iat absent":           {header, claims("iat", "")},
		"iat text":             {header, claims("iat", `"1800000000"`)},
		"iat too old":          {header, claims("iat", "1799999939")},
		"iat too new":          {header, claims("iat", "1800000061")},
		"ath absent":           {header, claims("ath", "")},
		"ath of another token": {header, claims("ath", `"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"`)},
		"claims twice":         {header, strings.Replace(claims(), "{", `{"htm":"POST",`, 1)},
	} {
		if _, err := d.check(d.sign(t, c.header, c.payload)); err == nil || kind(t, err) != dpop.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func athOf(t *testing.T) string {
	t.Helper()
	d := newDesk(t, nil)
	parts, err := jose.Split(d.prove(t, "POST", uri, token, ""))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(parts.Payload, `"ath":"`)
	ath, _, _ := strings.Cut(after, `"`)
	return ath
}

func (d *desk) sign(t *testing.T, header, payload string) string {
	t.Helper()
	input := jose.Join(header, payload)
	signature, err := jose.Sign(jose.ES256, d.signer, input)
	if err != nil {
		t.Fatal(err)
	}
	return jose.Seal(input, signature)
}

func TestShapeAndSignature(t *testing.T) {
	d := newDesk(t, nil)
	right := d.prove(t, "POST", uri, token, "")
	last := strings.LastIndexByte(right, '.') + 1
	flipped := right[:last] + map[bool]string{true: "B", false: "A"}[right[last] == 'A'] + right[last+1:]
	for name, proofs := range map[string][]string{
		"none": {}, "two": {right, d.prove(t, "POST", uri, token, "")}, "empty": {""}, "padded": {right + "="},
		"flipped": {flipped}, "huge": {strings.Repeat("x", 9000)}, "two in one": {right + ", " + right},
	} {
		if _, err := d.check(proofs...); err == nil || kind(t, err) != dpop.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.check(right); err != nil {
		t.Errorf("the control: %v", err)
	}
	var zero *dpop.Checker
	if _, err := zero.Check(dpop.Shown{Proofs: []string{right}}); err == nil {
		t.Error("a checker that was never made accepts")
	}
	if _, err := new(dpop.Checker).Check(dpop.Shown{Proofs: []string{right}}); err == nil {
		t.Error("the zero checker accepts")
	}
}

func TestAddressesCompareAsTheRFCSays(t *testing.T) {
	for claimed, want := range map[string]bool{
		"https://pay.example.test/charge":      true,
		"HTTPS://PAY.example.test/charge":      true,
		"https://pay.example.test:443/charge":  true,
		"https://pay.example.test/charge?a=b":  true,
		"https://pay.example.test/charge/":     false,
		"https://pay.example.test/Charge":      false,
		"https://pay.example.test:8443/charge": false,
		"https://pay.example.test":             false,
		"https://pay.example.test/x/../charge": false,
		"https://pay.example.test/%63h%61rge":  true,
		"https://pay.example.test/charg%2565":  false,
		"https://pay.example.test/charge%2F":   false,
		"https://pay.example.test/charge%":     false,
	} {
		d := newDesk(t, nil)
		_, err := d.check(d.prove(t, "POST", claimed, token, ""))
		if (err == nil) != want {
			t.Errorf("%s: %v", claimed, err)
		}
	}
}

func TestNonces(t *testing.T) {
	n, err := dpop.NewNonces(nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *dpop.Config) { c.Nonces = n })
	if _, err := d.check(d.prove(t, "POST", uri, token, "")); kind(t, err) != dpop.NonceNeeded {
		t.Errorf("without a nonce: %v", err)
	}
	nonce := n.New(d.now)
	if _, err := d.check(d.prove(t, "POST", uri, token, nonce)); err != nil {
		t.Errorf("with the nonce: %v", err)
	}
	d.now = start.Add(time.Minute)
	if _, err := d.check(d.prove(t, "POST", uri, token, nonce)); err != nil {
		t.Errorf("at the end of its life: %v", err)
	}
	d.now = start.Add(62 * time.Second)
	if _, err := d.check(d.prove(t, "POST", uri, token, nonce)); kind(t, err) != dpop.NonceNeeded {
		t.Errorf("after its life: %v", err)
	}
	other, err := dpop.NewNonces(nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.check(d.prove(t, "POST", uri, token, other.New(d.now))); kind(t, err) != dpop.NonceNeeded {
		t.Errorf("the nonce of somebody else: %v", err)
	}
}

func TestFullMemoryRefusesAndForgetsNothing(t *testing.T) {
	d := newDesk(t, func(c *dpop.Config) { c.Capacity = 3 })
	var used []string
	for range 3 {
		p := d.prove(t, "POST", uri, token, "")
		if _, err := d.check(p); err != nil {
			t.Fatal(err)
		}
		used = append(used, p)
	}
	if _, err := d.check(d.prove(t, "POST", uri, token, "")); kind(t, err) != dpop.Full {
		t.Errorf("the fourth: %v", err)
	}
	for _, p := range used {
		if _, err := d.check(p); kind(t, err) != dpop.Replayed {
			t.Errorf("a used one: %v", err)
		}
	}
	d.now = start.Add(10 * time.Minute)
	if _, err := d.check(d.prove(t, "POST", uri, token, "")); err != nil {
		t.Errorf("when the old ones are gone: %v", err)
	}
}

func TestOneOfManyAtOnceWins(t *testing.T) {
	d := newDesk(t, nil)
	proof := d.prove(t, "POST", uri, token, "")
	var wins atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := d.check(proof); err == nil {
				wins.Add(1)
			}
		})
	}
	group.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d accepted the same proof", wins.Load())
	}
}

// The key of RFC 9449 section 4.1 has the thumbprint of section 6.1.
func TestThumbprintOfTheRFC(t *testing.T) {
	err := strictjson.Object(`{"jwk":{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}}`,
		func(_ string, v strictjson.Value) error {
			key, ours, err := jose.ParseKey(v)
			if err != nil || !ours {
				return fmt.Errorf("%v %w", ours, err)
			}
			got, err := jose.Thumbprint(key.Public)
			if got != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
				t.Errorf("thumbprint %s", got)
			}
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
}

func TestProverDoesNotPrintItsKey(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := dpop.NewProver(narrowcast.Ed25519, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if text := fmt.Sprintf(verb, p); text != "prover "+p.Thumbprint() {
			t.Errorf("%s prints %q", verb, text)
		}
	}
	if _, err := dpop.NewProver(narrowcast.ES256, private); err == nil {
		t.Error("a key of another algorithm was taken")
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := dpop.New(dpop.Config{Window: time.Hour, Capacity: -1})
	for _, want := range []string{"Algorithms", "Now", "Window", "Capacity"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
}

// A proof passes for up to a second more than two windows, because iat has no
// fractions; so long it is remembered, wherever within a second the clock stands.
func TestFractionsOfASecondOpenNoGap(t *testing.T) {
	d := newDesk(t, nil)
	ahead := func(by time.Duration) string {
		d.now = d.now.Add(by)
		p := d.prove(t, "POST", uri, token, "")
		d.now = d.now.Add(-by)
		return p
	}
	d.now = start.Add(-2*time.Minute + 100*time.Millisecond)
	if _, err := d.check(ahead(0)); err != nil { // begins the first generation
		t.Fatal(err)
	}
	d.now = start
	proof := ahead(time.Minute)
	if _, err := d.check(proof); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{100 * time.Millisecond, 2*time.Minute + 100*time.Millisecond, 2*time.Minute + 900*time.Millisecond} {
		d.now = start.Add(after)
		if _, err := d.check(ahead(0)); err != nil { // turns the generations if they are to be turned
			t.Fatal(err)
		}
		if _, err := d.check(proof); kind(t, err) != dpop.Replayed {
			t.Errorf("after %s: %v", after, err)
		}
	}
}

// Examine remembers nothing: with keys that nobody's token is bound to, a caller
// cannot fill the memory.
func TestOnlyUseUsesUp(t *testing.T) {
	n, err := dpop.NewNonces(nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *dpop.Config) { c.Capacity, c.Nonces = 1, n })
	shown := func(nonce string) dpop.Shown {
		return dpop.Shown{Proofs: []string{d.prove(t, "POST", uri, token, nonce)}, Method: "POST", URI: uri, Token: token}
	}
	var p *dpop.Proof
	for range 5 {
		if p, err = d.checker.Examine(shown(n.New(d.now))); err != nil || p.Thumbprint() != d.prover.Thumbprint() {
			t.Fatal(err)
		}
	}
	if err := d.checker.Use(p); err != nil {
		t.Fatal(err)
	}
	if err := d.checker.Use(p); kind(t, err) != dpop.Replayed {
		t.Errorf("used twice: %v", err)
	}
	without, err := d.checker.Examine(shown(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.checker.Use(without); kind(t, err) != dpop.NonceNeeded {
		t.Errorf("without a nonce: %v", err)
	}
	for _, wrong := range []*dpop.Proof{nil, {}} {
		if err := d.checker.Use(wrong); kind(t, err) != dpop.Invalid {
			t.Errorf("a proof that never passed: %v", err)
		}
	}
	if next := d.checker.NextNonce(p); next != "" {
		t.Error("a young nonce is replaced")
	}
	d.now = start.Add(31 * time.Second)
	if next := d.checker.NextNonce(p); next == "" || d.checker.NextNonce(nil) == "" {
		t.Error("an ageing nonce is not replaced")
	}
	if newDesk(t, nil).checker.NextNonce(nil) != "" {
		t.Error("a nonce where none is demanded")
	}
}

// What failed is named, so that each failure can be told and counted.
func TestFaultsNameTheClaim(t *testing.T) {
	d := newDesk(t, nil)
	for claim, s := range map[string]dpop.Shown{
		"htm": {Method: "GET", URI: uri, Token: token}, "htu": {Method: "POST", URI: uri + "s", Token: token}, "ath": {Method: "POST", URI: uri, Token: "x.y.z"},
	} {
		s.Proofs = []string{d.prove(t, "POST", uri, token, "")}
		var f *dpop.Fault
		if _, err := d.checker.Check(s); !errors.As(err, &f) || f.Claim != claim {
			t.Errorf("%s: %+v", claim, f)
		}
	}
}

func TestNoncesAreBoundedAndHidden(t *testing.T) {
	n, err := dpop.NewNonces([]byte(strings.Repeat("s3cr3t-", 6)), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *dpop.Config) { c.Nonces = n })
	for _, nonce := range []string{strings.Repeat("\n", 32), strings.Repeat("A", 31) + "\n", strings.Repeat("A", 32), strings.Repeat("A", 4000)} {
		if _, err := d.check(d.prove(t, "POST", uri, token, nonce)); kind(t, err) != dpop.NonceNeeded {
			t.Errorf("%.40q: %v", nonce, err)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, n); text != "nonces" {
			t.Errorf("%s prints %q", verb, text)
		}
	}
	if got := d.checker.Algorithms(); strings.Join(got, " ") != "ES256 Ed25519 EdDSA" {
		t.Errorf("algorithms %v", got)
	}
}

// FuzzCheck: whatever is shown, the checker does not panic, and what it accepts
// it accepts once.
func FuzzCheck(f *testing.F) {
	d := newDesk(f, nil)
	f.Add(d.prove(f, "POST", uri, token, ""))
	f.Add("e30.e30.AA")
	f.Fuzz(func(t *testing.T, text string) {
		thumbprint, err := d.check(text)
		if err != nil {
			return
		}
		if len(thumbprint) != 43 {
			t.Errorf("accepted with the thumbprint %q", thumbprint)
		}
		if _, err := d.check(text); kind(t, err) != dpop.Replayed {
			t.Errorf("accepted twice: %v", err)
		}
	})
}
