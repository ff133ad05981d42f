package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// TestNothingSecretIsWrittenDown puts secrets into every place of a request and
// looks for them in the log, the book and the answers.
func TestNothingSecretIsWrittenDown(t *testing.T) {
	h := openPlatform(t)
	assertion := h.assertion(t, ours)
	stray := h.token(t, "checkout", pay, "charge")
	admin := h.token(t, "ops", ours+"/admin", "read")
	secrets := []string{assertion, stray, admin, secret, base64.StdEncoding.EncodeToString([]byte("legacy:" + url.QueryEscape(secret)))}
	var said strings.Builder
	send := func(change []string, edit ...func(*http.Request)) {
		w := h.post(h.form(t, change...).Encode(), edit...)
		fmt.Fprintln(&said, w.Header(), w.Body)
	}
	ask := func(path string, edit ...func(*http.Request)) {
		w := h.get(path, edit...)
		fmt.Fprintln(&said, w.Header(), w.Body)
	}
	none := []string{"client_assertion", "", "client_assertion_type", ""}
	for _, field := range []string{"resource", "audience", "scope", "grant_type", "lifetime", "client_id", "client_assertion_type", "client_secret", "x"} {
		send([]string{field, stray})
		send([]string{field, "https://pay.example.test/" + stray})
		send([]string{field, "Bearer " + stray})
		send([]string{field, secret})
	}
	// A good answer holds its token and nothing else.
	good := h.post(h.form(t, "client_assertion", assertion).Encode())
	secrets = append(secrets, object(t, good.Body)["access_token"].(string))
	send([]string{"client_assertion", assertion}) // replayed
	send([]string{"client_assertion", assertion + "x"})
	send(none, basic("legacy", secret+"x"))
	send(none, basic(stray, secret))
	send(none, basic("legacy", stray))
	send(none, bearer(stray))
	send(none, basic(secret, "legacy")) // the two in the wrong order
	send(append(none, "client_id", secret))
	send(nil, basic("legacy", secret))
	send(nil, func(r *http.Request) { r.URL.RawQuery = "client_assertion=" + assertion })
	secrets = append(secrets, rfc8693Token, rfc7523Assertion, rfc9449Proof, base64.StdEncoding.EncodeToString(rfc8705(t).Raw)[:60])
	for token, request := range map[string]string{rfc8693Token: rfc8693Request, rfc7523Assertion: rfc7523Request} {
		for _, rest := range []string{"", toPay, toPay + "&scope=fly", "&resource=" + token, "&resource=https://pay.example.test/" + token} {
			w := h.post(request+rest, proving(rfc9449Proof), shown(rfc8705(t)))
			if w.Code != 200 { // a good answer holds its token
				fmt.Fprintln(&said, w.Header(), w.Body)
			}
			w = h.post(request+"x"+rest, proving(stray), shown(rfc8705(t)))
			fmt.Fprintln(&said, w.Header(), w.Body)
		}
		for _, field := range []string{"subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "assertion", "subject_token"} {
			w := h.post(request + toPay + "x&" + field + "=" + stray)
			fmt.Fprintln(&said, w.Header(), w.Body)
		}
	}
	ask("/"+stray, bearer(stray))
	ask("/admin/v1/ledger/"+stray, bearer(stray))
	ask("/admin/v1/ledger/"+stray, bearer(admin))
	ask("/admin/v1/decisions/"+stray, bearer(admin))
	w := h.report(h.token(t, "pay-guard", ours+"/events", "report"), h.line(t, func(e *event.Event) { e.Detail = stray; e.Expected = stray }))
	fmt.Fprintln(&said, w.Header(), w.Body)

	var kept strings.Builder
	for _, e := range h.book.events() {
		line, err := event.Encode(e)
		if err != nil || len(line) > event.MaxBytes {
			t.Errorf("an event of %d bytes: %v", len(line), err)
		}
		kept.Write(append(line, '\n'))
	}
	for place, text := range map[string]string{"answers": said.String(), "log": h.log.String(), "book": kept.String()} {
		if len(text) < 1000 {
			t.Errorf("%s: there is nothing to look through", place)
		}
		for i, s := range secrets {
			if strings.Contains(text, s) || strings.Contains(text, url.QueryEscape(s)) {
				t.Errorf("%s: secret %d is in it", place, i)
			}
		}
	}
}

func TestPrintingGivesNothingAway(t *testing.T) {
	credentials := issuer.Credentials{Assertion: "aaaa", Secret: "bbbb", Basic: &issuer.Basic{User: "cccc", Password: "dddd"}}
	answer := issuer.Answer{Token: "eeee", Resource: narrowcast.MustAudience(pay)}
	request := issuer.Request{Credentials: credentials, ActorToken: "ffff", Proofs: []string{"gggg"}, RequestedTokenType: "hhhh"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, credentials) + fmt.Sprintf(format, credentials.Basic) + fmt.Sprintf(format, answer) +
			fmt.Sprintf(format, &answer) + fmt.Sprintf(format, request) + fmt.Sprintf(format, &request)
		for _, s := range []string{"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "hhhh"} {
			if strings.Contains(text, s) {
				t.Errorf("%s shows %s: %s", format, s, text)
			}
		}
	}
}

// FuzzToken sends any body: whatever it is, the answer is JSON, and a token comes
// only for the one door that the client may have.
func FuzzToken(f *testing.F) {
	h := openPlatform(f)
	f.Add(rfc8693Request + toPay)
	f.Add(rfc7523Request + toPay + "&actor_token=&client_id=checkout")
	f.Add(h.form(f).Encode())
	f.Add("grant_type=client_credentials&resource=" + url.QueryEscape(pay) + "&resource=" + url.QueryEscape(crm))
	f.Add("client_assertion_type=" + url.QueryEscape(authn.AssertionType) + "&client_assertion=a.b.c")
	f.Add("a=%zz&=&&;=%00")
	f.Fuzz(func(t *testing.T, body string) {
		w := h.post(body)
		var answer struct {
			Token string   `json:"access_token"`
			For   []string `json:"resource"`
			Error string   `json:"error"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if w.Code == 200 && (answer.Token == "" || len(answer.For) != 1 || answer.For[0] != pay) || w.Code != 200 && answer.Error == "" {
			t.Errorf("%d %+v", w.Code, answer)
		}
	})
}

// FuzzEvents sends any batch: nothing is kept but events of this writer about its
// own door.
func FuzzEvents(f *testing.F) {
	h := open(f, ours)
	token := h.token(f, "pay-guard", ours+"/events", "report")
	f.Add(h.line(f, nil))
	f.Add(h.line(f, func(e *event.Event) { e.Expected = crm }))
	f.Add("{}\n\n[]")
	f.Fuzz(func(t *testing.T, body string) {
		before := len(h.book.events())
		w := h.report(token, body)
		for _, e := range h.book.events()[before:] {
			if w.Code != 200 || !strings.HasPrefix(e.Writer, "pay-guard") || e.Type == event.Issued || e.Expected != pay && e.Verifier == nil {
				t.Errorf("%d kept %+v", w.Code, e)
			}
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("answer = %s", w.Body)
		}
	})
}
