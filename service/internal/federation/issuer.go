package federation

import (
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// PlatformOf returns the platform of issuers that are known to all, or "". A
// rule for them must not pass as one of a platform that demands less.
func PlatformOf(issuer narrowcast.Issuer) string {
	u, err := url.Parse(issuer.String())
	if err != nil {
		return ""
	}
	if u.Scheme == "spiffe" {
		return SPIFFE
	}
	switch host := u.Hostname(); {
	case host == "token.actions.githubusercontent.com", strings.HasSuffix(u.Path, "/_services/token"), strings.HasPrefix(host, "token.actions.") && strings.HasSuffix(host, ".ghe.com"):
		return GitHub
	case host == "gitlab.com":
		return GitLab
	case host == "accounts.google.com":
		return Google
	case host == "login.microsoftonline.com", host == "sts.windows.net":
		return Azure
	case strings.HasSuffix(host, ".tokens.sts.global.api.aws"):
		return AWS
	}
	return ""
}

// DefaultMaxAge returns how long ago a token may have been issued when the
// registry does not say. It follows how long the platform keeps handing out, or
// the job keeps using, the same token.
func DefaultMaxAge(platform string) time.Duration {
	switch platform {
	case GitLab, Google:
		return time.Hour
	case Azure:
		return 2 * time.Hour
	}
	return 10 * time.Minute
}

// HasTokenID reports whether tokens of the platform carry a jti, so that each
// can be taken once.
func HasTokenID(platform string) bool { return platform != Google && platform != Azure }

// Notes returns what a reviewer of a rule should know that is no reason to
// refuse it.
func Notes(platform string, r Rule) (notes []string) {
	note := func(when bool, text string) {
		if when {
			notes = append(notes, text)
		}
	}
	note(platform == Kubernetes && r.find(kubernetesClaim, "serviceaccount", "uid") == nil,
		"whoever may delete and create the service account can become it; add its uid")
	note(platform == GitLab && r.has("ref") && !r.has("ref_type") && !r.has("ref_path"),
		"a tag and a branch may have the same name; add ref_type")
	note(r.AllowPullRequests, "pull requests are allowed: whoever can open one holds such a token")
	return notes
}
