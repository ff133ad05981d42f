package guard

import (
	"net/http"
	"slices"
	"strings"
)

// plain reduces a header name to its letters and digits. Gateway interfaces turn
// both X-User and X_User into HTTP_X_USER, and some treat further characters
// alike, so names that share a plain form must be treated as one.
func plain(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// identityPrefixes begin the plain names of headers by which proxies tell
// services who is calling, or by which a caller may override what the guard has
// checked. From the caller itself they are claims without proof.
var identityPrefixes = [...]string{
	"xforwarded", "xauthrequest", "xauthenticated", "xamznoidc", "xgoogauthenticated", "xgoogiap",
	"xmsclientprincipal", "xmstoken", "cfaccess", "tailscaleuser", "xpomerium", "xvouch", "xconsumer",
	"xcredential", "xoriginal", "xrewriteurl", "xhttpmethod", "xmethodoverride", "xjwt", "xssl", "sslclient",
	"xidtoken", "xaccesstoken", "xwebauth", "xremote", "xclientcert", "narrowcast",
}

// identityNames are whole plain names of the same kind.
var identityNames = [...]string{
	"authorization", "proxyauthorization", "forwarded", "dpop", "txntoken", "workloadidentitytoken",
	"workloadprooftoken", "clientcert", "clientcertchain", "remoteuser", "remoteemail", "remotegroups",
	"remotename", "authuser", "xuser", "xuserid", "xusername", "xuseremail", "xusergroups", "xuserroles",
	"xemail", "xgroups", "xroles", "xuserinfo", "xauthuser", "xauthtoken", "xauthsubject", "xauthemail",
	"xtenant", "xtenantid", "xsubject", "xclientid", "xscope", "xscopes", "ximpersonateuser",
	"impersonateuser", "impersonategroup", "impersonateuid",
	"xrealip", "xclientip", "trueclientip", "cfconnectingip", "xclusterclientip",
}

// isIdentity reports whether a caller must not set the header of this plain name.
func isIdentity(p string) bool {
	if slices.Contains(identityNames[:], p) {
		return true
	}
	return slices.ContainsFunc(identityPrefixes[:], func(prefix string) bool { return strings.HasPrefix(p, prefix) })
}

// isReserved reports whether a plain name belongs to the transport or to
// credentials and cannot carry a claim.
func isReserved(p string) bool {
	switch p {
	case "", "authorization", "proxyauthorization", "proxyauthenticate", "wwwauthenticate", "cookie", "setcookie",
		"host", "connection", "keepalive", "te", "trailer", "transferencoding", "upgrade", "contentlength",
		"contenttype", "contentencoding", "expect", "forwarded", "proxyconnection", "narrowcastdecision",
		"dpop", "dpopnonce", "clientcert", "clientcertchain", "sslclientcert":
		return true
	}
	return strings.HasPrefix(p, "xforwarded")
}

// stripper knows the plain names that one proxy removes from inbound requests.
type stripper struct {
	remove map[string]bool // the operator's own names, and those of claims
	keep   map[string]bool
}

func newStripper(claims claimHeaders, extra, keep []string) stripper {
	s := stripper{remove: map[string]bool{}, keep: map[string]bool{}}
	for _, name := range keep {
		s.keep[plain(name)] = true
	}
	for _, name := range extra {
		s.remove[plain(name)] = true
	}
	for name := range claims {
		s.remove[plain(name)] = true
	}
	return s
}

// strip removes from h what a caller must not say.
func (s stripper) strip(h http.Header) {
	for name := range h {
		if p := plain(name); s.remove[p] || isIdentity(p) && !s.keep[p] {
			delete(h, name)
		}
	}
}
