package registry

import (
	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// readSPIFFE reads the SPIFFE ID of a workload.
func (c *Credential) readSPIFFE(v sy.Value) bool {
	id, ok := sy.Parsed(v, federation.ParseSPIFFEID)
	c.SPIFFE = id.String()
	return ok
}

// readToken reads a rule over the claims of a foreign token. Whether it fixes a
// workload depends on the profile of its issuer, see checkFederation.
func (c *Credential) readToken(d *draftCredential, v sy.Value) bool {
	c.Rule.Position = place(v)
	read := v.Object(
		c.ruleIssuer(d),
		sy.Field{Name: "claims", Read: func(v sy.Value) { c.readClaims(d, nil, v) }},
		sy.Field{Name: "allow_pull_requests", Read: set(&c.Rule.AllowPullRequests, sy.Value.Bool)},
	)
	return read && !c.Rule.Issuer.IsZero()
}

func (c *Credential) ruleIssuer(d *draftCredential) sy.Field {
	return sy.Field{Name: "issuer", Required: true, Read: func(v sy.Value) {
		d.issuer = v
		parsed(&c.Rule.Issuer, narrowcast.ParseIssuer)(v)
	}}
}

// readClaims reads a mapping of claims. Mappings inside lead to members of
// objects; a list holds the values that fit.
func (c *Credential) readClaims(d *draftCredential, above []string, v sy.Value) {
	read := v.Entries(federation.MaxClaims, func(_ sy.Value, name string, v sy.Value) {
		path := append(above[:len(above):len(above)], name)
		if v.IsMapping() {
			c.readClaims(d, path, v)
			return
		}
		var values []string
		one := func(v sy.Value) {
			text, ok := v.Text()
			if !ok {
				d.unread = true
				return
			}
			values = append(values, text)
		}
		if !v.IsList() {
			one(v)
		} else if !v.List(1, federation.MaxValues, one) {
			d.unread = true
		}
		if len(values) > 0 {
			c.addClaim(d, v, path, values...)
		}
	})
	d.unread = d.unread || !read
}

func (c *Credential) addClaim(d *draftCredential, at sy.Value, name []string, values ...string) {
	c.Rule.Claims = append(c.Rule.Claims, federation.Claim{Name: name, AnyOf: values})
	d.claims = append(d.claims, at)
}

// readServiceAccount reads the short form of a token rule for a Kubernetes
// service account.
func (c *Credential) readServiceAccount(d *draftCredential, v sy.Value) bool {
	c.Rule.Position, d.account = place(v), true
	text := func(key string, required bool, name ...string) sy.Field {
		return sy.Field{Name: key, Required: required, Read: func(v sy.Value) {
			if value, ok := v.Text(); ok {
				c.addClaim(d, v, append([]string{"kubernetes.io"}, name...), value)
			}
		}}
	}
	read := v.Object(
		c.ruleIssuer(d),
		text("namespace", true, "namespace"),
		text("service_account", true, "serviceaccount", "name"),
		text("uid", false, "serviceaccount", "uid"),
	)
	return read && !c.Rule.Issuer.IsZero() && len(c.Rule.Claims) >= 2
}
