package registry

import (
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// checkTogether checks what no single entry can know: whether names are taken,
// whether two identifiers are too alike, and whether what is referred to exists.
func (l *loader) checkTogether() {
	var n names
	for i := range l.resources {
		d := &l.resources[i]
		n.claim(claim{at: d.id, text: d.Audience.String(), what: "the id of a resource", door: i, alike: true})
		n.claim(claim{at: d.name, text: d.Name, what: "the name of a resource", door: i})
	}
	for _, d := range l.clients {
		n.claim(claim{at: d.id, text: string(d.ID), what: "the id of a client", door: -1, alike: true})
	}
	for i := range l.resources {
		for j, at := range l.resources[i].aliases {
			n.claim(claim{at: at, text: l.resources[i].Aliases[j].Name, what: "an alias", door: i, alike: true, alias: true})
		}
	}
	var trusted names
	for _, d := range l.issuers {
		trusted.claim(claim{at: d.id, text: d.Issuer.Issuer.String(), what: "the id of an issuer", door: -1, alike: true})
	}
	l.checkPrefixes()
	l.checkReferences()
	l.checkFederation()
}

// checkPrefixes refuses a client id that begins with another one and a slash: in
// the book a client writes under its id and what it puts behind a slash, so the
// records of the two could not be told apart.
func (l *loader) checkPrefixes() {
	ids := make(map[string]sy.Value, len(l.clients))
	for _, d := range l.clients {
		ids[string(d.ID)] = d.id
	}
	for _, d := range l.clients {
		id := string(d.ID)
		for i, c := range []byte(id) {
			if shorter, taken := ids[id[:i]]; c == '/' && taken {
				d.id.Fault("%q begins with the id of another client, %q at %s, and a slash; the records that the two write could not be told apart",
					id, id[:i], shorter.Position())
			}
		}
	}
}

// claim is a text that shall name one thing. An audience, a client id and an
// alias must not be mistaken for each other: some consumers of tokens read
// client_id as an audience.
type claim struct {
	at    sy.Value
	text  string
	what  string
	door  int  // which resource it belongs to, -1 for none
	alike bool // also what folds to the same text is refused
	alias bool // an alias may be a spelling of its own door
}

type names struct {
	exact  map[string]claim
	folded map[string]claim
}

func (n *names) claim(c claim) {
	if n.exact == nil {
		n.exact, n.folded = map[string]claim{}, map[string]claim{}
	}
	if c.text == "" {
		return
	}
	if first, taken := n.exact[c.text]; taken {
		c.at.Fault("%q is %s already, at %s", c.text, first.what, first.at.Position())
		return
	}
	n.exact[c.text] = c
	if !c.alike {
		return
	}
	first, taken := n.folded[fold(c.text)]
	if taken && !(c.alias && first.door == c.door) {
		c.at.Fault("%q is too like %q, %s at %s: they differ only in letter case of the host, default port, trailing slash or percent-encoding",
			c.text, first.text, first.what, first.at.Position())
		return
	}
	if !taken {
		n.folded[fold(c.text)] = c
	}
}

func (l *loader) checkReferences() {
	known := make(map[narrowcast.ClientID]bool, len(l.clients))
	ids := make([]string, 0, len(l.clients))
	for _, c := range l.clients {
		known[c.ID] = true
		ids = append(ids, string(c.ID))
	}
	slices.Sort(ids)
	for _, d := range l.resources {
		unknown := func(at sy.Value, client narrowcast.ClientID) bool {
			if !known[client] {
				at.Fault("there is no client %q%s", client, sy.Suggest(string(client), ids))
			}
			return !known[client]
		}
		for _, ref := range slices.Concat(d.callers, d.verifiers, d.servers) {
			unknown(ref.at, ref.client)
		}
		for i, ref := range d.callers {
			l.checkGranted(d.Resource, d.Callers[i], ref)
			if next := d.Callers[i].MayAct; next != "" && !unknown(ref.mayAct, next) {
				checkMayAct(d.Resource, d.Callers[i], ref)
			}
		}
	}
}

// checkMayAct refuses a limit that nobody can meet.
func checkMayAct(r Resource, c Caller, ref reference) {
	switch {
	case c.MayAct == c.Client:
		ref.mayAct.Fault("is the caller itself; it cannot act for itself")
	case !slices.Contains(r.Servers, c.MayAct):
		ref.mayAct.Fault("%s is not among the servers of the resource, and nobody else may exchange its tokens", c.MayAct)
	}
}

func (l *loader) checkGranted(r Resource, c Caller, ref reference) {
	if r.Scopes.IsZero() {
		return // reported as missing
	}
	for token := range c.Scopes.Tokens() {
		if !r.Scopes.Has(token) {
			known := r.Scopes.String()
			ref.scopes.Fault("the resource knows no scope %q; it knows %s%s", token, known, sy.Suggest(token, strings.Fields(known)))
		}
	}
}
