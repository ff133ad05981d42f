package guard_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

// forRequest are the claims of a token that is for one exact request.
func forRequest(method, target, content string) map[string]any {
	detail := map[string]any{"type": "urn:narrowcast:request", "locations": []string{pay}, "method": method, "target": target}
	if content != "" {
		sum := sha256.Sum256([]byte(content))
		detail["digest"] = "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	}
	return map[string]any{"authorization_details": []any{detail}}
}

// echo answers with what it was sent.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })

func post(target, content, token string) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(content))
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestATokenForOneRequestOpensForThatOne(t *testing.T) {
	w := newTown(t)
	g := w.door(t, pay, func(c *guard.Config) { c.MaxContent = 100 })
	const target, content = "/charges?x=1&y=%2F", `{"amount":7}`
	form := "a=b&access_token=x"
	long := strings.Repeat("x", 101)
	for name, c := range map[string]struct {
		claims map[string]any
		r      func(token string) *http.Request
		code   int
	}{
		"this one":   {forRequest("POST", target, content), func(token string) *http.Request { return post(target, content, token) }, 200},
		"at most":    {forRequest("POST", target, long[1:]), func(token string) *http.Request { return post(target, long[1:], token) }, 200},
		"no content": {forRequest("GET", "/a", ""), func(token string) *http.Request { return request("GET", "/a", token) }, 200},
		"content":    {forRequest("POST", target, content), func(token string) *http.Request { return post(target, content+" ", token) }, 401},
		"any":        {forRequest("POST", target, ""), func(token string) *http.Request { return post(target, content, token) }, 401},
		"none":       {forRequest("POST", target, content), func(token string) *http.Request { return post(target, "", token) }, 401},
		"query":      {forRequest("POST", target, content), func(token string) *http.Request { return post("/charges?x=1&y=/", content, token) }, 401},
		"path":       {forRequest("POST", target, content), func(token string) *http.Request { return post("/refunds?x=1&y=%2F", content, token) }, 401},
		"method":     {forRequest("PUT", target, content), func(token string) *http.Request { return post(target, content, token) }, 401},
		"too long":   {forRequest("POST", target, long), func(token string) *http.Request { return post(target, long, token) }, 401},
		"form": {forRequest("POST", target, form), func(token string) *http.Request {
			r := post(target, form, token)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}, 400},
		"broken": {forRequest("POST", target, content), func(token string) *http.Request {
			r := post(target, content, token)
			r.Body = io.NopCloser(iotest.ErrReader(errors.New("gone")))
			return r
		}, 401},
		"another path in the URL": {forRequest("POST", target, content), func(token string) *http.Request {
			r := post(target, content, token)
			r.URL.Path = "/stripped"
			return r
		}, 200},
	} {
		c.claims["jti"] = name
		r := c.r(w.sign(t, c.claims))
		answer := serve(g.Wrap(echo), r)
		if answer.Code != c.code {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.code)
		}
		if c.code == 401 && w.book.last(t).Reason != narrowcast.TxnMismatch {
			t.Errorf("%s: %s", name, w.book.last(t).Reason)
		}
		if name == "this one" && answer.Body.String() != content || name == "at most" && answer.Body.Len() != 100 {
			t.Errorf("%s: the handler got %q", name, answer.Body)
		}
	}
	long = strings.Repeat("x", 1000) // what is not read is not cut either
	if answer := serve(g.Wrap(echo), post("/", long, w.sign(t, nil))); answer.Body.String() != long {
		t.Errorf("%d bytes of another token's content", answer.Body.Len())
	}
}

// TestForwardAuthDoesNotKnowTheContent, so that a token for one request opens
// nothing there.
func TestForwardAuthDoesNotKnowTheContent(t *testing.T) {
	w := newTown(t)
	h, err := w.door(t, pay, nil).ForwardAuth(guard.ForwardConfig{Original: guard.FromXForwarded})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(target, token string) (int, string) {
		r := request("GET", "/", token)
		r.Header.Set("X-Forwarded-Method", "POST")
		r.Header.Set("X-Forwarded-Uri", target)
		code := serve(h, r).Code
		if code == 200 {
			return code, ""
		}
		return code, w.book.last(t).Detail
	}
	token := w.sign(t, forRequest("POST", "/charges?x=1", "{}"))
	if code, detail := ask("/charges?x=1", token); code != 401 || detail != "the content is not known" {
		t.Errorf("%d, %s", code, detail)
	}
	if code, detail := ask("/refunds", token); code != 401 || !strings.Contains(detail, "target") {
		t.Errorf("another target: %d, %s", code, detail)
	}
	if code, _ := ask("/charges?x=1", w.sign(t, nil)); code != 200 {
		t.Errorf("control: %d", code)
	}
}
