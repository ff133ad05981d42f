package narrowcast

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Terms writes everything that sets t apart from RFC 9068 and its class, one
// setting an entry: a name and its values, separated by spaces. Sorted, so that
// equal settings have equal terms. Inside a value, white space, "%", ";" and what
// is not ASCII are written as % and two hexadecimal digits; an empty value is
// written as "%". SetTerm reads an entry.
func (t *TrustedIssuer) Terms() []string {
	var all []string
	term := func(name string, values ...string) {
		for _, v := range values {
			name += " " + escapeTerm(v)
		}
		all = append(all, name)
	}
	optional := func(name, value string) {
		if value != "" {
			term(name, value)
		}
	}
	d := &t.Dialect
	optional("tenant", t.Tenant)
	optional("environment", t.Environment)
	optional("audience-claim", d.AudienceClaim)
	optional("tenant-claim", d.TenantClaim)
	optional("client-claim", d.ClientClaim)
	if d.IssuerIsAmbient {
		term("ambient-issuer")
	}
	if d.OwnWords {
		term("own-words")
	}
	if d.MaxLifetime > 0 {
		term("max-lifetime-seconds", strconv.FormatInt(int64(d.MaxLifetime/time.Second), 10))
	}
	for client, a := range d.Clients {
		term("client-audience", string(client), a.text)
	}
	for value, tenant := range d.Tenants {
		term("tenant-value", value, tenant)
	}
	for _, a := range d.Companions {
		term("companion", a.text)
	}
	for _, a := range d.Ambient {
		term("ambient", a.text)
	}
	for _, name := range d.ScopeClaims {
		term("scope-claim", name)
	}
	for _, typ := range d.Types {
		term("type", typ)
	}
	for _, r := range d.Require {
		term("require", append([]string{r.Name}, slices.Sorted(slices.Values(r.Values))...)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func escapeTerm(s string) string {
	if s == "" {
		return "%"
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '%' || c == ';' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
