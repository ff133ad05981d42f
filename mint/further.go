package mint

import (
	"slices"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// Bounds on what a verifier reads.
const (
	maxParty    = 256
	maxURI      = 512
	maxStatusAt = 1 << 32
)

// checkFurther looks at the claims that most letters do not have.
func (l *Letter) checkFurther(require func(ok bool, what string)) {
	require(l.Parent == "" || l.Lineage != "", "Lineage is required for a token with a Parent: the token at the root")
	require(l.Parent == "" || l.Parent != l.ID, "a token cannot be its own Parent")
	require(len(l.Actors) <= narrowcast.MaxActors, "Actors has more than "+strconv.Itoa(narrowcast.MaxActors)+" parties")
	for _, actor := range l.Actors {
		require(actor != "" && len(actor) <= maxParty, "an actor must have 1 to "+strconv.Itoa(maxParty)+" bytes")
	}
	require(len(l.MayAct) <= maxParty, "MayAct has more than "+strconv.Itoa(maxParty)+" bytes")
	if l.Details != "" {
		details, err := narrowcast.ParseDetails(l.Details)
		require(err == nil, "Details must be a JSON array of objects, each with a type")
		for _, d := range details {
			require(d.Type != narrowcast.RequestDetail || slices.ContainsFunc(d.Locations, l.Audience.Names),
				"Details has a request at another location: it would open nothing")
		}
	}
	require(l.Status.URI != "" || l.Status.Index == 0, "Status has an Index and no URI")
	require(len(l.Status.URI) <= maxURI && l.Status.Index < maxStatusAt, "Status has a URI or an Index that is too large")
}

// plain reports whether the letter has none of these claims.
func (l *Letter) plain() bool {
	return l.Parent == "" && len(l.Actors) == 0 && l.MayAct == "" && l.Details == "" && !l.SingleUse && l.Status == Status{}
}

// writeFurther writes them, each with a comma in front.
func (l *Letter) writeFurther(b *strings.Builder) {
	if l.Parent != "" {
		b.WriteString(`,"parent":` + quoted(string(l.Parent)))
	}
	if len(l.Actors) > 0 {
		b.WriteString(`,"act":` + chain(l.Actors))
	}
	if l.MayAct != "" {
		b.WriteString(`,"may_act":` + chain([]narrowcast.Subject{l.MayAct}))
	}
	if l.Details != "" {
		b.WriteString(`,"authorization_details":` + l.Details)
	}
	if l.SingleUse {
		b.WriteString(`,"single_use":true`)
	}
	if l.Status != (Status{}) {
		b.WriteString(`,"status":{"status_list":{"idx":` + strconv.FormatUint(l.Status.Index, 10) + `,"uri":` + quoted(l.Status.URI) + `}}`)
	}
}

// chain nests actors, the current one outermost (RFC 8693 section 4.1).
func chain(actors []narrowcast.Subject) string {
	var b strings.Builder
	for i, actor := range actors {
		if i > 0 {
			b.WriteString(`,"act":`)
		}
		b.WriteString(`{"sub":` + quoted(string(actor)))
	}
	b.WriteString(strings.Repeat("}", len(actors)))
	return b.String()
}
