package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// handler answers one request.
type handler func(w *reply, r *http.Request)

// route is one path of an issuer and what may be done there.
type route struct {
	path    string // below the root of the host, as a pattern of http.ServeMux
	name    string // for the log and the metrics
	methods []string
	handle  handler
}

func (a *API) routes() []route {
	read := []string{http.MethodGet, http.MethodHead}
	post := []string{http.MethodPost}
	all := []route{
		{a.path + "/token", "/token", post, a.token},
		{a.path + "/jwks", "/jwks", read, a.keys},
		{a.path + "/events", "/events", post, a.behind(a.reporters, "/events", a.events)},
		{a.path + "/admin/v1/ledger/{id}", "/admin/v1/ledger", read, a.behind(a.readers, "/admin/v1/ledger", a.ledger)},
		{a.path + "/admin/v1/decisions/{id}", "/admin/v1/decisions", read, a.behind(a.readers, "/admin/v1/decisions", a.decision)},
	}
	all = append(all, a.introspectionRoutes()...)
	all = append(all, a.statusRoutes()...)
	for _, d := range []*door{a.reporters, a.readers} {
		all = append(all, route{d.guard.MetadataPath(), "/.well-known", read, plain(d.guard.Metadata())})
	}
	if a.alias != "" && a.alias != a.path+"/token" {
		all = append(all, route{a.alias, "/token", post, a.token})
	}
	all = append(all, a.taskRoutes()...)
	all = append(all, a.usesRoutes()...)
	all = append(all, a.feedRoutes()...)
	for _, path := range a.metadataPaths() {
		all = append(all, route{path, "/.well-known", read, a.serveMetadata})
	}
	return all
}

// plain makes a handler of ours out of another one.
func plain(h http.Handler) handler { return func(w *reply, r *http.Request) { h.ServeHTTP(w, r) } }

// Handler serves one or more issuers of one host.
func Handler(apis ...*API) (http.Handler, error) {
	if len(apis) == 0 {
		return nil, errors.New("httpapi: there is no issuer to serve")
	}
	mux := http.NewServeMux()
	taken := map[string]bool{}
	for _, a := range apis {
		for _, route := range a.routes() {
			if taken[route.path] {
				return nil, fmt.Errorf("httpapi: two issuers want the path %s", route.path)
			}
			taken[route.path] = true
			mux.HandleFunc(route.path, a.wrap(route))
		}
	}
	nowhere := apis[0].wrap(route{name: "none", handle: notFound})
	mux.HandleFunc("/", nowhere)
	return unredirected(mux, nowhere), nil
}

// unredirected keeps the mux from redirecting paths that are not clean.
func unredirected(mux *http.ServeMux, nowhere http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			nowhere(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func notFound(w *reply, _ *http.Request) {
	w.fail(http.StatusNotFound, "not_found", "There is nothing here.")
}

// wrap puts everything around a handler that all of them need.
func (a *API) wrap(route route) http.HandlerFunc {
	allow := strings.Join(route.methods, ", ")
	return func(plain http.ResponseWriter, r *http.Request) {
		w := &reply{ResponseWriter: plain, began: a.config.Now()}
		defer a.finish(route.name, w, r)
		if len(route.methods) > 0 && !slices.Contains(route.methods, r.Method) {
			w.Header().Set("Allow", allow)
			w.fail(http.StatusMethodNotAllowed, "invalid_request", "Use "+allow+".")
			return
		}
		ctx, cancel := a.bounded(r.Context(), route)
		defer cancel()
		route.handle(w, r.WithContext(ctx))
	}
}
