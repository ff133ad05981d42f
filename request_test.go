package narrowcast_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// describing writes the claim with one detail for pay; method and target are JSON.
func describing(method, target, digest string) string {
	d := `{"type":"urn:narrowcast:request","locations":["https://pay.example.test"],"method":` + method + `,"target":` + target
	if digest != "" {
		d += `,"digest":"` + digest + `"`
	}
	return `"authorization_details":[` + d + `}]`
}

func asked(method, target, content string) *narrowcast.Request {
	return &narrowcast.Request{Method: method, Target: target, Digest: func() ([32]byte, error) { return sha256.Sum256([]byte(content)), nil }}
}

func TestATokenForOneRequestOpensForNoOther(t *testing.T) {
	d := newDoor(t)
	const body = `{"amount":"10.00"}`
	text := d.pen.sign(t, goodHead, with(right, describing(`"POST"`, `"/charges?x=1"`, digestOf(body))))
	mustAccept(t, d.Verifier, text, narrowcast.Presentation{Request: asked("POST", "/charges?x=1", body)})
	for name, r := range map[string]*narrowcast.Request{
		"nothing told": nil, "zero": {}, "another method": asked("PUT", "/charges?x=1", body), "another path": asked("POST", "/refunds?x=1", body),
		"another query": asked("POST", "/charges?x=2", body), "no query": asked("POST", "/charges", body), "small letters": asked("post", "/charges?x=1", body),
		"another content": asked("POST", "/charges?x=1", `{"amount":"1000.00"}`), "no content": asked("POST", "/charges?x=1", ""),
		"content not told": {Method: "POST", Target: "/charges?x=1"},
		"content that fails": {Method: "POST", Target: "/charges?x=1", Digest: func() ([32]byte, error) {
			return sha256.Sum256([]byte(body)), errors.New("too long")
		}},
	} {
		rej := mustRefuse(t, d.Verifier, text, narrowcast.Presentation{Request: r}, narrowcast.TxnMismatch)
		if !rej.Genuine || len(rej.Also) != 0 || rej.Detail == "" {
			t.Errorf("%s: %+v", name, rej)
		}
	}
}

func TestADetailWithoutDigestIsForARequestWithoutContent(t *testing.T) {
	d := newDoor(t)
	for _, digest := range []string{"", digestOf("")} {
		text := d.pen.sign(t, goodHead, with(right, describing(`"POST"`, `"/charges"`, digest)))
		mustAccept(t, d.Verifier, text, narrowcast.Presentation{Request: asked("POST", "/charges", "")})
		mustRefuse(t, d.Verifier, text, narrowcast.Presentation{Request: asked("POST", "/charges", "x")}, narrowcast.TxnMismatch)
	}
}

// TestADetailElsewhereNeverOpens: a resource reads only the details for itself.
func TestADetailElsewhereNeverOpens(t *testing.T) {
	d := newDoor(t)
	here := describing(`"GET"`, `"/a"`, "")
	p := narrowcast.Presentation{Request: asked("GET", "/a", "")}
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, here)), p)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, strings.Replace(here, `["`, `["https://crm.example.test","`, 1))), p)
	for _, elsewhere := range []string{crm, pay + "/v1", "https://pay.example.tes", "*"} {
		mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, strings.Replace(here, pay, elsewhere, 1))), p, narrowcast.TxnMismatch)
	}
	other := with(right, `"authorization_details":[{"type":"payment","locations":["https://crm.example.test"]}]`)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, other), narrowcast.Presentation{})
	if value, ok := token.Claim("authorization_details"); !ok || !strings.Contains(value, "payment") {
		t.Errorf("claim = %q", value)
	}
}

// TestContentIsReadOnlyWhenItDecides: nobody makes a door read a body with a token
// that opens nothing, nor twice.
func TestContentIsReadOnlyWhenItDecides(t *testing.T) {
	d := newDoor(t)
	read := 0
	shown := func(method string) narrowcast.Presentation {
		return narrowcast.Presentation{Need: narrowcast.MustScope("charge"), Request: &narrowcast.Request{Method: method, Target: "/a", Digest: func() ([32]byte, error) {
			read++
			return sha256.Sum256(nil), nil
		}}}
	}
	detail := strings.TrimSuffix(strings.TrimPrefix(describing(`"GET"`, `"/a"`, digestOf("x")), `"authorization_details":[`), "]")
	two := with(right, `"authorization_details":[`+detail+","+strings.Replace(detail, digestOf("x"), digestOf(""), 1)+"]")
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, two), shown("GET"))
	if read != 1 {
		t.Errorf("read %d times", read)
	}
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, two), shown("PUT"), narrowcast.TxnMismatch)
	mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, swap(t, two, pay+`","scope`, crm+`","scope`)), shown("GET"), narrowcast.AudienceMismatch)
	mustRefuse(t, d.Verifier, newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, two), shown("GET"), narrowcast.SignatureInvalid)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), shown("GET"))
	if read != 1 {
		t.Errorf("read %d times", read)
	}
}

func TestDetailsAreReadStrictly(t *testing.T) {
	const good = `[{"type":"urn:narrowcast:request","locations":["https://pay.example.test"],"method":"POST","target":"/a?b=c","digest":"` +
		"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" + `"},{"type":"payment","amount":[1]}]`
	details, err := narrowcast.ParseDetails(good)
	if err != nil || len(details) != 2 || details[0].Type != narrowcast.RequestDetail || !slices.Equal(details[0].Locations, []string{pay}) || details[1].Type != "payment" {
		t.Fatalf("details = %+v, %v", details, err)
	}
	replaced := func(old, by string) string { return swap(t, good, old, by) }
	for name, text := range map[string]string{
		"nothing": "", "null": "null", "empty": "[]", "an object": `{"type":"a"}`, "no type": `[{"a":1}]`, "an element twice": `[{"type":"a"},{"type":"a","type":"b"}]`,
		"a type that is a number": `[{"type":7}]`, "a long type": `[{"type":"` + strings.Repeat("a", 257) + `"}]`, "seventeen": `[{"type":"a"}` + strings.Repeat(`,{"type":"a"}`, 16) + `]`,
		"a second claim": `[{"type":"a"}],"aud":"x"`, "a second claim of the same form": `[{"type":"a"}],"aud":[{"type":"a"}]`, "an end": `[{"type":"a"}]}`, "too long": `[{"type":"a","b":"` + strings.Repeat("a", 9000) + `"}]`,
		"no method": replaced(`"method":"POST",`, ""), "empty method": replaced(`"POST"`, `""`), "a method with a space": replaced(`"POST"`, `"POST "`), "a long method": replaced(`"POST"`, `"`+strings.Repeat("P", 33)+`"`),
		"no target": replaced(`"target":"/a?b=c",`, ""), "a target without slash": replaced(`/a?b=c`, `a`), "a fragment": replaced(`/a?b=c`, `/a#b`),
		"a target with a space": replaced(`/a?b=c`, `/a b`), "a target beyond ASCII": replaced(`/a?b=c`, `/ä`), "a number": replaced(`"/a?b=c"`, `1`),
		"no locations": replaced(`"locations":["https://pay.example.test"],`, ""), "an empty location": replaced(pay, ""), "a location alone": replaced(`["https://pay.example.test"]`, `"https://pay.example.test"`),
		"seventeen locations": replaced(`["https://pay.example.test"]`, `["a"`+strings.Repeat(`,"a"`, 16)+`]`), "a number among locations": replaced(`["https://pay.example.test"]`, `["a",1]`),
		"another member": replaced(`"target"`, `"headers":{},"target"`), "digest without name": replaced("sha-256=", ""), "digest without beginning": replaced("sha-256=:", ""), "digest without end": replaced("=:\"", "=\""),
		"loose bits": replaced("SuFU=", "SuFV="), "no padding": replaced("SuFU=:", "SuFU:"), "a line break": replaced("SuFU=:", `SuF\nU=:`), "capital name": replaced("sha-256", "SHA-256"),
		"alphabet of URLs": replaced("+/TImW+5", "-_TImW-5"), "with a parameter": replaced("=:\"", "=:;q=1\""), "digest that is a list": replaced(`"digest":`, `"digest":[],"x":`),
	} {
		if details, err := narrowcast.ParseDetails(text); err == nil || details != nil {
			t.Errorf("%s: %+v", name, details)
		}
	}
}

// FuzzParseDetails: what is read stands alone in its place in a token, and a
// verifier reads it as well.
func FuzzParseDetails(f *testing.F) {
	d := newDoor(f)
	f.Add(`[{"type":"a"}]`)
	f.Add(strings.TrimPrefix(describing(`"GET"`, `"/a"`, digestOf("")), `"authorization_details":`))
	f.Add(`[{"type":"a"}],"jti":"x"`)
	f.Fuzz(func(t *testing.T, text string) {
		details, err := narrowcast.ParseDetails(text)
		_, verr := d.Verify(t.Context(), d.pen.sign(t, goodHead, with(right, `"authorization_details":`+text)), narrowcast.Presentation{})
		if err != nil {
			return
		}
		forRequests := slices.ContainsFunc(details, func(d narrowcast.Detail) bool { return d.Type == narrowcast.RequestDetail })
		if len(details) == 0 || forRequests != (verr != nil) || forRequests && rejection(t, verr).Reason != narrowcast.TxnMismatch {
			t.Fatalf("%+v and %v", details, verr)
		}
	})
}
