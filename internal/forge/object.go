package forge

import (
	"encoding/json"
	"strconv"
	"strings"
)

// object is a JSON object in the making. It keeps its order and, unlike every
// encoder, can hold the same name twice.
type object []member

// member has a name as it stands between quotes, and a value as JSON text.
type member struct{ name, value string }

// set replaces the value of a member, or adds one.
func (o *object) set(name, value string) {
	for i := range *o {
		if (*o)[i].name == name {
			(*o)[i].value = value
			return
		}
	}
	o.add(name, value)
}

// add appends a member even when there is one with this name.
func (o *object) add(name, value string) { *o = append(*o, member{name, value}) }

// drop removes a member.
func (o *object) drop(name string) {
	kept := (*o)[:0]
	for _, m := range *o {
		if m.name != name {
			kept = append(kept, m)
		}
	}
	*o = kept
}

func (o object) get(name string) string {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return ""
}

func (o object) text() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + m.name + `":` + m.value)
	}
	b.WriteByte('}')
	return b.String()
}

// quoted writes a JSON string.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

func list(values ...string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = quoted(v)
	}
	return "[" + strings.Join(texts, ",") + "]"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
