package settings

import (
	"errors"
	"regexp"
	"strings"
)

// profileKeys are the options that not every profile takes, by their names in
// package profile.
func profileKeys() map[string]string {
	return map[string]string{
		"TenantID": "tenant_id", "Clients": "clients", "Companions": "companions", "Ambient": "ambient",
		"ScopeClaims": "scope_claims", "TenantClaim": "tenant_claim", "ClientClaim": "client_claim",
	}
}

// keyOf turns the name of a field of the library into the key for it.
func keyOf(field string) string {
	if key, own := profileKeys()[field]; own {
		return key
	}
	others := map[string]string{
		"Issuer": "id", "Class": "profile", "Tenant": "tenant", "Environment": "environment",
		"Subjects": "subjects", "Require": "require", "MaxLifetime": "max_lifetime",
	}
	if key, known := others[field]; known {
		return key
	}
	return field
}

// faults reports what the library says, in the words of the settings file, each
// fault at the option that it is about.
func (s *issuerDraft) faults(err error) {
	words := regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)
	for _, leaf := range leaves(err) {
		text := leaf.Error()
		if strings.HasSuffix(text, " is not an option of this profile") {
			continue // told already, with what it takes
		}
		text = strings.TrimPrefix(strings.TrimPrefix(text, "Issuers[0]: "), "Dialect.")
		text = words.ReplaceAllStringFunc(text, keyOf)
		end := strings.IndexAny(text+" ", " :")
		if at, given := s.given[text[:end]]; given {
			at.Fault("%s", strings.TrimLeft(text[end:], ": "))
		} else {
			s.place.Fault("%s", text)
		}
	}
}

// leaves takes joined errors apart.
func leaves(err error) (all []error) {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if many, joined := inner.(interface{ Unwrap() []error }); joined {
			for _, one := range many.Unwrap() {
				all = append(all, leaves(one)...)
			}
			return all
		}
	}
	return []error{err}
}
