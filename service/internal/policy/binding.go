package policy

import "strings"

// Sender says whether tokens of a door are bound to a key of their sender.
type Sender string

// The ways. An empty one is Preferred.
const (
	Required  Sender = "required"  // no token without a key
	Preferred Sender = "preferred" // bound when the sender proves a key, else a bearer token
	Bearer    Sender = "bearer"    // never bound: the resource server cannot check it
)

// Binding is what a door demands of the senders of its tokens.
type Binding struct {
	Sender Sender
	DPoP   bool // a proof of possession counts (RFC 9449)
	MTLS   bool // the certificate of the connection counts (RFC 8705 section 3)
}

// String says what is demanded, for people.
func (b Binding) String() string {
	ways := strings.Join(b.Ways(), " or ")
	switch {
	case b.Sender == Required:
		return "required: " + ways
	case b.binds():
		return "preferred: " + ways
	}
	return "bearer"
}

// Ways lists what a token may be bound by: dpop, mtls.
func (b Binding) Ways() (ways []string) {
	if b.Sender == Bearer {
		return nil
	}
	if b.DPoP {
		ways = append(ways, "dpop")
	}
	if b.MTLS {
		ways = append(ways, "mtls")
	}
	return ways
}

func (b Binding) binds() bool { return b.Sender != Bearer && (b.DPoP || b.MTLS) }

// Looser reports whether b lets a sender present a token in a way that was
// demanded less before.
func (b Binding) Looser(was Binding) bool {
	if was.Sender != Required {
		return b.Sender != Required && (was.DPoP && !b.DPoP || was.MTLS && !b.MTLS || was.binds() && !b.binds())
	}
	return b.Sender != Required || b.DPoP && !was.DPoP || b.MTLS && !was.MTLS
}

// Shown are the keys that a sender proved.
type Shown struct{ DPoP, MTLS bool }

// bind chooses what a token is bound to. A proof of possession goes before the
// certificate: it was made for this request, and it outlives the connection.
func (b Binding) bind(shown Shown) Shown {
	switch {
	case b.Sender == Bearer:
		return Shown{}
	case b.DPoP && shown.DPoP:
		return Shown{DPoP: true}
	case b.MTLS && shown.MTLS:
		return Shown{MTLS: true}
	}
	return Shown{}
}
