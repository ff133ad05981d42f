package forge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Rights returns the positive controls.
func Rights() []Right {
	all := acceptable()
	rights := make([]Right, len(all))
	for i, a := range all {
		rights[i] = a.Right
	}
	return rights
}

// Right makes the right token with the given ID.
func (w *World) Right(id string) (string, error) {
	all := acceptable()
	i := slices.IndexFunc(all, func(a allowed) bool { return a.ID == id })
	if i < 0 {
		return "", fmt.Errorf("%w: %q", errNoRight, id)
	}
	text, err := all[i].forge(w.letter(id, all[i].Needs))
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", id, err)
	}
	return text, nil
}

// allowed is a right with the way to make it.
type allowed struct {
	Right
	forge forging
}

func acceptable() []allowed {
	return slices.Concat(signedRights(), spelledRights(), furtherRights(), neededRights())
}

func good(id, title string, how forging, needs ...Need) allowed {
	return allowed{Right{"right." + id, title, needs}, how}
}

func plain(*letter) {}

func signedBy(alg narrowcast.Algorithm) forging {
	return edit(func(l *letter) { l.useKey(l.w.Keys.key(alg)) })
}

// signedRights are signed with each algorithm.
func signedRights() []allowed {
	return []allowed{
		good("es256", "signed with ES256", signedBy(narrowcast.ES256)),
		good("es384", "signed with ES384", signedBy(narrowcast.ES384)),
		good("rs256", "signed with RS256", signedBy(narrowcast.RS256)),
		good("ps256", "signed with PS256", signedBy(narrowcast.PS256)),
		good("ed25519", "signed with Ed25519 under its own name", signedBy(narrowcast.Ed25519)),
		good("eddsa", "signed with Ed25519 under its older name EdDSA", edit(func(l *letter) {
			l.useKey(l.w.Keys.key(narrowcast.Ed25519))
			l.header.set("alg", `"EdDSA"`)
		})),
	}
}

// spelledRights say the same thing in another way that is allowed.
func spelledRights() []allowed {
	return []allowed{
		good("audience-list", "the audience is a list with one element", edit(func(l *letter) {
			l.payload.set("aud", list(l.w.Audience.String()))
		})),
		good("audience-root-slash", "the audience has the slash of an empty path", edit(func(l *letter) {
			l.payload.set("aud", quoted(withRootSlash(l.w.Audience.String())))
		})),
		good("audience-escaped", "the audience is written with JSON escapes", edit(func(l *letter) {
			l.payload.set("aud", strings.ReplaceAll(quoted(l.w.Audience.String()), "/", `\/`))
		})),
		good("name-escaped", "the name of the audience member is written with an escape", edit(func(l *letter) {
			aud := l.payload.get("aud")
			l.payload.drop("aud")
			l.payload.add(`\u0061ud`, aud)
		})),
		good("typ-media-type", "the type is written as a full media type", header("typ", `"application/at+jwt"`)),
		good("typ-upper-case", "the type is written in capitals", header("typ", `"AT+JWT"`)),
		good("fractional-expiry", "the expiry has a fraction of a second", edit(func(l *letter) {
			l.payload.set("exp", l.payload.get("exp")+".5")
		})),
		good("expiry-exponent", "the expiry is written with an exponent", edit(func(l *letter) {
			l.payload.set("exp", l.payload.get("exp")+"0e-1")
		})),
		good("not-before-now", "not valid before this very second", edit(func(l *letter) {
			l.payload.set("nbf", number(l.w.Now.Unix()))
		})),
		good("white-space", "the payload has white space between its members", payloadText(func(text string) string {
			return " " + strings.ReplaceAll(text, `,"`, ",\n\t\"") + "\r\n"
		})),
		good("unknown-claim", "the payload has a claim that nobody knows", claim("shoe_size", `{"eu":43}`)),
		good("unknown-header", "the header has a member that nobody knows", header("shoe_size", "43")),
		good("other-case-claim", "the payload has a member AUD, which is not aud", claim("AUD", `"https://crm.example.test"`)),
		good("unlisted-authorized-party", "azp names somebody else, and is not the audience", claim("azp", `"somebody"`)),
	}
}

// neededRights are accepted where something more is asked for.
func neededRights() []allowed {
	return []allowed{
		good(string(Tenant), "of the expected tenant", edit(plain), Tenant),
		good(string(Environment), "of the expected environment", edit(plain), Environment),
		good(string(Scope), "with the required scope and another", edit(plain), Scope),
		good(string(Certificate), "bound to the certificate that is shown", edit(plain), Certificate),
		good(string(Proof), "bound to the key that is proved", edit(plain), Proof),
		good(string(Binding), "bound, where only bound tokens are accepted", edit(plain), Binding),
		good(string(SecondIssuer), "of the first of two issuers", edit(plain), SecondIssuer),
		good("second-issuer-own", "of the second of two issuers", edit(func(l *letter) {
			l.payload.set("iss", quoted(l.w.Second.String()))
			if len(l.w.Keys.Second) > 0 {
				l.useKey(l.w.Keys.Second[0])
			}
		}), SecondIssuer),
		good(string(KeyWindow), "signed with a key inside its window", edit(plain), KeyWindow),
		good(string(Revocation), "not among those that were revoked", edit(plain), Revocation),
		good(string(TaskEnd), "of a task that goes on", edit(plain), TaskEnd),
		good(string(TaskPause), "of a task that is not paused", edit(plain), TaskPause),
		good(string(Transaction), "for the request that came", edit(plain), Transaction),
		good("request-one-of-two", "for the request that came or another", edit(func(l *letter) {
			l.payload.set(details, "["+l.described("method", `"DELETE"`)+","+l.described()+"]")
		}), Transaction),
		good("request-of-another-type", "with a detail that is for the application", claim(details, paymentDetail), Transaction),
		good(string(SingleUse), "for one use, and this is the first", edit(plain), SingleUse),
		good(string(PathAudience), "for an audience with a path", edit(plain), PathAudience),
		good(string(OneAlgorithm), "signed with the one algorithm that is allowed", edit(plain), OneAlgorithm),
	}
}

// withRootSlash adds the slash of an empty path, and nothing to other identifiers.
func withRootSlash(s string) string {
	if u, ok := cut(s); ok && u.path == "" {
		return s + "/"
	}
	return s
}
