package narrowcast

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// RequestDetail is the type of an authorization detail (RFC 9396 section 2) that
// describes one request: the members locations, method and target, and digest
// when the request has content. A token with such details opens only for a
// request that one of them describes.
const RequestDetail = "urn:narrowcast:request"

// Bounds on the claim authorization_details.
const (
	maxDetails    = 16
	maxLocations  = 16
	maxDetailType = 256
	maxMethod     = 32
	maxTarget     = 4096
)

// requestDetail is an authorization detail of the type RequestDetail.
type requestDetail struct {
	locations      []string
	method, target string
	digest         [sha256.Size]byte // of the content, which may be empty
}

// readDetails reads authorization_details: every element must have a type, and
// those that describe a request are returned.
func readDetails(v strictjson.Value) (requests []requestDetail, ok bool) {
	n, good := 0, true
	err := v.Elements(func(e strictjson.Value) error {
		n++
		if !good || n > maxDetails {
			good = false
			return nil
		}
		kind := detailType(e)
		if good = kind != "" && len(kind) <= maxDetailType; kind != RequestDetail {
			return nil
		}
		var d requestDetail
		good = d.read(e)
		requests = append(requests, d)
		return nil
	})
	if err != nil || !good || n == 0 {
		return nil, false
	}
	return requests, true
}

// detailType returns the type of a detail, or "" when it has none.
func detailType(v strictjson.Value) (kind string) {
	_ = v.Object(func(name string, v strictjson.Value) error {
		if name == "type" {
			kind = onlyText(v)
		}
		return nil
	})
	return kind
}

// read demands every member but digest and knows no other: a member that is not
// understood may be a limit, and a limit that is not understood is not kept.
func (d *requestDetail) read(v strictjson.Value) bool {
	d.digest = sha256.Sum256(nil)
	good := true
	err := v.Object(func(name string, v strictjson.Value) error {
		ok := true
		switch name {
		case "type":
		case "locations":
			ok = d.readLocations(v)
		case "method":
			d.method, ok = v.Text()
		case "target":
			d.target, ok = v.Text()
		case "digest":
			d.digest, ok = readDigest(onlyText(v))
		default:
			ok = false
		}
		good = good && ok
		return nil
	})
	return err == nil && good && len(d.locations) > 0 && isMethod(d.method) && isTarget(d.target)
}

func (d *requestDetail) readLocations(v strictjson.Value) bool {
	good := true
	err := v.Elements(func(e strictjson.Value) error {
		s, ok := e.Text()
		if !ok || s == "" || len(s) > maxIdentifier || len(d.locations) == maxLocations {
			good = false
			return nil
		}
		d.locations = append(d.locations, s)
		return nil
	})
	return err == nil && good
}

// isMethod reports whether s is a token of HTTP (RFC 9110 section 9.1).
func isMethod(s string) bool {
	for i := 0; i < len(s); i++ {
		letter := s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z'
		if !letter && (s[i] < '0' || s[i] > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= maxMethod
}

// isTarget reports whether s is a path and query as in a request line (RFC 9112
// section 3.2.1).
func isTarget(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= 0x20 || s[i] > 0x7e || s[i] == '#' {
			return false
		}
	}
	return strings.HasPrefix(s, "/") && len(s) <= maxTarget
}

// readDigest reads a SHA-256 in the form of a Content-Digest field with one
// member (RFC 9530 section 2), in the one way to write it.
func readDigest(s string) (sum [sha256.Size]byte, ok bool) {
	encoded, name := strings.CutPrefix(s, "sha-256=:")
	encoded, end := strings.CutSuffix(encoded, ":")
	if !name || !end || len(encoded) != base64.StdEncoding.EncodedLen(sha256.Size) {
		return sum, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != sha256.Size {
		return sum, false
	}
	return [sha256.Size]byte(raw), true
}
