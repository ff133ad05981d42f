package settings

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/profile"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// trustedOptions are those of one issuer. Each remembers where it stands, because
// whether it may stand there depends on the profile.
func trustedOptions() []option[issuerDraft] {
	var all []option[issuerDraft]
	for _, some := range [][]option[issuerDraft]{issuerPlace(), issuerPins(), profileOptions()} {
		for _, o := range some {
			read := o.read
			o.read = func(v sy.Value, s *issuerDraft) {
				if s.given == nil {
					s.given = map[string]sy.Value{}
				}
				s.given[o.Key] = v
				read(v, s)
			}
			all = append(all, o)
		}
	}
	return all
}

// issuerPlace is who the issuer is, where its keys are and how it speaks.
func issuerPlace() []option[issuerDraft] {
	return []option[issuerDraft]{
		{Option: Option{Key: "id", Required: true,
			Text: "The issuer identifier, compared with iss byte by byte; for JWT-SVIDs the trust domain, such as spiffe://corp.example.",
			Gain: "makes the guard trust an issuer of their own."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.Issuer, narrowcast.ParseIssuer, v) }},
		{Option: Option{Key: "jwks_url",
			Text: "Where the issuer publishes its keys; for JWT-SVIDs the bundle endpoint. https, or http on loopback.",
			Gain: "puts in keys of their own, and so opens the door."},
			read: func(v sy.Value, s *issuerDraft) {
				var u *url.URL
				if parsed(&u, webURL, v); u != nil {
					s.JWKSURL = u.String()
				}
			}},
		{Option: Option{Key: "jwks_file", Reload: atOnce,
			Text: "A file with the issuer's public keys, instead of jwks_url; for JWT-SVIDs the bundle.",
			Gain: "puts in keys of their own, and so opens the door."},
			read: func(v sy.Value, s *issuerDraft) { s.JWKSFile = path(v) }},
		{Option: Option{Key: "profile", Default: profile.RFC9068,
			Text: "How the issuer writes its tokens: one of " + strings.Join(profile.Names(), ", ") + ".",
			Gain: "may make the guard accept other tokens of this issuer that name the resource."},
			read: func(v sy.Value, s *issuerDraft) {
				into(&s.profile, func(v sy.Value) (string, bool) { return sy.OneOf(v, profile.Names()...) }, v)
			}},
		{Option: Option{Key: "class", Default: "that of the profile",
			Text: "at+jwt (RFC 9068), or dangerously-untyped for an issuer that gives its access tokens no type of their own and has no profile. Not beside profile.",
			Gain: "makes the guard accept ID tokens of this issuer that name the resource."},
			read: func(v sy.Value, s *issuerDraft) {
				name, ok := sy.OneOf(v, narrowcast.AccessToken.String(), narrowcast.DangerouslyUntyped.String())
				if ok && name == narrowcast.DangerouslyUntyped.String() {
					s.Class = narrowcast.DangerouslyUntyped
				}
			}},
	}
}

// issuerPins bound what an issuer may say. Every profile takes them.
func issuerPins() []option[issuerDraft] {
	return []option[issuerDraft]{
		{Option: Option{Key: "tenant", Default: "any that its tokens name",
			Text: "The one tenant that the issuer may speak for, in the words of the guard's own tenant, which must be set. Its token for another is refused, and one that names none is of this tenant.",
			Gain: "makes tokens of this issuer count for another tenant."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.Tenant, label, v) }},
		{Option: Option{Key: "environment", Default: "any that its tokens name",
			Text: "The same for environments, with the guard's own environment.",
			Gain: "makes tokens of this issuer count for another environment."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.Environment, label, v) }},
		{Option: Option{Key: "subjects", Default: "any; required for google",
			Text: "The values of sub that are accepted, at most 64, whole and byte by byte.",
			Gain: "lets other holders of tokens of this issuer in."},
			read: func(v sy.Value, s *issuerDraft) { s.options.Subjects = each(v, 64, narrowcast.ParseSubject) }},
		{Option: Option{Key: "require", Default: "what the profile requires",
			Text: "Further claims and what they must say, claim: value or claim: [values]. Values are text.",
			Gain: "lets tokens in that this issuer wrote for something else."},
			read: func(v sy.Value, s *issuerDraft) { s.options.Require = requirements(v) }},
		{Option: Option{Key: "max_lifetime", Default: "max_lifetime of the guard",
			Text: "The longest life of a token of this issuer, 10s to 24h.",
			Gain: "lets long-lived tokens of this issuer in, if it makes them."},
			read: func(v sy.Value, s *issuerDraft) {
				into(&s.options.MaxLifetime, duration(10*time.Second, narrowcast.CeilingMaxLifetime), v)
			}},
	}
}

// profileOptions mean something to some profiles only.
func profileOptions() []option[issuerDraft] {
	return []option[issuerDraft]{
		{Option: Option{Key: "tenant_id", Default: "required for entra",
			Text: "The directory, a GUID in lower case: what tid must say." + takenBy("TenantID"),
			Gain: "makes the guard read the tokens of another directory, with keys of their own."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.TenantID, label, v) }},
		{Option: Option{Key: "clients", Default: "required for cognito",
			Text: "Which resource the tokens of each app client are for, client: resource. Others are refused." + takenBy("Clients"),
			Gain: "lets the tokens of another client in."},
			read: func(v sy.Value, s *issuerDraft) { s.options.Clients = clientAudiences(v) }},
		{Option: Option{Key: "companions", Default: "none",
			Text: "Audiences that are tolerated beside the own one because the issuer cannot leave them out. Whoever is named here can use the token too." + takenBy("Companions"),
			Gain: "lets tokens in that are good at two places, and can be stolen at the other."},
			read: func(v sy.Value, s *issuerDraft) { s.options.Companions = each(v, 63, narrowcast.ParseAudience) }},
		{Option: Option{Key: "ambient", Default: "those that the profile knows; required for github",
			Text: "Further audiences that the issuer gives to everybody: they are none, alone or beside the own one." + takenBy("Ambient"),
			Gain: "changes which reason is recorded; such tokens are refused in any case."},
			read: func(v sy.Value, s *issuerDraft) { s.options.Ambient = each(v, 60, narrowcast.ParseAudience) }},
		{Option: Option{Key: "scope_claims", Default: "the usual one of the profile",
			Text: "The claims that carry scope: of entra scp and roles, of auth0 scope and permissions." + takenBy("ScopeClaims"),
			Gain: "makes words count as scope that say something else."},
			read: func(v sy.Value, s *issuerDraft) { s.options.ScopeClaims = each(v, 8, label) }},
		{Option: Option{Key: "tenant_claim", Default: "tenant",
			Text: "The claim that names the tenant." + takenBy("TenantClaim"),
			Gain: "makes tokens count for a tenant that they were not made for."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.TenantClaim, label, v) }},
		{Option: Option{Key: "client_claim", Default: "the usual one of the profile",
			Text: "The claim that names the client: of auth0 azp or client_id." + takenBy("ClientClaim"),
			Gain: "makes events and the service see another name for the caller."},
			read: func(v sy.Value, s *issuerDraft) { parsed(&s.options.ClientClaim, label, v) }},
	}
}

// takenBy names the profiles that take an option.
func takenBy(field string) string {
	var names []string
	for _, name := range profile.Names() {
		if slices.Contains(profile.Takes(name), field) {
			names = append(names, name)
		}
	}
	return " Taken by " + strings.Join(names, ", ") + "."
}
