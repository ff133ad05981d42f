package settings

import (
	"net/url"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// guardPlaces is where the guard stands.
func guardPlaces() []option[guardDraft] {
	return []option[guardDraft]{
		{Option: Option{Key: "name", Required: true,
			Text: "The name of this guard in events, unique among the guards of an issuer.",
			Gain: "makes its events look like those of another guard; the issuer refuses doors that are not its own."},
			read: func(v sy.Value, d *guardDraft) { parsed(&d.Name, label, v) }},
		{Option: Option{Key: "listen", Default: "127.0.0.1:8470",
			Text: "Where requests arrive.",
			Gain: "opens the guarded door to other networks; every request still needs its token."},
			read: func(v sy.Value, d *guardDraft) { d.Listen = address(v) }},
		{Option: Option{Key: "operations", Default: "127.0.0.1:8471",
			Text: "Where health, metrics, state and the metadata of the resource are served. Nothing there needs a credential.",
			Gain: "shows counts, mode and health to other networks."},
			read: func(v sy.Value, d *guardDraft) { d.Operations = address(v) }},
		guardTLS(),
		{Option: Option{Key: "tls_ends_at_proxy", Default: "false",
			Text: "A proxy on a trusted path ends TLS, so listen may be plain off loopback.",
			Gain: "makes tokens travel in the clear where there is no such proxy."},
			read: func(v sy.Value, d *guardDraft) { into(&d.TLSEndsAtProxy, sy.Value.Bool, v) }},
		{Option: Option{Key: "upstream",
			Text: "The service behind the door: the guard is a reverse proxy in front of it. This or forward_auth.",
			Gain: "receives all requests that were let through, without their tokens."},
			read: func(v sy.Value, d *guardDraft) {
				var u *url.URL
				parsed(&u, anyURL, v)
				d.Upstream = u
			}},
		{Option: Option{Key: "forward_auth",
			Text: "The guard answers a proxy that asks. Where it finds method and path: x-forwarded (Traefik, Caddy), x-original (nginx) or request-line (Envoy).",
			Gain: "makes scope rules read a place that callers can write to."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.ForwardAuth, func(v sy.Value) (string, bool) { return sy.OneOf(v, XForwarded, XOriginal, RequestLine) }, v)
			}},
	}
}

// guardCarries is what the guard demands, passes on and records.
func guardCarries() []option[guardDraft] {
	events := eventOptions()
	return []option[guardDraft]{
		{Option: Option{Key: "pass_claims", Default: "none",
			Text: "Verified claims for the service, claim: Header. What callers send under these names is removed.",
			Gain: "makes the service see claims under names that it trusts for something else."},
			read: readClaims},
		list(Option{Key: "routes", Default: "none: any token for the audience opens every path",
			Text: "Which scope a request needs. The longest path that fits decides; the last resort is a route with path /.",
			Gain: "lets tokens with less scope do more."},
			1, 500, routeOptions(), func(sy.Value, *Route) {}, func(d *guardDraft) *[]Route { return &d.Routes }),
		{Option: Option{Key: "events", Required: true,
			Text: "Where events go: to the issuer (credential_file, spool, and url when it is not the usual one), or into a file.",
			Gain: "makes what happens at the door go unseen."},
			inside: documented("events.", events),
			read:   func(v sy.Value, d *guardDraft) { readEvents(v, d, events) }},
	}
}

func eventOptions() []option[Events] {
	return []option[Events]{
		{Option: Option{Key: "url", Default: "the events door of the issuer that made the credential",
			Text: "The events address of the issuer. https, or http on loopback.",
			Gain: "receives the events: who used which token where, and no token."},
			read: func(v sy.Value, s *Events) {
				var u *url.URL
				if parsed(&u, webURL, v); u != nil {
					s.URL = u.String()
				}
			}},
		{Option: Option{Key: "credential_file",
			Text: "The credential with which the guard reports. Only its path stands here.",
			Gain: "makes events be refused by the issuer."},
			read: func(v sy.Value, s *Events) { s.CredentialFile = path(v) }},
		{Option: Option{Key: "spool",
			Text: "The directory where events wait while the issuer is away.",
			Gain: "loses events that wait."},
			read: func(v sy.Value, s *Events) { s.Spool = path(v) }},
		{Option: Option{Key: "file",
			Text: "A file to which events are appended, one JSON object a line, instead of an issuer.",
			Gain: "makes what happens at the door go unseen."},
			read: func(v sy.Value, s *Events) { s.File = path(v) }},
	}
}
