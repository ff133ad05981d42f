package narrowcast

import (
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// oddities are what reading a token in the dialect of its issuer found wrong. It
// depends on the token and its issuer alone, so it is found once.
type oddities struct {
	audience    Reason // of checkAudience
	tenant      bool   // not the tenant that the issuer may speak for
	environment bool   // the same for the environment
	missing     string // the first required claim that is absent
	wrong       string // the first required claim that says something else
}

// interpret reads a genuine token in the dialect of its issuer, and writes into
// the claims what RFC 9068 would have said.
func (t *Token) interpret(ours Audience) {
	r := reading{by: t.by, c: &t.c}
	// The payload was read before, so that the walk cannot fail.
	_ = strictjson.Object(t.c.payload, r.member)
	r.requirements(&t.odd)
	r.names()
	r.tenants(&t.odd)
	r.environments(&t.odd)
	r.audiences(ours, &t.odd)
}

// reading is one walk over the claims of a token.
type reading struct {
	by       *trusted
	c        *claims
	audience audienceClaim
	tenant   textClaim
	client   textClaim
	place    textClaim // the environment
	scope    []string
	found    []string // required claims that are there
	fits     []string // and of these, the ones that say what they must
}

// textClaim is a claim that is a string and may be absent.
type textClaim struct {
	text    string
	present bool
}

func (r *reading) member(name string, v strictjson.Value) error {
	d := &r.by.Dialect
	ok := true
	if d.otherAudience() && name == d.AudienceClaim {
		r.audience.read(v)
	}
	switch name {
	case "": // no claim is meant by it
	case d.tenantClaim():
		ok = r.tenant.read(v)
	case "environment":
		ok = r.place.read(v) || d.OwnWords
	}
	if ok && d.ClientClaim != "" && name == d.ClientClaim {
		ok = r.client.read(v)
	}
	if ok && slices.Contains(d.ScopeClaims, name) {
		ok = r.scopes(v)
	}
	if !ok && r.c.malformed == "" {
		r.c.malformed = name
	}
	for _, want := range d.Require {
		if want.Name == name {
			r.required(want, v)
		}
	}
	return nil
}

func (t *textClaim) read(v strictjson.Value) (ok bool) {
	t.text, ok = v.Text()
	t.present = true
	return ok
}

// scopes reads a list in either form. An empty token or one with a space in an
// array is malformed: it would be read as several.
func (r *reading) scopes(v strictjson.Value) bool {
	if text, ok := v.Text(); ok {
		if text != "" {
			r.scope = append(r.scope, text)
		}
		return true
	}
	if v.Kind() != strictjson.Array {
		return false
	}
	good := true
	err := v.Elements(func(e strictjson.Value) error {
		token, ok := e.Text()
		good = good && ok && checkScopeToken(token) == nil
		r.scope = append(r.scope, token)
		return nil
	})
	return good && err == nil
}

func (r *reading) required(want RequiredClaim, v strictjson.Value) {
	text, isText := v.Text()
	if v.Kind() == strictjson.Null || isText && text == "" {
		return
	}
	r.found = append(r.found, want.Name)
	if len(want.Values) == 0 || isText && slices.Contains(want.Values, text) {
		r.fits = append(r.fits, want.Name)
	}
}

func (r *reading) requirements(odd *oddities) {
	for _, want := range r.by.Dialect.Require {
		switch {
		case !slices.Contains(r.found, want.Name):
			if odd.missing == "" {
				odd.missing = want.Name
			}
		case !slices.Contains(r.fits, want.Name) && odd.wrong == "":
			odd.wrong = want.Name
		}
	}
}

// names puts client and scope where RFC 9068 has them.
func (r *reading) names() {
	d := &r.by.Dialect
	if d.ClientClaim != "" {
		r.c.client = r.client.text
	}
	if len(d.ScopeClaims) > 0 {
		r.c.scope = strings.Join(r.scope, " ")
		r.c.scopeList = false
	}
}

// tenants finds out for which tenant the token speaks. A token that names none
// speaks for the tenant of its issuer.
func (r *reading) tenants(odd *oddities) {
	d, own := &r.by.Dialect, r.by.Tenant
	switch {
	case d.Tenants != nil && !r.tenant.present:
		if odd.missing == "" {
			odd.missing = d.tenantClaim()
		}
		r.c.tenant = own
		return
	case d.Tenants != nil:
		mapped, known := d.Tenants[r.tenant.text]
		odd.tenant = !known
		if r.c.tenant = mapped; !known {
			r.c.tenant = r.tenant.text
		}
	case r.tenant.present:
		r.c.tenant = r.tenant.text
	default:
		r.c.tenant = own
	}
	odd.tenant = odd.tenant || own != "" && r.c.tenant != own
}

// environments does the same for the environment.
func (r *reading) environments(odd *oddities) {
	own := r.by.Environment
	if r.by.Dialect.OwnWords {
		r.c.task, r.c.lineage, r.c.environment, r.place.present = "", "", "", false
		if r.c.more != nil {
			r.c.more.parent, r.c.more.singleUse = "", false
		}
	}
	if !r.place.present {
		r.c.environment = own
	}
	odd.environment = own != "" && r.c.environment != own
}
