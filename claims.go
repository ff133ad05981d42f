package narrowcast

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// claims is a token taken apart, before and after it is found genuine.
type claims struct {
	alg, typ, kid string
	input         []byte // signing input; part of the token's text, cleared once verified
	signature     []byte
	payload       string
	fingerprint   Fingerprint

	issuer, subject, client, id, lineage string
	task, tenant, environment, scope     string
	iat, nbf, exp                        date
	aud                                  audienceClaim
	cnf                                  confirmation
	more                                 *further // nil unless there is any of it
	malformed                            string   // the first claim of a wrong type
	oddWord                              string   // the first of a wrong type among those that are this house's own
	otherHeader                          string   // a header parameter that a JWT-SVID does not have
	scopeList                            bool     // scope is an array, as some foreign issuers write it
}

// date is a NumericDate that may be absent.
type date struct {
	seconds int64
	present bool
}

func (d date) time() time.Time {
	if !d.present {
		return time.Time{}
	}
	return time.Unix(d.seconds, 0).UTC()
}

// audienceClaim is the aud claim in any of its forms.
type audienceClaim struct {
	one       string   // the string form, or the only element of a list
	many      []string // a list with two or more elements
	malformed bool
}

func (a audienceClaim) list() []string {
	if a.one != "" {
		return []string{a.one}
	}
	return a.many
}

// confirmation is the cnf claim (RFC 7800).
type confirmation struct {
	present     bool
	certificate string // x5t#S256 (RFC 8705 section 3.1)
	key         string // jkt (RFC 9449 section 6.1)
	bothWays    bool   // a certificate and a key
	unknown     bool   // a member that is not understood
}

// parse takes a token apart. It decides the shape and nothing else: the result
// is not a Token until a verifier has filled in the rest.
func parse(text string) (*Token, *Rejection) {
	if text == "" {
		return nil, reject(TokenMissing)
	}
	compact, err := jose.Split(text)
	if errors.Is(err, jose.ErrTooLarge) {
		return nil, reject(TooLarge)
	}
	if err != nil {
		return nil, reject(Malformed)
	}
	t := new(Token)
	c := &t.c
	c.input, c.signature, c.payload = compact.Input, compact.Signature, compact.Payload
	c.fingerprint = sha256.Sum256(compact.Text)
	if rej := c.readHeader(compact.Header); rej != nil {
		return nil, c.withFacts(rej)
	}
	if err := strictjson.Object(compact.Payload, c.readClaim); err != nil {
		return nil, c.withFacts(shape(err))
	}
	return t, nil
}

func (c *claims) withFacts(rej *Rejection) *Rejection {
	rej.Claimed = c.describe()
	return rej
}

// shape maps an error of the JSON reader to a reason.
func shape(err error) *Rejection {
	var rej *Rejection
	switch {
	case errors.As(err, &rej):
		return rej
	case errors.Is(err, strictjson.ErrDuplicate):
		return reject(DuplicateMember)
	}
	return reject(Malformed)
}

func (c *claims) readHeader(header string) *Rejection {
	err := strictjson.Object(header, func(name string, v strictjson.Value) error {
		ok := true
		switch name {
		case "alg":
			c.alg, ok = v.Text()
		case "typ":
			c.typ, ok = v.Text()
		case "kid":
			c.kid, ok = v.Text()
			ok = ok && len(c.kid) <= maxName
		case "crit", "b64":
			return reject(CriticalHeader)
		case "jwk", "jku", "x5u", "x5c":
			return reject(EmbeddedKey)
		case "enc", "zip":
			ok = false
		default:
			c.otherHeader = name
		}
		if !ok {
			return &Rejection{Reason: Malformed, Detail: "header " + name}
		}
		return nil
	})
	if err != nil {
		return shape(err)
	}
	return nil
}

func (c *claims) readClaim(name string, v strictjson.Value) error {
	ok := true
	switch name {
	case "iss":
		c.issuer, ok = v.Text()
	case "sub":
		c.subject, ok = v.Text()
	case "client_id":
		c.client, ok = v.Text()
	case "jti":
		c.id, ok = v.Text()
	case "lineage":
		c.lineage, ok = v.Text()
	case "task":
		c.task, ok = v.Text()
	case "tenant":
		c.tenant, ok = v.Text()
	case "environment":
		c.environment, ok = v.Text()
	case "scope":
		c.scope, ok = v.Text()
		c.scopeList = v.Kind() == strictjson.Array
		ok = ok || c.scopeList
	case "iat":
		ok = c.iat.read(v)
	case "nbf":
		ok = c.nbf.read(v)
	case "exp":
		ok = c.exp.read(v)
	case "aud":
		c.aud.read(v)
	case "cnf":
		ok = c.cnf.read(v)
	case "parent", "act", "may_act", "single_use", "status", "authorization_details":
		if c.more == nil {
			c.more = new(further)
		}
		ok = c.more.read(name, v)
	}
	switch {
	case ok:
	case isHouseWord(name):
		c.oddWord = name
	case c.malformed == "":
		c.malformed = name
	}
	return nil
}

// isHouseWord tells the claims that mean something only where an issuer is told to
// write them as this house does. Of another issuer's status nothing is believed,
// so that an odd one is none.
func isHouseWord(name string) bool {
	switch name {
	case "task", "lineage", "tenant", "environment", "parent", "single_use", "status":
		return true
	}
	return false
}

func (d *date) read(v strictjson.Value) bool {
	d.seconds, d.present = v.Date()
	return d.present
}

// Bounds on the aud claim.
const (
	maxAudiences     = 16
	maxAudienceBytes = 2048
)

func (a *audienceClaim) read(v strictjson.Value) {
	switch v.Kind() {
	case strictjson.String:
		a.one, _ = v.Text()
		a.malformed = len(a.one) > maxAudienceBytes
	case strictjson.Array:
		a.readList(v)
	default:
		a.malformed = true
	}
}

func (a *audienceClaim) readList(v strictjson.Value) {
	err := v.Elements(func(e strictjson.Value) error {
		s, ok := e.Text()
		if !ok || s == "" || len(s) > maxAudienceBytes || len(a.many) == maxAudiences {
			a.malformed = true
			return nil
		}
		a.many = append(a.many, s)
		return nil
	})
	a.malformed = a.malformed || err != nil
	if len(a.many) == 1 && !a.malformed {
		a.one, a.many = a.many[0], nil
	}
}

func (cnf *confirmation) read(v strictjson.Value) bool {
	cnf.present = true
	wellFormed, certificate, members := true, false, 0
	err := v.Object(func(name string, v strictjson.Value) error {
		members++
		ok := true
		switch name {
		case "x5t#S256":
			cnf.certificate, ok = v.Text()
			certificate = true
		case "jkt":
			cnf.key, ok = v.Text()
		default:
			cnf.unknown = true
		}
		wellFormed = wellFormed && ok
		return nil
	})
	cnf.bothWays = certificate && cnf.key != ""
	return err == nil && wellFormed && members > 0
}

// raw finds a claim in the payload.
func (c *claims) raw(name string) (value string, found bool) {
	_ = strictjson.Object(c.payload, func(n string, v strictjson.Value) error {
		if n == name {
			value, found = v.Raw(), true
		}
		return nil
	})
	return value, found
}

func (c *claims) describe() Claimed {
	lineage := c.lineage
	if lineage == "" {
		lineage = c.id
	}
	said := Claimed{
		Type: c.typ, Algorithm: c.alg, KeyID: c.kid,
		Issuer: c.issuer, Subject: c.subject, ClientID: c.client, TokenID: c.id, Lineage: lineage,
		Task: c.task, Tenant: c.tenant, Environment: c.environment, Scope: c.scope,
		Audience: c.aud.list(), IssuedAt: c.iat.time(), NotBefore: c.nbf.time(), Expires: c.exp.time(),
		Bound: c.cnf.present, Fingerprint: c.fingerprint,
	}
	if m := c.more; m != nil {
		said.Parent, said.Actors, said.SingleUse = m.parent, words(m.actors), m.singleUse
		said.StatusList, said.StatusAt = m.statusList, m.statusAt
	}
	return said
}

func words(subjects []Subject) (all []string) {
	for _, s := range subjects {
		all = append(all, string(s))
	}
	return all
}
