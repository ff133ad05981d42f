package main

import (
	"net/http"
	"strings"

	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// front is what the outside sees: the guarded service or the answers to a proxy, and
// the metadata. A proxy that asks with the request line of the caller takes every 200
// for leave to pass, so there the metadata is with the operations alone.
func (d *door) front() (http.Handler, error) {
	mux := http.NewServeMux()
	if d.settings.ForwardAuth != settings.RequestLine {
		d.serveMetadata(mux)
	}
	if d.settings.Upstream != nil {
		proxy, err := d.guard.Proxy(guard.ProxyConfig{
			Upstream: d.settings.Upstream, Claims: byHeader(d.settings.PassClaims),
			Failed: func(err error) { d.log.Warn("upstream failed", "error", err.Error()) },
		})
		if err != nil {
			return nil, err
		}
		mux.Handle("/", proxy)
		return unredirected(mux, proxy), nil
	}
	originals := map[string]guard.Original{
		settings.XForwarded: guard.FromXForwarded, settings.XOriginal: guard.FromXOriginal, settings.RequestLine: guard.FromRequestLine,
	}
	auth, err := d.guard.ForwardAuth(guard.ForwardConfig{
		Original: originals[d.settings.ForwardAuth], Claims: byHeader(d.settings.PassClaims),
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/", auth)
	return unredirected(mux, auth), nil
}

// unredirected hands paths that the mux would clean and redirect to the door.
func unredirected(mux *http.ServeMux, door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" || pattern == "/" {
			door.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serveMetadata mounts the metadata at its path and at nothing below it.
func (d *door) serveMetadata(mux *http.ServeMux) {
	at := d.guard.MetadataPath()
	if strings.HasSuffix(at, "/") {
		at += "{$}"
	}
	mux.Handle("GET "+at, d.guard.Metadata())
}

func byHeader(claims map[string]string) map[string]string {
	headers := make(map[string]string, len(claims))
	for claim, header := range claims {
		headers[header] = claim
	}
	return headers
}
