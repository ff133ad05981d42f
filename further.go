package narrowcast

import "github.com/narrowcast-io/narrowcast/internal/strictjson"

// further are the claims that most tokens do not have. They lie behind a pointer,
// so that a plain token carries no room for them.
type further struct {
	parent, mayAct string
	actors         []Subject // of act, the current one first
	statusList     string
	statusAt       uint64
	singleUse      bool
	requests       []requestDetail // the details that describe a request; any of them may
}

// read reads one of these claims and reports whether it has the right form.
func (f *further) read(name string, v strictjson.Value) (ok bool) {
	switch name {
	case "parent":
		f.parent, ok = v.Text()
	case "act":
		f.actors, ok = readActors(v)
	case "may_act":
		var who party
		ok = who.read(v) && who.before.Kind() == strictjson.Absent
		f.mayAct = who.name
	case "single_use":
		f.singleUse, ok = v.True(), v.Kind() == strictjson.Bool
	case "status":
		ok = f.readStatus(v)
	case "authorization_details":
		f.requests, ok = readDetails(v)
	}
	return ok
}

// party is one object of act or may_act. Both know no member but sub, and act
// itself: whoever is named by more than that is not named by sub alone (RFC 8693
// section 4.1), and to read only sub would be to take one party for another.
type party struct {
	name   string
	before strictjson.Value // act
}

func (p *party) read(v strictjson.Value) bool {
	known := true
	err := v.Object(func(name string, v strictjson.Value) error {
		switch name {
		case "sub":
			p.name = onlyText(v)
		case "act":
			p.before = v
		default:
			known = false
		}
		return nil
	})
	return err == nil && known && p.name != "" && len(p.name) <= maxName
}

// onlyText returns a string, and "" for a value of another kind: the text of a
// number is no name.
func onlyText(v strictjson.Value) string {
	if s, ok := v.Text(); ok {
		return s
	}
	return ""
}

// readActors walks from the current actor to the first one.
func readActors(v strictjson.Value) ([]Subject, bool) {
	var all []Subject
	for v.Kind() != strictjson.Absent {
		var p party
		if len(all) == MaxActors || !p.read(v) {
			return nil, false
		}
		all = append(all, Subject(p.name))
		v = p.before
	}
	return all, true
}

// maxStatusAt bounds the place in a status list: the list of every token of a
// large house is far shorter.
const maxStatusAt = 1 << 32

// readStatus reads a place in a status list (draft-ietf-oauth-status-list section
// 6). Another mechanism beside it would say something that nobody here asks.
func (f *further) readStatus(v strictjson.Value) bool {
	var list strictjson.Value
	only := true
	err := v.Object(func(name string, v strictjson.Value) error {
		only = only && name == "status_list"
		list = v
		return nil
	})
	if err != nil || !only {
		return false
	}
	uri, at, placed := "", uint64(0), false
	err = list.Object(func(name string, v strictjson.Value) error {
		switch name {
		case "uri":
			uri = onlyText(v)
		case "idx":
			at, placed = index(v)
		default:
			only = false
		}
		return nil
	})
	if err != nil || !only || !placed || uri == "" || len(uri) > maxIdentifier {
		return false
	}
	f.statusList, f.statusAt = uri, at
	return true
}

// index reads a whole number that is not negative, in the one way to write it.
func index(v strictjson.Value) (n uint64, ok bool) {
	if v.Kind() != strictjson.Number {
		return 0, false
	}
	for _, c := range []byte(v.Raw()) {
		if c < '0' || c > '9' || n >= maxStatusAt {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n < maxStatusAt
}
