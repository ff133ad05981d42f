package narrowcast_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// liveness says the same of every token.
type liveness struct{ says narrowcast.Reason }

func (l *liveness) Check(*narrowcast.Token) narrowcast.Reason { return l.says }

// TestOneFaultOneReason changes one thing of the right token. The control is
// the same token without the change.
func TestOneFaultOneReason(t *testing.T) {
	head := func(s string) string { return `{"alg":"ES256","typ":"at+jwt",` + s + `}` }
	for _, test := range []struct {
		name, header, old, replacement string
		want                           narrowcast.Reason
	}{
		{"duplicate header member", head(`"kid":"k1","kid":"k1"`), "", "", narrowcast.DuplicateMember},
		{"duplicate spelled with an escape", head(`"kid":"k1","\u006bid":"k1"`), "", "", narrowcast.DuplicateMember},
		{"duplicate claim", goodHead, `"jti":"t-1"`, `"jti":"t-1","jti":"t-1"`, narrowcast.DuplicateMember},
		{"duplicate in depth", goodHead, `"jti":"t-1"`, `"jti":"t-1","x":[{"a":1,"a":2}]`, narrowcast.DuplicateMember},
		{"crit", head(`"kid":"k1","crit":["x"],"x":1`), "", "", narrowcast.CriticalHeader},
		{"empty crit", head(`"kid":"k1","crit":[]`), "", "", narrowcast.CriticalHeader},
		{"b64", head(`"kid":"k1","b64":true`), "", "", narrowcast.CriticalHeader},
		{"jwk", head(`"kid":"k1","jwk":{}`), "", "", narrowcast.EmbeddedKey},
		{"jku", head(`"kid":"k1","jku":"https://evil.test/k"`), "", "", narrowcast.EmbeddedKey},
		{"x5u", head(`"kid":"k1","x5u":"https://evil.test/k"`), "", "", narrowcast.EmbeddedKey},
		{"x5c", head(`"kid":"k1","x5c":[]`), "", "", narrowcast.EmbeddedKey},
		{"zip", head(`"kid":"k1","zip":"DEF"`), "", "", narrowcast.Malformed},
		{"enc", head(`"kid":"k1","enc":"A128GCM"`), "", "", narrowcast.Malformed},
		{"kid is a number", head(`"kid":1`), "", "", narrowcast.Malformed},
		{"alg is absent", `{"typ":"at+jwt","kid":"k1"}`, "", "", narrowcast.AlgorithmNotAllowed},
		{"alg none", `{"alg":"none","typ":"at+jwt","kid":"k1"}`, "", "", narrowcast.AlgorithmNotAllowed},
		{"alg None", `{"alg":"None","typ":"at+jwt","kid":"k1"}`, "", "", narrowcast.AlgorithmNotAllowed},
		{"alg HS256", `{"alg":"HS256","typ":"at+jwt","kid":"k1"}`, "", "", narrowcast.AlgorithmNotAllowed},
		{"alg known and not listed", `{"alg":"RS256","typ":"at+jwt","kid":"k1"}`, "", "", narrowcast.AlgorithmNotAllowed},
		{"ID token", `{"alg":"ES256","typ":"JWT","kid":"k1"}`, "", "", narrowcast.TypeMismatch},
		{"no type", `{"alg":"ES256","kid":"k1"}`, "", "", narrowcast.TypeMismatch},
		{"logout token", `{"alg":"ES256","typ":"logout+jwt","kid":"k1"}`, "", "", narrowcast.TypeMismatch},
		{"type with a tail", `{"alg":"ES256","typ":"at+jwt2","kid":"k1"}`, "", "", narrowcast.TypeMismatch},
		{"unknown issuer", goodHead, issuerA, issuerB, narrowcast.IssuerUnknown},
		{"issuer with a slash", goodHead, issuerA, issuerA + "/", narrowcast.IssuerUnknown},
		{"issuer in other case", goodHead, `"iss"`, `"ISS"`, narrowcast.IssuerUnknown},
		{"unknown key", head(`"kid":"k2"`), "", "", narrowcast.KeyUnknown},
		{"no key id", `{"alg":"ES256","typ":"at+jwt"}`, "", "", narrowcast.KeyUnknown},
		{"no subject", goodHead, `"sub":"checkout",`, ``, narrowcast.ClaimMissing},
		{"no client", goodHead, `"client_id":"checkout",`, ``, narrowcast.ClaimMissing},
		{"no id", goodHead, `"jti":"t-1",`, ``, narrowcast.ClaimMissing},
		{"no iat", goodHead, `"iat":1800000000,`, ``, narrowcast.ClaimMissing},
		{"no exp", goodHead, `,"exp":1800000300`, ``, narrowcast.ClaimMissing},
		{"EXP for exp", goodHead, `"exp"`, `"EXP"`, narrowcast.ClaimMissing},
		{"exp is text", goodHead, `1800000300`, `"1800000300"`, narrowcast.ClaimMalformed},
		{"exp is huge", goodHead, `1800000300`, `1e300`, narrowcast.ClaimMalformed},
		{"exp is negative", goodHead, `1800000300`, `-1`, narrowcast.ClaimMalformed},
		{"exp before iat", goodHead, `1800000300`, `1800000000`, narrowcast.ClaimMalformed},
		{"sub is a number", goodHead, `"sub":"checkout"`, `"sub":7`, narrowcast.ClaimMalformed},
		{"scope is a list", goodHead, `"charge refund"`, `["charge"]`, narrowcast.ClaimMalformed},
		{"scope with two spaces", goodHead, `charge refund`, `charge  refund`, narrowcast.ClaimMalformed},
		{"cnf is text", goodHead, `"jti":"t-1"`, `"jti":"t-1","cnf":"x"`, narrowcast.ClaimMalformed},
		{"cnf is empty", goodHead, `"jti":"t-1"`, `"jti":"t-1","cnf":{}`, narrowcast.ClaimMalformed},
		{"no audience", goodHead, `"aud":"https://pay.example.test",`, ``, narrowcast.AudienceMissing},
		{"AUD for aud", goodHead, `"aud"`, `"AUD"`, narrowcast.AudienceMissing},
		{"empty audience", goodHead, `"https://pay.example.test"`, `""`, narrowcast.AudienceMissing},
		{"empty list", goodHead, `"https://pay.example.test"`, `[]`, narrowcast.AudienceMissing},
		{"list with an empty text", goodHead, `"https://pay.example.test"`, `[""]`, narrowcast.AudienceMalformed},
		{"audience is a number", goodHead, `"https://pay.example.test"`, `7`, narrowcast.AudienceMalformed},
		{"audience is null", goodHead, `"https://pay.example.test"`, `null`, narrowcast.AudienceMalformed},
		{"audience is true", goodHead, `"https://pay.example.test"`, `true`, narrowcast.AudienceMalformed},
		{"audience is an object", goodHead, `"https://pay.example.test"`, `{"https://pay.example.test":1}`, narrowcast.AudienceMalformed},
		{"ours and a number", goodHead, `"https://pay.example.test"`, `["https://pay.example.test",7]`, narrowcast.AudienceMalformed},
		{"a list in a list", goodHead, `"https://pay.example.test"`, `[["https://pay.example.test"]]`, narrowcast.AudienceMalformed},
		{"too many", goodHead, `"https://pay.example.test"`, `["a"` + strings.Repeat(`,"a"`, 16) + `]`, narrowcast.AudienceMalformed},
		{"other audience", goodHead, pay, crm, narrowcast.AudienceMismatch},
		{"other audience in a list", goodHead, `"https://pay.example.test"`, `["https://crm.example.test"]`, narrowcast.AudienceMismatch},
		{"two others", goodHead, `"https://pay.example.test"`, `["https://crm.example.test","a"]`, narrowcast.AudienceMismatch},
		{"wildcard", goodHead, `https://pay.example.test`, `*`, narrowcast.AudienceMismatch},
		{"ours and another", goodHead, `"https://pay.example.test"`, `["https://pay.example.test","https://crm.example.test"]`, narrowcast.AudienceMultiple},
		{"another and ours", goodHead, `"https://pay.example.test"`, `["https://crm.example.test","https://pay.example.test"]`, narrowcast.AudienceMultiple},
		{"ours twice", goodHead, `"https://pay.example.test"`, `["https://pay.example.test","https://pay.example.test"]`, narrowcast.AudienceMultiple},
		{"a tenant", goodHead, `"jti":"t-1"`, `"jti":"t-1","tenant":"t1"`, narrowcast.TenantMismatch},
		{"an environment", goodHead, `"jti":"t-1"`, `"jti":"t-1","environment":"prod"`, narrowcast.EnvironmentMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(t)
			mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
			payload := right
			if test.old != "" {
				payload = swap(t, right, test.old, test.replacement)
			}
			mustRefuse(t, d.Verifier, d.pen.sign(t, test.header, payload), narrowcast.Presentation{}, test.want)
		})
	}
}

func TestTypesAreReadAsMediaTypes(t *testing.T) {
	d := newDoor(t)
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		mustAccept(t, d.Verifier, d.pen.sign(t, swap(t, goodHead, "at+jwt", typ), right), narrowcast.Presentation{})
	}
	list := swap(t, right, `"https://pay.example.test"`, `["https://pay.example.test"]`)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, list), narrowcast.Presentation{})
	slash := swap(t, right, `"https://pay.example.test"`, `"https://pay.example.test/"`)
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, slash), narrowcast.Presentation{})
}

// TestShapeIsOneSpelling: a token has exactly one text.
func TestShapeIsOneSpelling(t *testing.T) {
	d := newDoor(t)
	good := d.pen.sign(t, goodHead, right)
	mustAccept(t, d.Verifier, good, narrowcast.Presentation{})
	parts := strings.Split(good, ".")
	for name, text := range map[string]string{
		"two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "five parts": good + ".x.x",
		"no header": "." + parts[1] + "." + parts[2], "no payload": parts[0] + ".." + parts[2], "no signature": parts[0] + "." + parts[1] + ".",
		"padding": good + "=", "space before": " " + good, "space behind": good + " ", "line break behind": good + "\n",
		"line break inside": parts[0] + "." + parts[1] + ".\n" + parts[2], "carriage return": parts[0] + "\r." + parts[1] + "." + parts[2],
		"standard alphabet": parts[0] + "." + parts[1] + "." + "+/" + parts[2][2:],
		"loose bits":        parts[0] + "." + parts[1] + "." + looseBits(parts[2]),
		"Bearer in front":   "Bearer " + good, "JSON form": `{"payload":"` + parts[1] + `"}`, "only dots": "..", "a word": "x",
		"header is a list":      d.pen.sign(t, `[]`, right),
		"header is not UTF-8":   d.pen.sign(t, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\xff\"}", right),
		"payload is a list":     d.pen.sign(t, goodHead, `[]`),
		"payload is text":       d.pen.sign(t, goodHead, `hello`),
		"junk behind":           d.pen.sign(t, goodHead, right+"x"),
		"second object":         d.pen.sign(t, goodHead, right+"{}"),
		"too deep":              d.pen.sign(t, goodHead, with(right, `"x":`+strings.Repeat("[", 17)+strings.Repeat("]", 17))),
		"token inside a token":  base64.RawURLEncoding.EncodeToString([]byte(good)),
		"byte order mark":       d.pen.sign(t, goodHead, "\ufeff"+right),
		"lone surrogate inside": d.pen.sign(t, goodHead, with(right, `"x":"\ud800"`)),
	} {
		t.Run(name, func(t *testing.T) {
			mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.Malformed)
		})
	}
	mustRefuse(t, d.Verifier, "", narrowcast.Presentation{}, narrowcast.TokenMissing)
	mustRefuse(t, d.Verifier, good+strings.Repeat("A", 16<<10), narrowcast.Presentation{}, narrowcast.TooLarge)
}

// looseBits sets the unused bits of the last letter.
func looseBits(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + alphabet[last|1:last|1+1]
}

// TestOrderBeforeTheSignature piles up faults: the earliest one is named.
func TestOrderBeforeTheSignature(t *testing.T) {
	d := newDoor(t)
	faults := []struct {
		want        narrowcast.Reason
		header, iss string
	}{
		{narrowcast.CriticalHeader, `{"crit":[],"alg":"none","typ":"JWT","kid":"k2"}`, issuerB},
		{narrowcast.AlgorithmNotAllowed, `{"alg":"none","typ":"JWT","kid":"k2"}`, issuerB},
		{narrowcast.TypeMismatch, `{"alg":"ES256","typ":"JWT","kid":"k2"}`, issuerB},
		{narrowcast.IssuerUnknown, `{"alg":"ES256","typ":"at+jwt","kid":"k2"}`, issuerB},
		{narrowcast.KeyUnknown, `{"alg":"ES256","typ":"at+jwt","kid":"k2"}`, issuerA},
		{narrowcast.SignatureInvalid, goodHead, issuerA},
	}
	stranger := newPen(t, narrowcast.ES256, "k1")
	for _, f := range faults {
		payload := swap(t, swap(t, right, issuerA, f.iss), pay, crm)
		rej := mustRefuse(t, d.Verifier, stranger.sign(t, f.header, payload), narrowcast.Presentation{}, f.want)
		if rej.Genuine || rej.OffTarget() || rej.OnlyAboutAudience() || len(rej.Also) != 0 {
			t.Errorf("%s: rejection = %+v", f.want, rej)
		}
	}
}

// TestOrderBehindTheSignature: a genuine token is told everything it fails, in
// the order of the catalogue.
func TestOrderBehindTheSignature(t *testing.T) {
	dead := &liveness{narrowcast.Revoked}
	d := newDoor(t, func(c *narrowcast.Config) { c.Liveness = dead; c.Tenant = "t1" })
	payload := `{"iss":"https://issuer.example.test","sub":"checkout","client_id":"checkout","scope":"charge","environment":"test",` +
		`"aud":"https://crm.example.test","iat":1700000000,"exp":1700090000,"nbf":1900000000,"cnf":{"x5t#S256":"abc"}}`
	rej := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, payload), narrowcast.Presentation{Need: narrowcast.MustScope("audit")}, narrowcast.ClaimMissing)
	want := []narrowcast.Reason{narrowcast.Expired, narrowcast.NotYetValid, narrowcast.LifetimeExceeded, narrowcast.AudienceMismatch, narrowcast.TenantMismatch,
		narrowcast.EnvironmentMismatch, narrowcast.Downgrade, narrowcast.Revoked, narrowcast.InsufficientScope}
	if len(rej.Also) != len(want) {
		t.Fatalf("also = %v, want %v", rej.Also, want)
	}
	for i, r := range want {
		if rej.Also[i] != r {
			t.Errorf("also = %v, want %v", rej.Also, want)
		}
	}
	if !rej.Genuine || !rej.OffTarget() || rej.OnlyAboutAudience() || rej.Detail != "jti" {
		t.Errorf("rejection = %+v", rej)
	}
}

func TestKeysThatCannotBeHad(t *testing.T) {
	d := newDoor(t)
	d.keys.err = errors.New("connection refused")
	rej := mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{}, narrowcast.KeyUnavailable)
	if !errors.Is(rej, d.keys.err) || strings.Contains(rej.Error(), "connection") {
		t.Errorf("rejection = %v, cause %v", rej, rej.Cause)
	}
	d.keys.err = nil
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
}
