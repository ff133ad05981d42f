// Package outside runs other people's software, as it is, against the built
// command: golang.org/x/oauth2, oauth4webapi, jose and @sd-jwt/jwt-status-list
// under Node.js, PyJWT, joserfc and a plain web server under Python, and curl with
// certificates. The other way round, the library's client and guard meet
// oidc-provider, an authorization server that others wrote.
//
// The script prepare installs what is pinned. What needs a runtime that the
// machine does not have is left out: it is no test then, and prepare says so.
package outside
