package narrowcast_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// FuzzVerify: no text makes a verifier panic, and a text it accepts is the only
// spelling of its token.
func FuzzVerify(f *testing.F) {
	d := newDoor(f)
	good := d.pen.sign(f, goodHead, right)
	f.Add(good)
	f.Add(good + "\n")
	f.Add(d.pen.sign(f, goodHead, with(right, `"cnf":{"jkt":"x"},"nbf":1e9,"x":[{"a":"\ud83d\ude00"}]`)))
	f.Add(strings.Repeat(".", 100))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := d.Verify(t.Context(), text, narrowcast.Presentation{})
		if (token == nil) == (err == nil) {
			t.Fatalf("token %v and error %v", token, err)
		}
		if err != nil {
			rej := rejection(t, err)
			if rej.Reason == 0 || rej.Reason.Sentence() == "" || leaks(rej.Error(), text) {
				t.Fatalf("rejection = %v", rej)
			}
			return
		}
		parts, err := jose.Split(text)
		if err != nil || jose.Seal(jose.Join(parts.Header, parts.Payload), parts.Signature) != text {
			t.Fatalf("an accepted token has a second spelling: %v", err)
		}
	})
}

// leaks: a message may repeat a claim, never a text as long as a token.
func leaks(message, text string) bool { return len(text) > 100 && strings.Contains(message, text) }

// FuzzVerifySigned puts arbitrary JSON under a right signature, to reach what
// lies behind it.
func FuzzVerifySigned(f *testing.F) {
	d := newDoor(f)
	f.Add(goodHead, right)
	f.Add(goodHead, with(right, `"aud2":[1]`))
	f.Add(goodHead, with(right, `"act":{"sub":"a","act":{"sub":"b"}},"may_act":{"sub":"c"},"parent":"t-0","single_use":false,"status":{"status_list":{"idx":1,"uri":"u"}}`))
	f.Add(goodHead, with(right, describing(`"GET"`, `"/a"`, digestOf(""))))
	f.Add(goodHead, `{"iss":"https://issuer.example.test","aud":["https://pay.example.test"],"exp":1e99,"cnf":{}}`)
	f.Add(`{"alg":"ES256","typ":"application/at+jwt","kid":"k1","x":{}}`, right)
	f.Fuzz(func(t *testing.T, header, payload string) {
		text := d.pen.sign(t, header, payload)
		token, err := d.Verify(t.Context(), text, narrowcast.Presentation{})
		if err != nil {
			rej := rejection(t, err)
			if rej.Genuine != (rej.Reason > narrowcast.SignatureInvalid) {
				t.Fatalf("genuine %t with reason %s", rej.Genuine, rej.Reason)
			}
			return
		}
		if aud := token.Describe().Audience; len(aud) != 1 || strings.TrimSuffix(aud[0], "/") != pay {
			t.Fatalf("accepted for %q", aud)
		}
	})
}

// FuzzParseAudience: two audiences that are not equal never answer to the same
// name, and parsing is settled after once.
func FuzzParseAudience(f *testing.F) {
	f.Add("https://h.example.test", "https://h.example.test/", "https://h.example.test/")
	f.Add("https://h.example.test/a", "https://h.example.test/a/", "https://h.example.test/a")
	f.Add("api://x", "urn:x", "API://x")
	f.Fuzz(func(t *testing.T, a, b, received string) {
		first, errA := narrowcast.ParseAudience(a)
		second, errB := narrowcast.ParseAudience(b)
		if errA == nil {
			again, err := narrowcast.ParseAudience(first.String())
			if err != nil || again != first || !first.Names(a) || !first.Names(first.String()) {
				t.Fatalf("%q does not stay what it is: %q, %v", a, again, err)
			}
			if first.Names(received) && received != first.String() && received != first.String()+"/" {
				t.Fatalf("%q answers to %q", first, received)
			}
		}
		if errA == nil && errB == nil && first != second {
			for _, name := range []string{received, a, b} {
				if first.Names(name) && second.Names(name) {
					t.Fatalf("%q and %q both answer to %q", first, second, name)
				}
			}
		}
		narrowcast.Difference(first, received)
	})
}

// FuzzParseScope: a scope has one spelling.
func FuzzParseScope(f *testing.F) {
	f.Add("a b", "b a")
	f.Fuzz(func(t *testing.T, a, b string) {
		first, errA := narrowcast.ParseScope(a)
		second, errB := narrowcast.ParseScope(b)
		if errA != nil || errB != nil {
			return
		}
		again, err := narrowcast.ParseScope(first.String())
		if err != nil || again != first {
			t.Fatalf("%q became %q, %v", first, again, err)
		}
		if (first.Covers(second) && second.Covers(first)) != (first == second) {
			t.Fatalf("%q and %q", first, second)
		}
	})
}

// FuzzVerifyForeign puts arbitrary JSON under the right signatures of a foreign
// issuer and of a trust domain. What is accepted names this resource once.
func FuzzVerifyForeign(f *testing.F) {
	d := newDoor(f)
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(pay), Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: d.clock.read, Tenant: "north",
		Issuers: []narrowcast.TrustedIssuer{
			{Issuer: narrowcast.MustIssuer(issuerA), Keys: d.keys, Class: narrowcast.DangerouslyUntyped, Tenant: "north", Dialect: narrowcast.Dialect{
				Companions: audiences("urn:userinfo"), Ambient: audiences("account"), IssuerIsAmbient: true, OwnWords: true,
				TenantClaim: "tid", Tenants: map[string]string{"1": "north"}, ClientClaim: "azp", ScopeClaims: []string{"scp", "roles"},
				Require: []narrowcast.RequiredClaim{{Name: "use", Values: []string{"access"}}},
			}},
			{Issuer: narrowcast.MustIssuer("spiffe://corp.example"), Keys: d.keys, Class: narrowcast.JWTSVID, Tenant: "north"},
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(untypedHead, with(untyped, `"tid":"1","use":"access","scp":["a"],"roles":"b","azp":"x"`))
	f.Add(untypedHead, swap(f, with(untyped, `"tid":"1","use":"access"`), `"https://pay.example.test"`, `["urn:userinfo","https://pay.example.test"]`))
	f.Add(untypedHead, with(untyped, `"tid":"1","use":"access","act":{"sub":"a"},"single_use":1,"parent":2,"status":"on"`))
	f.Add(svidHead, svid)
	f.Add(svidHead, with(svid, `"iss":"https://issuer.example.test","":1`))
	f.Fuzz(func(t *testing.T, header, payload string) {
		token, err := v.Verify(t.Context(), d.pen.sign(t, header, payload), narrowcast.Presentation{})
		if err != nil {
			if rej := rejection(t, err); rej.Genuine != (rej.Reason > narrowcast.SignatureInvalid) {
				t.Fatalf("genuine %t with reason %s", rej.Genuine, rej.Reason)
			}
			return
		}
		own := 0
		for _, aud := range token.Describe().Audience {
			if strings.TrimSuffix(aud, "/") == pay {
				own++
			} else if aud != "urn:userinfo" {
				t.Fatalf("accepted for %q", aud)
			}
		}
		workload := strings.HasPrefix(strings.ToLower(string(token.Subject())), "spiffe:")
		if token.SingleUse() || token.Parent() != "" || len(token.Actors()) > narrowcast.MaxActors || slices.Contains(token.Actors(), "") {
			t.Fatalf("accepted with %v, %+v", token.Actors(), token.Describe())
		}
		if own != 1 || token.Tenant() != "north" || workload != (token.Issuer().String() == "spiffe://corp.example") {
			t.Fatalf("accepted %+v", token.Describe())
		}
	})
}
