package guard

import (
	"context"
	"maps"
	"net/http"

	"github.com/narrowcast-io/narrowcast"
)

// Wrap puts the guard in front of a handler. The handler runs only for requests
// whose token was accepted, and finds it with FromContext.
//
// The request that it gets has neither the Authorization header nor a proof of
// possession: a handler has no need of the token's text, and what it does not have
// it cannot forward to another service, log or show in a panic.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := g.knockOf(r)
		v := g.decide(k)
		if !v.opens {
			g.refuse(w, v)
			return
		}
		v.offer(w.Header())
		next.ServeHTTP(w, g.admit(k.request, v.token))
	})
}

type tokenKey struct{}

// admit returns the request as the handler sees it. A nil token is put into the
// context too, so that it hides the token of another guard further out.
func (g *Guard) admit(r *http.Request, token *narrowcast.Token) *http.Request {
	admitted := r.WithContext(context.WithValue(r.Context(), tokenKey{}, token))
	switch {
	case !g.pass:
		admitted.Header = g.headerWithoutToken(r.Header)
	case g.certificates.Header != NoCertificateHeader:
		admitted.Header = maps.Clone(r.Header)
		g.certificates.remove(admitted.Header)
	}
	return admitted
}

// FromContext returns the token that a guard accepted. It reports false when
// there was no guard, and when observe mode let a request pass.
func FromContext(ctx context.Context) (*narrowcast.Token, bool) {
	token, _ := ctx.Value(tokenKey{}).(*narrowcast.Token)
	return token, token != nil
}

func (g *Guard) withoutToken(r *http.Request) *http.Request {
	copied := *r
	copied.Header = g.headerWithoutToken(r.Header)
	return &copied
}

func (g *Guard) headerWithoutToken(h http.Header) http.Header {
	copied := maps.Clone(h)
	delete(copied, "Authorization")
	delete(copied, "Dpop")
	g.certificates.remove(copied)
	return copied
}
