package narrowcast_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// TestPrintingGivesNoTokenAway prints everything a verifier returns in every
// way there is and looks for any part of the token.
func TestPrintingGivesNoTokenAway(t *testing.T) {
	d := newCachedDoor(t)
	good := d.pen.sign(t, goodHead, right)
	token := mustAccept(t, d.Verifier, good, narrowcast.Presentation{})
	foreign := d.pen.sign(t, goodHead, swap(t, right, pay, crm))
	rej := mustRefuse(t, d.Verifier, foreign, narrowcast.Presentation{}, narrowcast.AudienceMismatch)
	forged := newPen(t, narrowcast.ES256, "k1").sign(t, goodHead, right)
	noise := mustRefuse(t, d.Verifier, forged, narrowcast.Presentation{}, narrowcast.SignatureInvalid)
	claimed, err := narrowcast.Inspect(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, printed := range map[string]any{
		"token": token, "token by value": *token, "rejection": rej, "rejection by value": *rej, "noise": noise,
		"claimed": claimed, "description": d.Describe(), "verifier": d.Verifier, "verifiers in a list": []any{d.Verifier},
		"verifier in a hidden field": struct{ v *narrowcast.Verifier }{d.Verifier},
	} {
		for _, text := range spellings(t, printed) {
			for _, secret := range []string{good, foreign, forged} {
				if part := leaked(text, secret); part != "" {
					t.Errorf("%s gives away %q within %d bytes", name, part, len(text))
				}
			}
		}
	}
}

func spellings(t *testing.T, v any) []string {
	t.Helper()
	all := []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), fmt.Sprintf("%q", v)}
	if b, err := json.Marshal(v); err == nil {
		all = append(all, string(b))
	}
	return all
}

// leaked finds any 16 letters of the payload or signature part of a token, as
// text or as the numbers that %v makes of bytes.
func leaked(text, secret string) string {
	parts := strings.SplitN(secret, ".", 3)
	for _, part := range []string{parts[1], parts[2]} {
		for i := 0; i+16 <= len(part); i++ {
			window := part[i : i+16]
			numbers := strings.Trim(fmt.Sprint([]byte(window)), "[]")
			if strings.Contains(text, window) || strings.Contains(text, numbers) {
				return window
			}
		}
	}
	return ""
}

func TestTokenNamesItself(t *testing.T) {
	d := newDoor(t)
	token := mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	if want := "token t-1 for " + pay; token.String() != want || fmt.Sprintf("%#v", token) != want {
		t.Errorf("token = %q, %#v", token, token)
	}
	if (*narrowcast.Token)(nil).String() != "no token" || (&narrowcast.Token{}).String() != "no token" {
		t.Error("no token has a name")
	}
}
