package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/jwks"
)

// platformOf is a house with a client that authenticates in every way there is,
// and what it shows, by a word that stands for it in a form.
type platformOf struct {
	house       *house
	log         bytes.Buffer
	shown       *strings.Replacer
	secrets     []string
	certificate *x509.Certificate
	prover      *dpop.Prover
}

const (
	fuzzedIssuer = "http://127.0.0.1:8480"
	fuzzedDoor   = "https://pay.example.test"
)

func openPlatform(t testing.TB) *platformOf {
	t.Helper()
	key, errOwn := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err = errors.Join(err, errOwn); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "home")
	run(t.Context(), &app{args: []string{"init", home, "--issuer", fuzzedIssuer}, in: strings.NewReader(""), out: &bytes.Buffer{}, errs: &bytes.Buffer{}, now: time.Now, getenv: os.Getenv})
	p := &platformOf{}
	p.register(t, filepath.Join(home, "registry"), key, theirs)
	a := command(home)
	a.args, a.errs = []string{"apply", "--home", home}, &p.log
	if run(t.Context(), a) != exitOK {
		t.Fatal(p.log.String())
	}
	settings, err := command(home).issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	st, err := command(home).openStreet(t.Context(), settings, slog.New(slog.NewTextHandler(&p.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.close() })
	p.house = st.first
	if p.prover, err = dpop.NewProver(narrowcast.ES256, key); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	sign := func(key *ecdsa.PrivateKey, format string, values ...any) string {
		return fuzzedToken(t, key, fmt.Sprintf(format, values...))
	}
	github := sign(theirs, `{"iss":"https://ci.example.test","aud":%q,"sub":"x","repository_id":"22","ref":"refs/heads/main","event_name":"push","jti":"g","iat":%d,"exp":%d}`, fuzzedIssuer, now, now+600)
	svid := sign(theirs, `{"sub":"spiffe://corp.example/x","aud":[%q],"exp":%d,"iat":%d}`, fuzzedIssuer, now+600, now)
	own := sign(key, `{"iss":"every","sub":"every","aud":%q,"jti":"o","iat":%d,"exp":%d}`, fuzzedIssuer, now, now+200)
	p.secrets = []string{github, svid, own}
	p.shown = strings.NewReplacer("GITHUB", github, "SVID", svid, "OWN", own, "DOOR", url.QueryEscape(fuzzedDoor))
	return p
}

func fuzzedToken(t testing.TB, key *ecdsa.PrivateKey, payload string) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"ES256","kid":"k","typ":"JWT"}`)) + "." + part([]byte(payload))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + part(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func fuzzedSet(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	public, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k", Algorithm: narrowcast.ES256, Public: &key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	set, err := jwks.Marshal([]narrowcast.Key{public})
	if err != nil {
		t.Fatal(err)
	}
	return string(set)
}

// register writes a registry with one client for everything.
func (p *platformOf) register(t testing.TB, dir string, key, theirs *ecdsa.PrivateKey) {
	t.Helper()
	set, foreign := fuzzedSet(t, key), fuzzedSet(t, theirs)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "every"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if p.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"k.json": set, "f.json": foreign, "c.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"b.json": strings.Replace(foreign, `"use":"sig"`, `"use":"jwt-svid"`, 1),
		"r.yaml": `
issuers:
  - {id: "https://ci.example.test", profile: github, jwks_file: f.json}
  - {id: "spiffe://corp.example", profile: spiffe, bundle_file: b.json}
clients:
  - id: every
    owner: o
    kind: job
    authenticate:
      - {private_key_jwt: {jwks_file: k.json}}
      - {spiffe: "spiffe://corp.example/x"}
      - {self_signed_tls_client_auth: {certificate_file: c.pem}}
      - token: {issuer: "https://ci.example.test", claims: {repository_id: "22", ref: refs/heads/main, event_name: push}}
resources:
  - {id: "` + fuzzedDoor + `", name: pay, owner: o, environment: e, criticality: low, scopes: [charge], callers: [{client: every, scopes: [charge]}]}
  - {id: "https://crm.example.test", name: crm, owner: o, environment: e, criticality: low, scopes: [read]}
`,
	} {
		fuzzedFile(t, filepath.Join(dir, name), text)
	}
}

func fuzzedFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzTokenEndpoint sends forms with genuine proofs of every kind in any place.
// Nothing makes it fail or repeat what was shown, and a token opens the one door
// that the client may have.
func FuzzTokenEndpoint(f *testing.F) {
	p := openPlatform(f)
	const (
		jwt, spiffe  = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer", "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-spiffe"
		bearer, swap = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer", "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
	)
	const control = "grant_type=client_credentials&resource=DOOR&client_assertion_type=" + jwt + "&client_assertion=GITHUB"
	for _, body := range []string{
		control,
		"grant_type=client_credentials&resource=DOOR&client_assertion_type=" + spiffe + "&client_assertion=SVID&client_id=every",
		"grant_type=client_credentials&resource=DOOR&client_assertion_type=" + jwt + "&client_assertion=OWN",
		"grant_type=" + bearer + "&resource=DOOR&assertion=GITHUB&client_id=SVID",
		"grant_type=" + bearer + "&audience=DOOR&assertion=SVID&client_assertion=OWN&client_assertion_type=" + jwt,
		"grant_type=" + swap + "&resource=DOOR&subject_token=GITHUB&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token",
		"grant_type=" + swap + "&resource=GITHUB&subject_token=SVID&subject_token_type=OWN&actor_token=GITHUB&scope=OWN&lifetime=5",
		"grant_type=client_credentials&resource=DOOR&client_id=every&scope=charge&lifetime=20", "client_id=spiffe%3A%2F%2Fcorp.example%2Fx&grant_type=client_credentials&resource=DOOR", "GITHUB=SVID&OWN",
	} {
		f.Add(body, "", true)
		f.Add(body, "proof", false)
		f.Add(body, "GITHUB", true)
	}
	if w := p.ask(f, control, "proof", false); w.Code != 200 { // the rest would look at refusals alone
		f.Fatal(w.Body)
	}
	f.Fuzz(func(t *testing.T, body, proof string, certificate bool) {
		w := p.ask(t, body, proof, certificate)
		if p.judge(t, w); w.Code >= 500 {
			t.Errorf("%d %s %s", w.Code, w.Body, p.log.String())
		}
	})
}

func (p *platformOf) ask(t testing.TB, body, proof string, certificate bool) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", "/token", strings.NewReader(p.shown.Replace(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if proof == "proof" {
		var err error
		if proof, err = p.prover.Prove("POST", fuzzedIssuer+"/token", "", "", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if proof != "" {
		r.Header["Dpop"] = []string{p.shown.Replace(proof)}
	}
	if certificate {
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{p.certificate}}
	}
	p.log.Reset()
	w := httptest.NewRecorder()
	p.house.handler.ServeHTTP(w, r)
	return w
}

func (p *platformOf) judge(t *testing.T, w *httptest.ResponseRecorder) {
	var answer struct {
		Token    string   `json:"access_token"`
		Resource []string `json:"resource"`
		Error    string   `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || (answer.Token == "") != (answer.Error != "") {
		t.Errorf("%s: %v", w.Body, err)
	}
	for _, secret := range append(p.secrets, answer.Token) {
		if secret != "" && (strings.Contains(p.log.String(), secret) || secret != answer.Token && strings.Contains(w.Body.String(), secret)) {
			t.Errorf("a token is repeated: %s %s", w.Body, p.log.String())
		}
	}
	if answer.Token == "" {
		return
	}
	if claimed, err := narrowcast.Inspect(answer.Token); err != nil || claimed.ClientID != "every" || len(claimed.Audience) != 1 || claimed.Audience[0] != fuzzedDoor {
		t.Errorf("%+v, %v", claimed, err)
	}
}
