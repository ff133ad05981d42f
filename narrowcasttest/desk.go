package narrowcasttest

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
)

const (
	clientKey        = "client-key"
	assertionType    = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxForm          = 64 << 10
	mostUsed         = 10_000 // assertion ids that are remembered
	answersPerPlace  = 4      // token answers until the endpoint moves
	requestsPerPause = 5      // requests until one is answered with 503
)

// desk is what the handler remembers.
type desk struct {
	down     bool
	requests int
	paused   bool            // the last answer was 503
	seen     map[string]bool // addresses that were answered once
	place    int             // where the token endpoint is
	answers  int
	used     map[narrowcast.TokenID]bool
}

// rest reports whether this request is one to answer with 503.
func (d *desk) rest(path string) bool {
	if d.down {
		return true
	}
	d.requests++
	first := !d.seen[path]
	d.seen[path] = true
	d.paused = !first && !d.paused && d.requests%requestsPerPause == 0
	return d.paused
}

// ServeHTTP answers for the issuer. Addresses are those below its name.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	const oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	path, base := r.URL.Path, i.base.Path
	switch {
	case i.desk.rest(path):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	case path == oauth+base, path == openid+base, path == base+openid:
		i.writeMetadata(w)
	case path == base+"/jwks":
		i.writeKeys(w)
	case path == i.place() && r.Method == http.MethodPost:
		i.writeToken(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) place() string { return fmt.Sprintf("%s/token/%d", i.base.Path, i.desk.place) }

func (i *Issuer) address(path string) string { return i.base.Scheme + "://" + i.base.Host + path }

// KeySetURL is where the issuer serves its key set.
func (i *Issuer) KeySetURL() string { return i.address(i.base.Path + "/jwks") }

func (i *Issuer) writeMetadata(w http.ResponseWriter) {
	i.write(w, http.StatusOK, map[string]any{
		"issuer": i.id, "token_endpoint": i.address(i.place()), "jwks_uri": i.KeySetURL(),
		"grant_types_supported": []string{"client_credentials"}, "mood": "rude",
		"token_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"ES256"},
	})
}

func (i *Issuer) writeKeys(w http.ResponseWriter) {
	keys, err := i.keys.verification()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	i.mood.Shuffle(len(keys), func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
	set, err := jwks.Marshal(keys)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	_, _ = w.Write(set)
}

func (i *Issuer) write(w http.ResponseWriter, status int, members map[string]any) {
	raw := make(map[string]json.RawMessage, len(members))
	for name, value := range members {
		raw[name], _ = json.Marshal(value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(i.shuffled(raw)))
}

// oauthError is an error code with the status it is answered with.
type oauthError struct {
	code   string
	status int
}

func (e *oauthError) Error() string { return e.code }

func fault(code string) error { return &oauthError{code, http.StatusBadRequest} }

func (i *Issuer) writeToken(w http.ResponseWriter, r *http.Request) {
	members, err := i.answer(w, r)
	var refused *oauthError
	switch {
	case errors.As(err, &refused):
		i.write(w, refused.status, map[string]any{"error": refused.code})
	case err != nil:
		i.write(w, http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": err.Error()})
	default:
		i.write(w, http.StatusOK, members)
		if i.desk.answers++; i.desk.answers%answersPerPlace == 0 {
			i.desk.place++
		}
	}
}

// answer decides about a token request in the order of RFC 6749 section 4.4.2.
func (i *Issuer) answer(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, fault("invalid_request")
	}
	form := r.PostForm
	for name, values := range form {
		if name != "resource" && len(values) != 1 {
			return nil, fault("invalid_request")
		}
	}
	who, err := i.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	if form.Get("grant_type") != "client_credentials" {
		return nil, fault("unsupported_grant_type")
	}
	if len(form["resource"]) != 1 {
		return nil, fault("invalid_target")
	}
	audience, err := narrowcast.ParseAudience(form.Get("resource"))
	if err != nil {
		return nil, fault("invalid_target")
	}
	scope, err := narrowcast.ParseScope(form.Get("scope"))
	if err != nil {
		return nil, fault("invalid_scope")
	}
	text, err := i.mint(audience, func(l *mint.Letter) {
		l.Subject, l.Client, l.Scope = narrowcast.Subject(who), who, scope
	})
	if err != nil {
		return nil, err
	}
	return i.granted(text, audience), nil
}

// granted varies what the two drafts about the member resource, and RFC 6749
// section 5.1, leave open.
func (i *Issuer) granted(text string, audience narrowcast.Audience) map[string]any {
	members := map[string]any{"access_token": text, "token_type": "Bearer", "expires_in": 300, "mood": "rude"}
	members["resource"] = []string{audience.String()}
	if i.mood.IntN(2) == 0 {
		members["resource"], members["token_type"] = audience.String(), "bearer"
	}
	return members
}

func (i *Issuer) authenticate(r *http.Request, form url.Values) (narrowcast.ClientID, error) {
	refused := &oauthError{"invalid_client", http.StatusUnauthorized}
	if form.Get("client_assertion_type") != assertionType {
		return "", refused
	}
	text := form.Get("client_assertion")
	claimed, err := narrowcast.Inspect(text)
	verifier := i.clients[narrowcast.ClientID(claimed.Issuer)]
	if err != nil || verifier == nil {
		return "", refused
	}
	token, err := verifier.Verify(r.Context(), text, narrowcast.Presentation{})
	if err != nil || i.desk.used[token.ID()] {
		return "", refused
	}
	if len(i.desk.used) >= mostUsed {
		clear(i.desk.used)
	}
	i.desk.used[token.ID()] = true
	return narrowcast.ClientID(token.Subject()), nil
}

func (i *Issuer) assertionVerifier(id narrowcast.ClientID, signer crypto.Signer) (*narrowcast.Verifier, error) {
	self, errS := narrowcast.ParseIssuer(string(id))
	audience, errA := narrowcast.ParseAudience(i.id.String())
	key, errK := narrowcast.NewKey(narrowcast.KeyConfig{ID: clientKey, Algorithm: narrowcast.ES256, Public: signer.Public()})
	if err := errors.Join(errS, errA, errK); err != nil {
		return nil, err
	}
	keys, err := jwks.Fixed(key)
	if err != nil {
		return nil, err
	}
	return narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: i.clock.Now,
		Issuers: []narrowcast.TrustedIssuer{{Issuer: self, Keys: keys, Class: narrowcast.ClientAssertion}},
	})
}

// Transport is the way to the issuer without any network. Requests to every
// other host fail.
func (i *Issuer) Transport() http.RoundTripper { return wire{i} }

type wire struct{ issuer *Issuer }

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if !strings.EqualFold(req.URL.Host, w.issuer.base.Host) || req.URL.Scheme != w.issuer.base.Scheme {
		return nil, fmt.Errorf("narrowcasttest: nobody lives at %s://%s", req.URL.Scheme, req.URL.Host)
	}
	received := req.Clone(req.Context())
	received.RequestURI = req.URL.RequestURI()
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	w.issuer.ServeHTTP(recorder, received)
	resp := recorder.Result()
	resp.Request = req
	return resp, nil
}
