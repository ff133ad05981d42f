package narrowcast_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

func TestSPIFFEIDs(t *testing.T) {
	long := "spiffe://corp.example/" + strings.Repeat("x", 2048-len("spiffe://corp.example/"))
	for text, want := range map[string][2]string{
		"spiffe://corp.example":                    {"corp.example", ""},
		"spiffe://corp.example/pay":                {"corp.example", "/pay"},
		"spiffe://corp.example/ns/Shop/sa/check_1": {"corp.example", "/ns/Shop/sa/check_1"},
		"spiffe://a-b_c.1/...":                     {"a-b_c.1", "/..."},
		"spiffe://10.0.0.1/x":                      {"10.0.0.1", "/x"},
		long:                                       {"corp.example", long[len("spiffe://corp.example"):]},
	} {
		id, err := narrowcast.ParseSPIFFEID(text)
		if err != nil || id.String() != text || id.TrustDomain() != want[0] || id.Path() != want[1] || id.Issuer().String() != "spiffe://"+want[0] || id.IsZero() {
			t.Errorf("%q = %q %q, %v", text, id.TrustDomain(), id.Path(), err)
		}
		if _, err := narrowcast.ParseTrustDomain(text); (err == nil) != (want[1] == "") {
			t.Errorf("%q as a trust domain: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "spiffe:", "spiffe://", "spiffe:///x", "SPIFFE://corp.example/x", "Spiffe://corp.example/x", "spiffe:/corp.example/x", "https://corp.example/x",
		"spiffe://Corp.example/x", "spiffe://corp.example:443/x", "spiffe://u@corp.example/x", "spiffe://corp.example/", "spiffe://corp.example//x",
		"spiffe://corp.example/x/", "spiffe://corp.example/./x", "spiffe://corp.example/x/..", "spiffe://corp.example/%41", "spiffe://corp.example/x?y",
		"spiffe://corp.example/x#y", "spiffe://corp.example/x y", "spiffe://corp.example/é", "spiffe://corp%2eexample/x", "spiffe://*/x", "spiffe://corp.example/*",
		"spiffe://[::1]/x", " spiffe://corp.example/x", "spiffe://corp.example/x\n", "spiffe://corp.example\x00/x", "spiffe://corp.example/x:y", "spiffe://corp.example/x~y",
		long + "x", "spiffe://" + strings.Repeat("a", 256) + "/x",
	} {
		if id, err := narrowcast.ParseSPIFFEID(text); err == nil || !id.IsZero() {
			t.Errorf("%q was read as %q", text, id)
		}
	}
	var zero narrowcast.SPIFFEID
	if !zero.IsZero() || zero.TrustDomain() != "" || zero.Path() != "" || !zero.Issuer().IsZero() {
		t.Errorf("the zero SPIFFE ID is %q", zero)
	}
}

// FuzzParseSPIFFEID: an ID has one spelling and comes apart where it was joined.
func FuzzParseSPIFFEID(f *testing.F) {
	for _, seed := range []string{"spiffe://corp.example/ns/a", "spiffe://corp.example", "spiffe://corp.example/../x", "SPIFFE://A/b", "spiffe://a:1/b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := narrowcast.ParseSPIFFEID(text)
		if err != nil {
			return
		}
		if "spiffe://"+id.TrustDomain()+id.Path() != text || len(text) > 2048 || strings.ToLower(id.TrustDomain()) != id.TrustDomain() {
			t.Fatalf("%q = %q %q", text, id.TrustDomain(), id.Path())
		}
		if strings.ContainsAny(text[len("spiffe://"):], ":@?#%\\ ") || strings.Contains(id.Path()+"/", "/../") || strings.Contains(id.Path()+"/", "//") {
			t.Fatalf("%q was read", text)
		}
		if _, err := narrowcast.ParseTrustDomain(id.Issuer().String()); err != nil {
			t.Fatalf("%q has the issuer %q: %v", text, id.Issuer(), err)
		}
	})
}

const (
	svidHead = `{"alg":"ES256","kid":"k1","typ":"JWT"}`
	svid     = `{"sub":"spiffe://corp.example/pay","aud":["https://pay.example.test"],"exp":1800000300}`
)

// domainDoor trusts a trust domain, an issuer of untyped tokens and one of RFC
// 9068. All have a key k1.
func domainDoor(t *testing.T) (d *door, untyped, standard *pen) {
	t.Helper()
	untyped, standard = newPen(t, narrowcast.ES256, "k1"), newPen(t, narrowcast.ES256, "k1")
	d = newDoor(t, func(c *narrowcast.Config) {
		c.Issuers[0].Issuer, c.Issuers[0].Class = narrowcast.MustIssuer("spiffe://corp.example"), narrowcast.JWTSVID
		c.Issuers = append(c.Issuers,
			narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(issuerB), Keys: ringOf(untyped.public(t)), Class: narrowcast.DangerouslyUntyped},
			narrowcast.TrustedIssuer{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(standard.public(t))})
		c.Algorithms = append(c.Algorithms, narrowcast.Ed25519)
	})
	return d, untyped, standard
}

func TestTrustDomainSpeaksForItsOwnAndNobodyElse(t *testing.T) {
	d, idp, standard := domainDoor(t)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, svidHead, svid), narrowcast.Presentation{})
	if token.Issuer().String() != "spiffe://corp.example" || token.Describe().Issuer != "spiffe://corp.example" || token.Subject() != "spiffe://corp.example/pay" {
		t.Errorf("token = %+v", token.Describe())
	}
	times := `,"iat":1800000000`
	ofIDP := `{"iss":"https://other.example.test","sub":"checkout","aud":"https://pay.example.test","exp":1800000300` + times + `}`
	mustAccept(t, d.Verifier, idp.sign(t, svidHead, ofIDP), narrowcast.Presentation{})
	svidFrom := func(iss string) string { return with(svid, `"iss":"`+iss+`"`+times) }
	for name, test := range map[string]struct {
		pen     *pen
		payload string
		want    narrowcast.Reason
	}{
		"another issuer's key":             {idp, svid, narrowcast.IssuerKeyMismatch},
		"a third issuer's key":             {standard, svid, narrowcast.IssuerKeyMismatch},
		"a stranger's key":                 {newPen(t, narrowcast.ES256, "k1"), svid, narrowcast.SignatureInvalid},
		"another issuer about a workload":  {idp, svidFrom(issuerB), narrowcast.IssuerUnknown},
		"the domain under another issuer":  {d.pen, svidFrom(issuerB), narrowcast.IssuerUnknown},
		"the domain about a user":          {d.pen, ofIDP, narrowcast.IssuerKeyMismatch},
		"the domain under RFC 9068":        {d.pen, svidFrom(issuerA), narrowcast.TypeMismatch},
		"another domain in iss":            {d.pen, svidFrom("spiffe://other.example"), narrowcast.IssuerUnknown},
		"another domain in sub":            {d.pen, swap(t, svid, "corp.example", "other.example"), narrowcast.IssuerUnknown},
		"own domain in iss, another sub":   {d.pen, swap(t, svidFrom("spiffe://corp.example"), "spiffe://corp.example/pay", "spiffe://other.example/pay"), narrowcast.IssuerUnknown},
		"own domain in iss, no SPIFFE sub": {d.pen, swap(t, svidFrom("spiffe://corp.example"), "spiffe://corp.example/pay", "checkout"), narrowcast.IssuerUnknown},
		"capitals":                         {idp, swap(t, ofIDP, `"checkout"`, `"SPIFFE://corp.example/pay"`), narrowcast.IssuerUnknown},
		"no path":                          {d.pen, swap(t, svid, "corp.example/pay", "corp.example"), narrowcast.ClaimMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			mustRefuse(t, d.Verifier, test.pen.sign(t, svidHead, test.payload), narrowcast.Presentation{}, test.want)
		})
	}
	mustAccept(t, d.Verifier, d.pen.sign(t, svidHead, svidFrom("spiffe://corp.example")), narrowcast.Presentation{})
	mustAccept(t, d.Verifier, d.pen.sign(t, svidHead, svidFrom("https://oidc.corp.example")), narrowcast.Presentation{})
	// An issuer whose access tokens have a type of their own may speak of workloads.
	mustAccept(t, d.Verifier, standard.sign(t, goodHead, swap(t, right, `"sub":"checkout"`, `"sub":"spiffe://corp.example/pay"`)), narrowcast.Presentation{})
}

func TestJWTSVIDNeverSignedWithEd25519(t *testing.T) {
	d, _, _ := domainDoor(t)
	ed := newPen(t, narrowcast.Ed25519, "e1")
	d.keys.keys["e1"] = ed.public(t)
	mustAccept(t, d.Verifier, d.pen.sign(t, svidHead, svid), narrowcast.Presentation{})
	for _, alg := range []string{"EdDSA", "Ed25519"} {
		mustRefuse(t, d.Verifier, ed.sign(t, `{"alg":"`+alg+`","kid":"e1"}`, svid), narrowcast.Presentation{}, narrowcast.AlgorithmNotAllowed)
	}
}
