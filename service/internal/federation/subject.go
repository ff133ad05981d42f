package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// maxSubject is the length of a sub that [narrowcast.ParseSubject] reads.
const maxSubject = 256

// Subject returns the sub under which tokens are minted for whoever holds a
// token of the platform. It names the workload by what its platform never gives
// away again, where there is such a thing:
//
//	github:ISSUER:repository_id:123:environment:prod   (or ref, without an environment)
//	gitlab:ISSUER:project_id:22:environment:prod       (or ref_path, or ref)
//	google:ISSUER:sub:104…
//	aws:ISSUER:sub:arn:aws:iam::111122223333:role/ci
//	azure:ISSUER:tid:…:oid:…                           (or azp, or appid)
//	kubernetes:ISSUER:namespace:shop:serviceaccount:checkout
//	oidc:ISSUER:sub:…
//	spiffe://corp.example/checkout                     (the SPIFFE ID itself)
//
// ISSUER is the identifier without https://. It is part of the subject because
// two clusters, or two GitLab instances, use the same names and numbers. All
// that is not a letter, a digit or one of - . _ ~ / @ = + is percent-encoded, so
// that the parts cannot be mistaken for each other; a last part that follows sub
// keeps its colons. A subject that would be longer than 255 bytes has 256 and
// ends in :sha256: and the digest of the whole, so that none of the shorter ones
// can be mistaken for it.
//
// It fails when the token lacks a claim that its platform always sets.
func Subject(platform string, t Token) (string, error) {
	if platform == SPIFFE {
		sub, _ := t.Claim("sub")
		id, err := ParseSPIFFEID(sub)
		return id.String(), err
	}
	s := &subject{token: t}
	s.text = platform + ":" + escape(strings.TrimPrefix(s.need("iss"), "https://"), "")
	switch platform {
	case GitHub:
		s.github()
	case GitLab:
		s.number("project_id")
		s.first("environment", "ref_path", "ref")
	case Google, AWS, OIDC:
		s.text += ":sub:" + escape(s.need("sub"), ":")
	case Azure:
		s.add("tid", s.need("tid"))
		s.first("oid", "azp", "appid")
	case Kubernetes:
		s.kubernetes()
	default:
		return "", fmt.Errorf("subject: the platform %q is not known", platform)
	}
	if s.missing != "" {
		return "", errors.New("subject: the token has no usable claim " + s.missing)
	}
	return shorten(s.text), nil
}

type subject struct {
	token   Token
	text    string
	missing string
}

func (s *subject) need(name string) string {
	value, here := s.token.Claim(name)
	if !here || value == "" || value == "null" {
		s.missing = name
	}
	return value
}

func (s *subject) add(name, value string) { s.text += ":" + name + ":" + escape(value, "") }

func (s *subject) number(name string) {
	value := s.need(name)
	if !number(value) {
		s.missing = name
	}
	s.add(name, value)
}

// first adds the first claim that is there and not empty. A job without an
// environment has none of this name, or an empty one.
func (s *subject) first(names ...string) {
	for _, name := range names {
		if value, here := s.token.Claim(name); here && value != "" && value != "null" {
			s.add(name, value)
			return
		}
	}
	s.missing = strings.Join(names, " or ")
}

func (s *subject) github() {
	s.number("repository_id")
	s.first("environment", "ref")
}

func (s *subject) kubernetes() {
	namespace, name, ok := serviceAccount(s.need("sub"))
	if !ok {
		s.missing = "sub"
	}
	s.add("namespace", namespace)
	s.add("serviceaccount", name)
}

// escape percent-encodes all but unreserved characters and a few that are
// harmless in a part.
func escape(text, also string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if plain || strings.IndexByte("-._~/@=+"+also, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

func shorten(text string) string {
	if len(text) < maxSubject {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	end := ":sha256:" + hex.EncodeToString(sum[:])
	return text[:maxSubject-len(end)] + end
}
