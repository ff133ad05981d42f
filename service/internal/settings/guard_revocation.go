package settings

import (
	"time"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Values of when_stale.
const (
	StaleRefuse = "refuse"
	StaleAccept = "accept"
)

// Feed is how a guard learns of revocations. The zero Feed follows none.
type Feed struct {
	CredentialFile string // empty: that of the events
	URL            string // empty: the feed door of the credential's issuer
	File           string
	StaleAfter     time.Duration
	WhenStale      string
}

// StatusListSource is where a guard reads status lists. The zero value reads none.
type StatusListSource struct {
	URL       string
	WhenStale string
}

// SingleUse is how a guard knows which tokens for one use were used. The zero
// value knows nothing, and such tokens are refused.
type SingleUse struct {
	Replicas int
	Shared   bool // the issuer is asked
}

// guardRevocation is how a token ends before it expires.
func guardRevocation() []option[guardDraft] {
	return []option[guardDraft]{
		{Option: Option{Key: "feed", Default: "none: only expiry ends a token",
			Text: "Follow the issuer's feed of revocations, and refuse what was called back within moments.",
			Gain: "lets revoked tokens in until they expire."},
			inside: documented("feed.", feedOptions()),
			read: func(v sy.Value, d *guardDraft) {
				v.Object(fields(&d.Feed, feedOptions())...)
			}},
		{Option: Option{Key: "status_lists", Default: "none",
			Text: "Read the issuer's status lists instead of its feed. Later by the life of a list, and any web server can hand them out.",
			Gain: "lets revoked tokens in until they expire."},
			inside: documented("status_lists.", statusSourceOptions()),
			read: func(v sy.Value, d *guardDraft) {
				d.StatusLists = StatusListSource{WhenStale: StaleRefuse}
				v.Object(fields(&d.StatusLists, statusSourceOptions())...)
			}},
		group(Option{Key: "single_use", Default: "none: tokens for one use are refused",
			Text: "Take tokens that are good for one use, and say how all guards of this audience know which were used.",
			Gain: "lets a token for one use work once at each guard, if there are more than replicas says."},
			singleUseOptions(), func(d *guardDraft) *SingleUse { return &d.SingleUse }),
		{Option: Option{Key: "max_content", Default: "1048576",
			Text: "The longest request body, in bytes, that is read to compare it with a token for one exact request, 1 to 67108864.",
			Gain: "makes the guard use more memory, or refuse such requests."},
			read: func(v sy.Value, d *guardDraft) {
				into(&d.MaxContent, func(v sy.Value) (int, bool) { return v.Int(1, 64<<20) }, v)
			}},
	}
}

func feedOptions() []option[Feed] {
	return []option[Feed]{
		{Option: Option{Key: "file", Required: true,
			Text: "Where the guard keeps what it knows, so that a restart while the issuer is away still refuses what was revoked. Made when absent.",
			Gain: "makes the guard forget or invent revocations."},
			read: func(v sy.Value, s *Feed) { s.File = path(v) }},
		{Option: Option{Key: "credential_file", Default: "events.credential_file",
			Text: "The credential with which the guard asks the issuer. Only its path stands here.",
			Gain: "nothing without the credential itself."},
			read: func(v sy.Value, s *Feed) { s.CredentialFile = path(v) }},
		{Option: Option{Key: "url", Default: "the feed door of the credential's issuer",
			Text: "The address of the feed, when it is reached by another one.",
			Gain: "feeds the guard from elsewhere: it forgets revocations, or refuses everybody."},
			read: func(v sy.Value, s *Feed) { parsed(&s.URL, plainURL, v) }},
		{Option: Option{Key: "stale_after", Default: "what the registry says for the resource",
			Text: "How old the feed may become, 2s to 1h. When the registry says less, that counts.",
			Gain: "lets revoked tokens in for as long while the guard is cut off."},
			read: func(v sy.Value, s *Feed) { into(&s.StaleAfter, duration(2*time.Second, time.Hour), v) }},
		{Option: Option{Key: "when_stale", Default: "what the registry says for the resource",
			Text: "refuse: nobody passes while the feed is older than that. accept: go on without it, marked degraded, unless the registry says refuse.",
			Gain: "lets revoked tokens in while the guard is cut off, visibly."},
			read: func(v sy.Value, s *Feed) {
				into(&s.WhenStale, func(v sy.Value) (string, bool) { return sy.OneOf(v, StaleRefuse, StaleAccept) }, v)
			}},
	}
}

func statusSourceOptions() []option[StatusListSource] {
	return []option[StatusListSource]{
		{Option: Option{Key: "url", Required: true,
			Text: "The address under which the lists and their directory lie, such as https://tokens.example.test/status. Lists elsewhere are never fetched.",
			Gain: "hands the guard other lists; they must be signed by the issuer all the same."},
			read: func(v sy.Value, s *StatusListSource) { parsed(&s.URL, plainURL, v) }},
		{Option: Option{Key: "when_stale", Default: StaleRefuse,
			Text: "refuse: nobody passes whose list is older than it says it may be. accept: the last list counts until it ends.",
			Gain: "lets revoked tokens in while the lists cannot be had."},
			read: func(v sy.Value, s *StatusListSource) {
				into(&s.WhenStale, func(v sy.Value) (string, bool) { return sy.OneOf(v, StaleRefuse, StaleAccept) }, v)
			}},
	}
}

func singleUseOptions() []option[SingleUse] {
	return []option[SingleUse]{
		{Option: Option{Key: "replicas", Required: true,
			Text: "How many guards stand for this audience, 1 to 1000. With more than one, shared must be issuer.",
			Gain: "lets a token for one use work once at each of them, when it is too low."},
			read: func(v sy.Value, s *SingleUse) {
				into(&s.Replicas, func(v sy.Value) (int, bool) { return v.Int(1, 1000) }, v)
			}},
		{Option: Option{Key: "shared", Default: "no: this process remembers",
			Text: "issuer: ask the issuer at each use. It is asked on the way of the request, and without its answer the token is refused.",
			Gain: "lets a token for one use work once at each guard, when it is taken away."},
			read: func(v sy.Value, s *SingleUse) {
				if _, ok := sy.OneOf(v, "issuer"); ok {
					s.Shared = true
				}
			}},
	}
}

// checkRevocation looks at what no single option can know.
func (d *guardDraft) checkRevocation(v sy.Value) {
	if v.Has("feed") && v.Has("status_lists") {
		v.Fault("feed and status_lists exclude each other: one of them says what is revoked")
	}
	asks := d.Events.CredentialFile != "" || d.Feed.CredentialFile != ""
	if v.Has("feed") && !asks {
		v.Fault("feed.credential_file is required where events has none")
	}
	if d.SingleUse.Replicas > 1 && !d.SingleUse.Shared {
		v.Fault("single_use: %d guards without shared: issuer would let each token in %d times", d.SingleUse.Replicas, d.SingleUse.Replicas)
	}
	if d.SingleUse.Shared && !asks {
		v.Fault("single_use.shared needs events.credential_file or feed.credential_file: the issuer must be asked as somebody")
	}
	if d.SingleUse.Replicas > 0 && d.ForwardAuth != "" {
		v.Fault("single_use and forward_auth exclude each other: a proxy may ask twice about one request")
	}
}

// plainURL reads an address.
func plainURL(s string) (string, error) {
	u, err := webURL(s)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}
