package registry

import (
	"path"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

func (l *loader) readClient(v sy.Value) {
	var d draftClient
	d.Position = place(v)
	v.Object(
		sy.Field{Name: "id", Required: true, Read: func(v sy.Value) { d.id = v; parsed(&d.ID, parseClientID)(v) }},
		sy.Field{Name: "owner", Required: true, Read: parsed(&d.Owner, parseLabel)},
		sy.Field{Name: "kind", Required: true, Read: set(&d.Kind, func(v sy.Value) (string, bool) {
			return sy.OneOf(v, Workload, Job, Agent, Service, Admin)
		})},
		sy.Field{Name: "disabled", Read: set(&d.Disabled, sy.Value.Bool)},
		sy.Field{Name: "authenticate", Required: true, Read: func(v sy.Value) {
			v.List(1, maxShort, func(v sy.Value) {
				if c, ok := l.readCredential(v.Secret()); ok {
					d.Authenticate = append(d.Authenticate, c)
				}
			})
		}},
	)
	if d.ID != "" {
		checkKeyIDs(d)
		l.clients = append(l.clients, d)
	}
}

// readCredential reads one way to authenticate. Everything in it is treated as
// secret: the commonest mistake is to put the wrong half here.
func (l *loader) readCredential(v sy.Value) (c Credential, ok bool) {
	c.Position = place(v)
	methods := 0
	method := func(name string, read func(sy.Value)) sy.Field {
		return sy.Field{Name: name, Read: func(v sy.Value) {
			methods++
			c.Kind = name
			read(v)
		}}
	}
	read := v.Object(
		method(PrivateKeyJWT, func(v sy.Value) { c.Keys = l.readKeys(v) }),
		method(ClientSecretBasic, func(v sy.Value) {
			v.Object(sy.Field{Name: "argon2id", Required: true, Read: func(v sy.Value) {
				if c.Secret, ok = v.Text(); ok {
					checkArgon2id(v, c.Secret)
				}
			}})
		}),
	)
	if read && methods != 1 {
		v.Fault("must name exactly one method: %s or %s", PrivateKeyJWT, ClientSecretBasic)
	}
	return c, read && methods == 1
}

func (l *loader) readKeys(v sy.Value) (keys []narrowcast.Key) {
	sources := 0
	read := v.Object(
		sy.Field{Name: "jwks", Read: func(v sy.Value) { sources++; keys = l.readSet(v, v) }},
		sy.Field{Name: "jwks_file", Read: func(v sy.Value) { sources++; keys = l.readKeyFile(v) }},
	)
	if read && sources != 1 {
		v.Fault("must have either jwks or jwks_file")
	}
	return keys
}

// readKeyFile reads a key set from a file of the registry. The file is part of
// the revision, so that history can be read again.
func (l *loader) readKeyFile(v sy.Value) []narrowcast.Key {
	name, ok := v.Text()
	if !ok {
		return nil
	}
	if path.IsAbs(name) || name != path.Clean(name) || name == ".." || len(name) > 2 && name[:3] == "../" {
		v.Fault("must be a path inside the registry directory, without . and ..")
		return nil
	}
	text, here := l.files[name]
	switch {
	case path.Ext(name) != ".json":
		v.Fault("must name a .json file; no other file of the registry holds keys")
		return nil
	case !here:
		v.Fault("there is no file %s in the registry directory", name)
		return nil
	}
	top, ok := sy.Read(&l.report, sy.Source{Name: name, Text: text, Secret: true})
	if !ok {
		return nil
	}
	return l.readSet(top, v)
}

// checkKeyIDs refuses two keys of one client with the same id: an assertion
// names its key by the id alone.
func checkKeyIDs(d draftClient) {
	seen := map[narrowcast.KeyID]bool{}
	for _, c := range d.Authenticate {
		for _, key := range c.Keys {
			if seen[key.ID()] {
				d.id.Fault("two keys of this client have the kid %q", key.ID())
			}
			seen[key.ID()] = true
		}
	}
}
