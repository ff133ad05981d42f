package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/authn"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// ways are all in which a workload can ask. Only the first shows the certificate.
func (h *hall) ways(n int) map[string]url.Values {
	return map[string]url.Values{
		"X.509-SVID":    {"grant_type": {issuer.ClientCredentials}, "client_id": {idOf(n)}},
		"assertion":     {"grant_type": {issuer.ClientCredentials}, "client_assertion_type": {authn.SPIFFEType}, "client_assertion": {h.tokens[n]}},
		"jwt-bearer":    {"grant_type": {issuer.JWTBearer}, "assertion": {h.tokens[n]}},
		"exchange":      {"grant_type": {issuer.TokenExchange}, "subject_token_type": {issuer.JWTType}, "subject_token": {h.tokens[n]}},
		"both SVIDs":    {"grant_type": {issuer.JWTBearer}, "assertion": {h.tokens[n]}, "client_id": {idOf(n)}},
		"by the name":   {"grant_type": {issuer.ClientCredentials}, "client_id": {fmt.Sprintf("w%d", n)}},
		"as JWT-bearer": {"grant_type": {issuer.ClientCredentials}, "client_assertion_type": {authn.AssertionType}, "client_assertion": {h.tokens[n]}},
	}
}

// gained is a token that a workload got.
type gained struct {
	way, text string
	target    int
}

// TestLateralMovement: from the workload of each of ten services, only its declared
// targets are reachable with anything that it can mint, and each token opens one
// door of ten.
func TestLateralMovement(t *testing.T) {
	h := openHall(t)
	for from := range ten {
		t.Run(fmt.Sprintf("service %d", from), func(t *testing.T) {
			tokens := h.askForAll(t, from)
			if want := len(targets(from)) * len(h.ways(from)); len(tokens) != want {
				t.Fatalf("%d tokens, want %d", len(tokens), want)
			}
			h.askAsOthers(t, from)
			for _, token := range tokens {
				h.showEverywhere(t, from, token)
			}
		})
	}
}

func (h *hall) askForAll(t *testing.T, from int) (tokens []gained) {
	for way, form := range h.ways(from) {
		for target := range ten {
			form.Set("resource", audienceOf(target))
			client := h.clients[from]
			if !strings.Contains(way, "SVID") && way != "by the name" {
				client = &http.Client{Transport: h.bare(t)}
			}
			answer, body := h.send(t, client, http.MethodPost, h.base+"/token", "", form)
			var said struct {
				Token string `json:"access_token"`
				Error string `json:"error"`
			}
			if err := json.Unmarshal([]byte(body), &said); err != nil {
				t.Fatal(err, body)
			}
			declared := slices.Contains(targets(from), target)
			switch {
			case declared && answer.StatusCode == 200:
				claimed, err := narrowcast.Inspect(said.Token)
				if err != nil || claimed.Subject != idOf(from) || !slices.Equal(claimed.Audience, []string{audienceOf(target)}) {
					t.Errorf("by %s for %d: %v %+v", way, target, err, claimed)
				}
				tokens = append(tokens, gained{way, said.Token, target})
			case declared:
				t.Errorf("by %s for %d, which is declared: %d %s", way, target, answer.StatusCode, said.Error)
			case answer.StatusCode != 400 || said.Error != "invalid_target" || said.Token != "":
				t.Errorf("by %s for %d, which is not declared: %d %s", way, target, answer.StatusCode, said.Error)
			}
		}
	}
	return tokens
}

// bare shows no certificate.
func (h *hall) bare(t *testing.T) *http.Transport {
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.roots}, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// askAsOthers names every other service beside its own proof, and asks for what
// that one may have.
func (h *hall) askAsOthers(t *testing.T, from int) {
	for other := range ten {
		if other == from {
			continue
		}
		for way, form := range h.ways(from) {
			for _, name := range []string{idOf(other), fmt.Sprintf("w%d", other)} {
				form.Set("client_id", name)
				form.Set("resource", audienceOf(targets(other)[0]))
				if answer, body := h.send(t, h.clients[from], http.MethodPost, h.base+"/token", "", form); answer.StatusCode != 401 {
					t.Errorf("by %s as %s: %d %s", way, name, answer.StatusCode, body)
				}
			}
		}
	}
}

// showEverywhere shows a token at all ten guards: its own opens, and nine refuse
// and record whose token it was.
func (h *hall) showEverywhere(t *testing.T, from int, token gained) {
	for at := range ten {
		answer, body := h.send(t, http.DefaultClient, http.MethodGet, h.guards[at].URL+"/x", token.text, nil)
		if at == token.target {
			if answer.StatusCode != 200 || body != fmt.Sprintf("service %d", at) {
				t.Errorf("its own door %d refuses the token: %d %s", at, answer.StatusCode, body)
			}
			continue
		}
		if answer.StatusCode != 401 {
			t.Errorf("door %d takes a token for %d: %d", at, token.target, answer.StatusCode)
			continue
		}
		e := h.recorded(t, at, answer.Header.Get("Narrowcast-Decision"))
		if e.Type != event.OffTarget || e.Reason != narrowcast.AudienceMismatch || !e.Genuine || e.Expected != audienceOf(at) ||
			!slices.Equal(e.Received, []string{audienceOf(token.target)}) || e.Token == nil || e.Token.Subject != idOf(from) {
			t.Errorf("door %d recorded %+v", at, e)
		}
	}
}

// recorded finds the event of a decision in the file of a guard.
func (h *hall) recorded(t *testing.T, at int, decision string) (found event.Event) {
	t.Helper()
	text, err := os.ReadFile(h.files[at])
	if err != nil || decision == "" {
		t.Fatal(err, decision)
	}
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(decision)) {
			continue
		}
		if err := json.Unmarshal(line, &found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	t.Errorf("door %d recorded nothing of %s", at, decision)
	return found
}
