package profile

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Profiles of identity providers.
const (
	// Keycloak is one realm. Every user token names "account", the realm's own
	// console, because the scope "roles" resolves audiences (Server Administration
	// Guide, "Audience support"): alone that is no audience, and beside ours it is a
	// second door. Remove it from the client scope, or name it in Companions and
	// know that this resource can then use the token there. The claim typ in the
	// payload tells an access token (Bearer, or DPoP) from ID, refresh and logout
	// tokens; the header says JWT, or at+jwt where the client is set so. Options:
	// Companions, Ambient.
	Keycloak = "keycloak"
	// Entra is one directory of Microsoft Entra ID. The issuer ends in /TID/v2.0 or
	// in /TID/ (version 1), and TenantID must be that TID: the addresses common and
	// organizations name no directory. tid is required and must be TenantID
	// ("Access token claims reference"); with Tenant, it stands for that tenant.
	// azp (version 2) or appid (version 1) is the client and, like ver, is required:
	// ID tokens do not have it. Scope is scp; with ScopeClaims also roles. Options:
	// TenantID (required), ScopeClaims.
	Entra = "entra"
	// Auth0 is one tenant. Tokens of clients that asked for openid name the user
	// information endpoint beside the API ("Validate access tokens"), which is
	// tolerated there and no audience alone; the Management API is none, alone and
	// beside. azp is the client; set ClientClaim to client_id for an API with the
	// RFC 9068 token profile. Scope is scope; with ScopeClaims also permissions.
	// Options: Ambient, ScopeClaims, ClientClaim.
	Auth0 = "auth0"
	// Okta is one custom authorization server. api://default, the audience of the
	// server that every organization has, is no audience, nor is the issuer, which
	// the organization's own server puts there ("API access management"). cid is
	// the client, scp is the scope and an array. Options: Ambient.
	Okta = "okta"
	// Cognito is one user pool. Its access tokens have no aud ("Understanding the
	// access token"): Clients says which resource each app client is for, and other
	// clients are refused. token_use must be access, so that an ID token, whose aud
	// is the client, does not pass. Option: Clients (required).
	Cognito = "cognito"
	// Google is accounts.google.com with the ID tokens of service accounts
	// ("Verify the Google ID token on your server side"). The whole world shares
	// the issuer and chooses its audience freely, so that Subjects is required. The
	// client is azp. It takes no option of its own.
	Google = "google"
)

func keycloak(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.DangerouslyUntyped
	d := &ti.Dialect
	d.Types = []string{"JWT", "at+jwt"}
	d.Companions = slices.Clone(o.Companions)
	d.Ambient = append([]narrowcast.Audience{narrowcast.MustAudience("account")}, o.Ambient...)
	d.IssuerIsAmbient, d.OwnWords = true, true // refresh and registration tokens name the realm
	d.ClientClaim = "azp"
	d.Require = append(present("sub", "azp"), narrowcast.RequiredClaim{Name: "typ", Values: []string{"Bearer", "DPoP"}})
	return nil
}

func entra(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.DangerouslyUntyped
	version, client, err := entraVersion(o)
	if err != nil {
		return []error{err}
	}
	d := &ti.Dialect
	d.Types = []string{"JWT"}
	d.IssuerIsAmbient, d.OwnWords = true, true
	d.TenantClaim, d.Tenants = "tid", map[string]string{o.TenantID: o.Tenant}
	d.ClientClaim = client
	if d.ScopeClaims = slices.Clone(o.ScopeClaims); d.ScopeClaims == nil {
		d.ScopeClaims = []string{"scp"}
	}
	d.Require = append(present("sub", client), narrowcast.RequiredClaim{Name: "ver", Values: []string{version}})
	return nil
}

// entraVersion reads the version of the tokens from the form of the issuer.
func entraVersion(o *Options) (version, client string, err error) {
	guid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	issuer := o.Issuer.String()
	switch {
	case !guid.MatchString(o.TenantID):
		return "", "", errors.New("TenantID is required: the directory's id, a GUID in lower case")
	case strings.HasSuffix(issuer, "/"+o.TenantID+"/v2.0"):
		return "2.0", "azp", nil
	case strings.HasSuffix(issuer, "/"+o.TenantID+"/"):
		return "1.0", "appid", nil
	}
	return "", "", fmt.Errorf("Issuer must end in /%s/v2.0, or in /%s/ for version 1", o.TenantID, o.TenantID)
}

func auth0(o *Options, ti *narrowcast.TrustedIssuer) (errs []error) {
	ti.Class = narrowcast.DangerouslyUntyped
	d := &ti.Dialect
	d.Types = []string{"JWT", "at+jwt"}
	userinfo, err1 := below(o.Issuer, "userinfo")
	management, err2 := below(o.Issuer, "api/v2")
	withSlash, err3 := below(o.Issuer, "api/v2/")
	if err := errors.Join(err1, err2, err3); err != nil && !o.Issuer.IsZero() {
		errs = append(errs, err)
	}
	d.Companions = []narrowcast.Audience{userinfo}
	d.Ambient = append([]narrowcast.Audience{management, withSlash}, o.Ambient...)
	d.IssuerIsAmbient, d.OwnWords = true, true
	switch d.ClientClaim = o.ClientClaim; o.ClientClaim {
	case "":
		d.ClientClaim = "azp"
	case "azp", "client_id":
	default:
		errs = append(errs, errors.New("ClientClaim must be azp or client_id"))
	}
	d.ScopeClaims = slices.Clone(o.ScopeClaims)
	d.Require = present("sub", d.ClientClaim)
	return errs
}

func okta(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.DangerouslyUntyped
	d := &ti.Dialect
	d.Types = []string{"", "JWT", "at+jwt"}
	d.Ambient = append([]narrowcast.Audience{narrowcast.MustAudience("api://default")}, o.Ambient...)
	d.IssuerIsAmbient, d.OwnWords = true, true
	d.ClientClaim, d.ScopeClaims = "cid", []string{"scp"}
	d.Require = present("sub", "cid")
	return nil
}

func cognito(o *Options, ti *narrowcast.TrustedIssuer) (errs []error) {
	ti.Class = narrowcast.DangerouslyUntyped
	if len(o.Clients) == 0 {
		errs = append(errs, errors.New("Clients is required: which resource each app client is for"))
	}
	d := &ti.Dialect
	d.Types = []string{"", "JWT"}
	d.AudienceClaim, d.Clients = "client_id", maps.Clone(o.Clients)
	d.IssuerIsAmbient, d.OwnWords = true, true
	d.Require = append(present("sub"), narrowcast.RequiredClaim{Name: "token_use", Values: []string{"access"}})
	return errs
}

func google(o *Options, ti *narrowcast.TrustedIssuer) (errs []error) {
	ti.Class = narrowcast.DangerouslyUntyped
	if len(o.Subjects) == 0 {
		errs = append(errs, errors.New("Subjects is required: everybody can have a token of this issuer for any audience"))
	}
	d := &ti.Dialect
	d.Types = []string{"JWT"}
	d.IssuerIsAmbient, d.OwnWords = true, true
	d.ClientClaim = "azp"
	d.ScopeClaims = []string{"scope"} // an ID token has none
	d.Require = present("sub")
	return errs
}
