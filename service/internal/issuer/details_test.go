package issuer_test

import (
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

const emptyDigest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" // of nothing

func detailed(text string) func(*issuer.Request) {
	return func(r *issuer.Request) { r.Details = text }
}

// What is granted stands in the answer and in the token, in one form.
func TestDetailsThatAreGranted(t *testing.T) {
	for asked, want := range map[string]string{
		`[{"type":"urn:narrowcast:request","method":"GET","target":"/a?x=1&y=2"}]`:                                                          `[{"type":"urn:narrowcast:request","locations":["` + data + `"],"method":"GET","target":"/a?x=1&y=2"}]`,
		` [ {"target":"/","method":"POST","digest":"` + emptyDigest + `","locations":["` + data + `/"],"type":"urn:narrowcast:request"} ] `: `[{"type":"urn:narrowcast:request","locations":["` + data + `"],"method":"POST","target":"/","digest":"` + emptyDigest + `"}]`,
		`[{"type":"payment","amount":{"value":1.50}}]`:                                                                                      `[{"amount":{"value":1.50},"type":"payment"}]`,
		`[{"type":"payment","locations":["` + data + `"]},{"type":"payment"}]`:                                                              `[{"locations":["` + data + `"],"type":"payment"},{"type":"payment"}]`,
	} {
		w := openWorks(t)
		answer := w.grant(asking("other", data, detailed(asked)))
		if answer.Details != want {
			t.Errorf("%s:\ngranted %s\nwant    %s", asked, answer.Details, want)
		}
		if _, err := narrowcast.ParseDetails(answer.Details); err != nil {
			t.Error(err)
		}
	}
}

func TestDetailsThatAreRefused(t *testing.T) {
	request := func(members string) string { return `[{"type":"urn:narrowcast:request",` + members + `}]` }
	for name, text := range map[string]string{
		"no JSON":                 `x`,
		"no array":                `{"type":"payment"}`,
		"empty":                   `[]`,
		"null":                    `null`,
		"no object":               `["payment"]`,
		"no type":                 `[{"amount":1}]`,
		"type is no text":         `[{"type":1}]`,
		"unknown type":            `[{"type":"weather"}]`,
		"type of another door":    `[{"type":"urn:narrowcast:other"}]`,
		"one unknown":             `[{"type":"payment"},{"type":"weather"}]`,
		"a name twice":            `[{"type":"payment","a":1,"a":2}]`,
		"a name twice inside":     `[{"type":"payment","a":{"b":1,"b":2}}]`,
		"a name twice by case":    `[{"type":"payment","Type":"weather"}]`,
		"something behind":        `[{"type":"payment"}] x`,
		"two arrays":              `[{"type":"payment"}][]`,
		"not UTF-8":               "[{\"type\":\"payment\",\"a\":\"\xff\"}]",
		"too deep":                `[{"type":"payment","a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}]`,
		"too long":                `[{"type":"payment","a":"` + strings.Repeat("x", 4096) + `"}]`,
		"too many":                `[` + strings.Repeat(`{"type":"payment"},`, 8) + `{"type":"payment"}]`,
		"another location":        `[{"type":"payment","locations":["` + crm + `"]}]`,
		"two locations":           `[{"type":"payment","locations":["` + data + `","` + crm + `"]}]`,
		"no location":             `[{"type":"payment","locations":[]}]`,
		"location is no list":     `[{"type":"payment","locations":"` + data + `"}]`,
		"a request elsewhere":     request(`"locations":["` + crm + `"],"method":"GET","target":"/"`),
		"a request twice":         request(`"locations":["` + data + `","` + data + `"],"method":"GET","target":"/"`),
		"no method":               request(`"target":"/"`),
		"no target":               request(`"method":"GET"`),
		"a whole URL":             request(`"method":"GET","target":"` + data + `/"`),
		"a fragment":              request(`"method":"GET","target":"/#x"`),
		"a method with a space":   request(`"method":"GET /","target":"/"`),
		"a digest of another way": request(`"method":"GET","target":"/","digest":"sha-512=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"`),
		"a short digest":          request(`"method":"GET","target":"/","digest":"sha-256=:47DE:"`),
		"an empty digest":         request(`"method":"GET","target":"/","digest":""`),
		"a member nobody knows":   request(`"method":"GET","target":"/","until":"noon"`),
		"a token inside":          `[{"type":"payment","a":"` + strayToken() + `"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorks(t)
			_, err := w.Grant(t.Context(), asking("other", data, detailed(text)))
			if got := ground(t, err); got != issuer.DetailsRefused || got.Code() != "invalid_authorization_details" {
				t.Errorf("%v", err)
			}
			if e := w.last(); e.Refusal != "invalid_authorization_details" || e.Check() != nil {
				t.Errorf("event = %+v", e)
			}
		})
	}
}

// Single use is up to the rules, never to the request.
func TestSingleUseIsNotAskedFor(t *testing.T) {
	w := openWorks(t)
	if !claims(t, w.grant(asking("other", data)).Token).SingleUse {
		t.Error("the door makes tokens for one use, and this one is not")
	}
	answer := w.grant(asking("job", orch, detailed(`[{"type":"urn:narrowcast:request","method":"GET","target":"/"}]`)))
	if claims(t, answer.Token).SingleUse {
		t.Error("the door makes no tokens for one use, and this one is")
	}
}

func FuzzDetails(f *testing.F) {
	f.Add(`[{"type":"payment","amount":1}]`)
	f.Add(`[{"type":"urn:narrowcast:request","method":"GET","target":"/","locations":["` + data + `"]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		granted, err := issuer.Details(text, narrowcast.MustAudience(data))
		if err != nil || granted == "" {
			return
		}
		all, err := narrowcast.ParseDetails(granted)
		if err != nil {
			t.Fatalf("%q became %q, which no verifier reads: %v", text, granted, err)
		}
		for _, d := range all {
			for _, location := range d.Locations {
				if location != data {
					t.Fatalf("%q became %q", text, granted)
				}
			}
		}
		if again, err := issuer.Details(granted, narrowcast.MustAudience(data)); err != nil || again != granted {
			t.Fatalf("%q became %q and then %q, %v", text, granted, again, err)
		}
	})
}
