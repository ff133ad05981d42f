package settings

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Route says which scope requests need whose path begins with Path, segment by
// segment: /charge takes in /charge/7 and not /charges.
type Route struct {
	Method string // empty: every method; GET takes in HEAD
	Path   string
	Scope  narrowcast.Scope // empty: a token for the audience is enough
}

// ScopeFor returns the scope that a request needs: that of the route with the
// longest path that fits; of two with the same path, the one with the method.
//
// Services tend to take /Charge, //charge and /charge;x for /charge. A path in
// such a spelling needs the scope of both readings, so that the spelling never
// saves anything.
func (g *Guard) ScopeFor(method, path string) narrowcast.Scope {
	segments := strings.Split(path, "/")
	exact := g.route(method, segments, func(a, b string) bool { return a == b })
	loose := g.route(method, plainSegments(segments), strings.EqualFold)
	switch {
	case loose == exact:
		return exact.scope()
	case exact.scope().Covers(loose.scope()):
		return exact.scope()
	}
	return both(exact.scope(), loose.scope())
}

// scope is empty for no route: without routes, a token is enough.
func (r *Route) scope() narrowcast.Scope {
	if r == nil {
		return narrowcast.Scope{}
	}
	return r.Scope
}

func both(a, b narrowcast.Scope) narrowcast.Scope {
	joined, err := narrowcast.ParseScope(strings.TrimSpace(a.String() + " " + b.String()))
	if err != nil {
		return b // too long to be one scope
	}
	return joined
}

func (g *Guard) route(method string, path []string, same func(a, b string) bool) *Route {
	var best *Route
	for i := range g.Routes {
		r := &g.Routes[i]
		if !r.takes(method) || !r.fits(path, same) {
			continue
		}
		if best == nil || len(r.Path) > len(best.Path) || len(r.Path) == len(best.Path) && r.closer(best, method) {
			best = r
		}
	}
	return best
}

// takes compares the method in any case, as many frameworks do, and lets GET
// take in HEAD, which reads the same (RFC 9110 section 9.3.2).
func (r *Route) takes(method string) bool {
	return r.Method == "" || strings.EqualFold(r.Method, method) || r.Method == "GET" && strings.EqualFold(method, "HEAD")
}

// closer decides between two routes of one path: the method itself, then GET for
// HEAD, then every method.
func (r *Route) closer(than *Route, method string) bool {
	return r.Method != "" && (than.Method == "" || !strings.EqualFold(than.Method, method))
}

// fits compares the path of the route with the beginning of a path that was cut
// at its slashes.
func (r *Route) fits(path []string, same func(a, b string) bool) bool {
	if r.Path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(r.Path, "/") {
		if len(path) == 0 || !same(segment, path[0]) {
			return false
		}
		path = path[1:]
	}
	return true
}

// plainSegments leaves out empty segments, but for the first, and parameters.
func plainSegments(segments []string) []string {
	kept := []string{""}
	for _, s := range segments {
		if s, _, _ = strings.Cut(s, ";"); s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

func routeOptions() []option[Route] {
	return []option[Route]{
		{Option: Option{Key: "method", Default: "every method",
			Text: "The method of the request, in capitals. GET takes in HEAD.",
			Gain: "lets other methods fall to a route with less scope."},
			read: func(v sy.Value, s *Route) { parsed(&s.Method, parseMethod, v) }},
		{Option: Option{Key: "path", Required: true,
			Text: "The beginning of the path, whole segments. A request that spells it in other capitals needs this scope too.",
			Gain: "lets other paths fall to a route with less scope."},
			read: func(v sy.Value, s *Route) { parsed(&s.Path, parsePath, v) }},
		{Option: Option{Key: "scope", Required: true,
			Text: "The scopes that the token must have, all of them; [] for none.",
			Gain: "lets tokens with less scope do more."},
			read: func(v sy.Value, s *Route) { s.Scope = readScope(v) }},
	}
}

func readScope(v sy.Value) narrowcast.Scope {
	var tokens []string
	v.List(0, 16, func(v sy.Value) {
		if scope, ok := sy.Parsed(v, narrowcast.ParseScope); ok {
			tokens = append(tokens, scope.String())
		}
	})
	scope, err := narrowcast.ParseScope(strings.Join(tokens, " "))
	if err != nil {
		v.Fault("%v", err)
	}
	return scope
}

func parseMethod(s string) (string, error) {
	if len(s) > 32 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return "", errors.New("must be a method in capitals, such as POST; leave it out for every method")
	}
	return s, nil
}

func parsePath(s string) (string, error) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return "", errors.New("must begin with /")
	case strings.ContainsAny(s, "*?#\\% "):
		return "", errors.New("must be plain: no wildcard, query, fragment, backslash or percent-encoding")
	case strings.Contains(s, "//") || strings.Contains(s+"/", "/./") || strings.Contains(s+"/", "/../"):
		return "", errors.New("must not have empty or dot segments")
	}
	if s != "/" {
		s = strings.TrimSuffix(s, "/")
	}
	return s, nil
}

// checkRoutes demands a last resort: with routes, no request may fall beside
// them and need nothing by accident.
func (d *guardDraft) checkRoutes(v sy.Value) {
	seen, lastResort := map[string]bool{}, false
	for _, r := range d.Routes {
		key := r.Method + " " + strings.ToLower(r.Path) // capitals do not tell routes apart
		if r.Path != "" && seen[key] {
			v.Fault("routes: %s is listed twice", strings.TrimSpace(key))
		}
		seen[key] = true
		lastResort = lastResort || r.Method == "" && r.Path == "/"
	}
	if len(d.Routes) > 0 && !lastResort {
		v.Fault("routes: the last resort is missing, a route with path / and no method; say there which scope all other requests need")
	}
}

func readClaims(v sy.Value, d *guardDraft) {
	d.PassClaims = map[string]string{}
	headers := map[string]bool{}
	v.Entries(32, func(key sy.Value, claim string, v sy.Value) {
		header, ok := sy.Parsed(v, parseHeader)
		if !ok {
			return
		}
		if headers[header] {
			v.Fault("two claims have the header %s", header)
		}
		headers[header] = true
		if claim == "" || len(claim) > 64 || strings.ContainsFunc(claim, func(r rune) bool { return r <= 0x20 || r > 0x7e }) {
			key.Fault("is not the name of a claim")
			return
		}
		d.PassClaims[claim] = header
	})
}

// parseHeader reads the name of a header that may carry a claim: never one that
// already means something on the way.
func parseHeader(s string) (string, error) {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return "", fmt.Errorf("character %q is not allowed in a header name here", c)
		}
	}
	name := textproto.CanonicalMIMEHeaderKey(s)
	switch name {
	case "Authorization", "Proxy-Authorization", "Cookie", "Host", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "Content-Length", "Content-Type", "Content-Encoding", "Forwarded", "Dpop", "Dpop-Nonce", "Via",
		"Client-Cert", "Client-Cert-Chain", "Ssl-Client-Cert":
		return "", fmt.Errorf("header %s has a meaning of its own; choose another", name)
	}
	if strings.HasPrefix(name, "X-Forwarded-") || len(name) > 64 {
		return "", fmt.Errorf("header %s is not for claims; choose another", name)
	}
	return name, nil
}
