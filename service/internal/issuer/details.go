package issuer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// Bounds on the parameter authorization_details (RFC 9396 section 2).
const (
	maxDetails     = 4 << 10
	maxDetailItems = 8
	maxDetailDepth = 8
)

// RequestDetail is the type of details that every resource understands: one exact
// request.
const RequestDetail = policy.RequestDetail

// detail is one object of authorization_details.
type detail struct {
	kind    string
	members map[string]json.RawMessage
}

var errDetails = errors.New("authorization_details is malformed")

// readDetails reads the parameter. It takes nothing that two readers could
// understand in two ways: a name that occurs twice, text that is not UTF-8,
// something behind the end.
func readDetails(text string) ([]detail, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxDetails || !unambiguous(text) {
		return nil, errDetails
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil || len(items) == 0 || len(items) > maxDetailItems {
		return nil, errDetails
	}
	all := make([]detail, 0, len(items))
	for _, members := range items {
		d := detail{members: members}
		if !d.str("type", &d.kind) || d.kind == "" {
			return nil, errDetails
		}
		all = append(all, d)
	}
	return all, nil
}

// str reads a member that is one string.
func (d *detail) str(name string, into *string) bool {
	raw, there := d.members[name]
	return there && len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, into) == nil
}

// kinds are the types that the rules are asked about.
func kinds(all []detail) (types []string) {
	for _, d := range all {
		types = append(types, d.kind)
	}
	return types
}

// settle writes the details for the one resource of the token. Details that name
// another place ask for a second door.
func settle(all []detail, audience narrowcast.Audience) (string, error) {
	if len(all) == 0 {
		return "", nil
	}
	texts := make([]string, 0, len(all))
	for i := range all {
		d := &all[i]
		if !d.at(audience) {
			return "", errors.New("a detail names another location than the resource")
		}
		text, err := d.write(audience)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	joined := "[" + strings.Join(texts, ",") + "]"
	if _, err := narrowcast.ParseDetails(joined); err != nil || len(joined) > maxDetails {
		return "", errDetails // no verifier would read it
	}
	return joined, nil
}

// at reports whether the detail is about this resource and nothing else.
func (d *detail) at(audience narrowcast.Audience) bool {
	raw, there := d.members["locations"]
	if !there {
		return true
	}
	var locations []string
	err := json.Unmarshal(raw, &locations)
	return err == nil && len(locations) == 1 && audience.Names(locations[0])
}

// write returns the detail as it goes into the token. That of our own type is
// written anew, in one form; what others mean by theirs is up to them.
func (d *detail) write(audience narrowcast.Audience) (string, error) {
	if d.kind == RequestDetail {
		return d.request(audience)
	}
	return plainJSON(d.members) // in order of the names
}

// oneRequest is a detail of our own type: one exact request.
type oneRequest struct {
	Type      string   `json:"type"`
	Locations []string `json:"locations"`
	Method    string   `json:"method"`
	Target    string   `json:"target"`
	Digest    string   `json:"digest,omitempty"`
}

func (d *detail) request(audience narrowcast.Audience) (string, error) {
	r := oneRequest{Type: d.kind, Locations: []string{audience.String()}}
	for name := range d.members {
		switch name {
		case "type", "locations", "method", "target", "digest":
		default: // RFC 9396 section 5: an unknown field of a known type is refused
			return "", errors.New("a detail of type " + RequestDetail + " has a member that is not known")
		}
	}
	_, digested := d.members["digest"]
	switch {
	case !d.str("method", &r.Method) || !isMethod(r.Method):
		return "", errors.New("method is missing or no HTTP method")
	case !d.str("target", &r.Target) || !isTarget(r.Target):
		return "", errors.New("target is missing or no path of a request")
	case digested && (!d.str("digest", &r.Digest) || !isDigest(r.Digest)):
		return "", errors.New("digest is no sha-256 in the form of RFC 9530")
	}
	return plainJSON(r)
}

// plainJSON writes v without escapes for HTML: a verifier compares the text.
func plainJSON(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// isMethod takes the methods that are in use; they have case (RFC 9110 section 9.1).
func isMethod(s string) bool {
	return s != "" && len(s) <= 16 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// isTarget takes the origin form (RFC 9112 section 3.2.1).
func isTarget(s string) bool {
	if !strings.HasPrefix(s, "/") || len(s) > 2048 {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e || strings.IndexByte("#\"<>\\^`{|}", s[i]) >= 0 {
			return false
		}
	}
	return true
}

func isDigest(s string) bool {
	text, from := strings.CutPrefix(s, "sha-256=:")
	text, to := strings.CutSuffix(text, ":")
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	return from && to && err == nil && len(sum) == 32
}
