package registry

import (
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// checkFederation checks what clients take from foreign issuers: each must be
// registered, each rule must fix a workload, and no proof may speak for two
// clients.
func (l *loader) checkFederation() {
	known := map[narrowcast.Issuer]*draftIssuer{}
	var ids []string
	for i := range l.issuers {
		known[l.issuers[i].Issuer.Issuer] = &l.issuers[i]
		ids = append(ids, l.issuers[i].Issuer.Issuer.String())
	}
	l.checkIssuerIDs()
	if len(l.issuers) > MaxIssuers {
		l.issuers[MaxIssuers].id.Fault("is one more than the %d issuers of a registry", MaxIssuers)
	}
	slices.Sort(ids)
	o := owners{places: map[string]owner{}, rules: map[narrowcast.Issuer][]ownedRule{}}
	for _, d := range l.clients {
		for i, c := range d.Authenticate {
			draft := d.credentials[i]
			switch c.Kind {
			case SPIFFE:
				checkTrustDomain(c, draft, known)
				o.own(svidOf+c.SPIFFE, d.ID, draft.at)
			case Federated:
				if checkRule(c, draft, known, ids) {
					o.rules[c.Rule.Issuer] = append(o.rules[c.Rule.Issuer], ownedRule{owner{d.ID, draft.at}, c.Rule})
				}
			case TLSClientAuth:
				for _, ca := range c.Certificate.Authorities {
					if o.own("the "+c.Certificate.name()+" of the same authority", d.ID, draft.at, thumbprint(ca)) {
						break
					}
				}
			case SelfSignedTLS:
				for j, text := range c.Thumbprints {
					o.own("the certificate "+text, d.ID, draft.thumbs[j])
				}
			}
		}
	}
	for _, d := range l.clients {
		o.checkClientID(d)
		checkOwnKeys(d, known)
	}
	o.checkRules(known)
}

// checkClientID refuses a client with the SPIFFE ID of another one: with a
// certificate a workload names itself by its SPIFFE ID as client_id.
func (o owners) checkClientID(d draftClient) {
	if first, taken := o.places[svidOf+string(d.ID)]; taken && first.client != d.ID {
		d.id.Fault("is the SPIFFE ID of client %s at %s", first.client, first.at.Position())
	}
}

// checkOwnKeys refuses keys of a client whose id is in a trust domain: nobody
// would look at them.
func checkOwnKeys(d draftClient, known map[narrowcast.Issuer]*draftIssuer) {
	id, err := federation.ParseSPIFFEID(string(d.ID))
	if err != nil || known[id.Issuer()] == nil {
		return
	}
	for i, c := range d.Authenticate {
		if c.Kind == PrivateKeyJWT {
			d.credentials[i].at.Fault("is of no use to a client whose id is in a registered trust domain: its assertions are read as a JWT-SVID")
		}
	}
}

const svidOf = "the SPIFFE ID "

// checkIssuerIDs refuses a client with the id of an issuer, or one too like it:
// both are the iss of what a client shows.
func (l *loader) checkIssuerIDs() {
	taken := map[string]draftIssuer{}
	for _, d := range l.issuers {
		taken[fold(d.Issuer.Issuer.String())] = d
	}
	for _, d := range l.clients {
		if first, is := taken[fold(string(d.ID))]; is {
			d.id.Fault("is the id of an issuer, or too like it, at %s; a client with it could not be told from the issuer", first.id.Position())
		}
	}
}

func checkTrustDomain(c Credential, draft draftCredential, known map[narrowcast.Issuer]*draftIssuer) {
	id, err := federation.ParseSPIFFEID(c.SPIFFE)
	if err != nil {
		return // reported
	}
	if d := known[id.Issuer()]; d == nil || d.Profile != federation.SPIFFE {
		draft.at.Fault("the trust domain of the SPIFFE ID is not registered; add it to issuers: {id: spiffe://%s, profile: spiffe, …}", id.TrustDomain())
	}
}

// checkRule reports whether a rule may be compared with others.
func checkRule(c Credential, draft draftCredential, known map[narrowcast.Issuer]*draftIssuer, ids []string) bool {
	d := known[c.Rule.Issuer]
	switch {
	case d == nil:
		draft.issuer.Fault("is not registered; add it to issuers with its profile%s", sy.Suggest(c.Rule.Issuer.String(), ids))
		return false
	case d.Profile == "":
		return false // reported
	case draft.account && d.Profile != federation.Kubernetes:
		draft.issuer.Fault("must be an issuer of profile kubernetes; the one at %s is of profile %s", d.id.Position(), d.Profile)
		return false
	}
	faults := federation.Check(d.Profile, c.Rule)
	for _, f := range faults {
		if f.Claim == federation.Whole {
			// What is missing may be what could not be read.
			if draft.unread {
				continue
			}
			draft.at.Fault("the rule for a token of %s %s", d.Profile, f.Text)
		} else {
			draft.claims[f.Claim].Fault("%s", f.Text)
		}
	}
	return len(faults) == 0 && !draft.unread
}

type owner struct {
	client narrowcast.ClientID
	at     sy.Value
}

type ownedRule struct {
	owner
	rule federation.Rule
}

// owners finds proofs that would speak for two clients.
type owners struct {
	places map[string]owner
	rules  map[narrowcast.Issuer][]ownedRule
}

// own reports whether somebody else owns the proof already. Key tells apart what
// is told with the same words.
func (o owners) own(what string, client narrowcast.ClientID, at sy.Value, key ...string) bool {
	full := what
	for _, more := range key {
		full += "\x1f" + more
	}
	first, taken := o.places[full]
	if taken {
		at.Fault("%s is given at %s already; whoever holds it could be either", what, first.at.Position())
		return true
	}
	o.places[full] = owner{client, at}
	return false
}

// checkRules compares the rules of each issuer. Two rules of one client may fit
// one token: it is the same client either way.
func (o owners) checkRules(known map[narrowcast.Issuer]*draftIssuer) {
	for issuer, owned := range o.rules {
		rules := make([]federation.Rule, len(owned))
		for i, one := range owned {
			rules[i] = one.rule
		}
		told := 0
		federation.Overlaps(known[issuer].Profile, rules, func(i, j int) bool {
			if owned[i].client == owned[j].client {
				return true
			}
			owned[j].at.Fault("one token could fit this rule and the one of client %s at %s; they need a claim whose values exclude each other",
				owned[i].client, owned[i].at.Position())
			told++
			return told < sy.MaxFaults
		})
	}
}
