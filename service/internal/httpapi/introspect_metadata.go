package httpapi

import "github.com/narrowcast-io/narrowcast/service/internal/issuer"

// asking is what the metadata says about questions and details. What is not
// served is not named.
type asking struct {
	DetailTypes []string `json:"authorization_details_types_supported"` // RFC 9396 section 10

	Introspection           string   `json:"introspection_endpoint,omitempty"` // RFC 8414 section 2
	IntrospectionMethods    []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAlgorithms []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	AnswerAlgorithms        []string `json:"introspection_signing_alg_values_supported,omitempty"` // RFC 9701 section 7

	Revocation           string   `json:"revocation_endpoint,omitempty"` // RFC 8414 section 2
	RevocationMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAlgorithms []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
}

// asking describes what is asked about tokens; clients prove who they are as at
// the token endpoint.
func (a *API) asking(methods, algorithms []string) asking {
	d := asking{DetailTypes: []string{issuer.RequestDetail}}
	if a.config.Offers.DetailTypes != nil {
		d.DetailTypes = a.config.Offers.DetailTypes()
	}
	if a.config.Introspector != nil {
		d.Introspection, d.IntrospectionMethods, d.IntrospectionAlgorithms = a.base+"/introspect", methods, algorithms
		for _, own := range a.config.Algorithms {
			d.AnswerAlgorithms = append(d.AnswerAlgorithms, string(own))
		}
	}
	if a.config.Revoker != nil {
		d.Revocation, d.RevocationMethods, d.RevocationAlgorithms = a.base+"/revoke", methods, algorithms
	}
	return d
}

// grants are those that are offered.
func (a *API) grants() []string {
	if len(a.config.Offers.Grants) > 0 {
		return a.config.Offers.Grants
	}
	return issuer.Grants()
}
