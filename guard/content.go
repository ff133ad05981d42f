package guard

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// errContent means that a content is longer than what is read of one. The caller is
// not told, and the event says it in the words of the verifier.
var errContent = errors.New("the content is longer than the limit")

// requestOf describes the request for tokens that are for one exact request. Behind
// forward-auth nobody knows the content, and such a token does not open.
func (g *Guard) requestOf(k *knock) *narrowcast.Request {
	if k.target == "" || k.method == "" {
		return nil
	}
	r := &narrowcast.Request{Method: k.method, Target: k.target}
	if !k.sealed {
		r.Digest = func() ([sha256.Size]byte, error) { return k.digest(g.maxContent) }
	}
	return r
}

// digest reads the content of the request and makes the body whole again.
func (k *knock) digest(most int64) (sum [sha256.Size]byte, err error) {
	r := k.request
	if r.Body == nil || r.Body == http.NoBody {
		return sha256.Sum256(nil), nil
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	copied := *r
	copied.Body = rejoined{io.MultiReader(bytes.NewReader(content), rest), r.Body}
	k.request = &copied
	switch {
	case err != nil:
		return sum, err
	case int64(len(content)) > most:
		return sum, errContent
	}
	return sha256.Sum256(content), nil
}

// targetOf returns path and query as they stand in the request line, whatever a
// handler further out made of the URL.
func targetOf(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}
