package registry

import (
	"path"
	"strings"

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
				if c, draft, ok := l.readCredential(v.Secret()); ok {
					d.Authenticate, d.credentials = append(d.Authenticate, c), append(d.credentials, draft)
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
func (l *loader) readCredential(v sy.Value) (c Credential, d draftCredential, ok bool) {
	c.Position, d.at = place(v), v
	methods, complete := 0, true
	var names []string
	method := func(name, kind string, read func(sy.Value) bool) sy.Field {
		names = append(names, name)
		return sy.Field{Name: name, Read: func(v sy.Value) {
			methods++
			c.Kind = kind
			complete = read(v) && complete
		}}
	}
	read := v.Object(
		method(PrivateKeyJWT, PrivateKeyJWT, func(v sy.Value) bool { c.Keys = l.readKeys(v); return true }),
		method(ClientSecretBasic, ClientSecretBasic, func(v sy.Value) bool { c.readSecret(v); return true }),
		method(SPIFFE, SPIFFE, func(v sy.Value) bool { return c.readSPIFFE(v) }),
		method(TLSClientAuth, TLSClientAuth, func(v sy.Value) bool { return l.readCertificateRule(&c, v) }),
		method(SelfSignedTLS, SelfSignedTLS, func(v sy.Value) bool { return l.readThumbprints(&c, &d, v) }),
		method(Federated, Federated, func(v sy.Value) bool { return c.readToken(&d, v) }),
		method("kubernetes", Federated, func(v sy.Value) bool { return c.readServiceAccount(&d, v) }),
	)
	if read && methods != 1 {
		v.Fault("must name exactly one method: %s or %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
	}
	return c, d, read && methods == 1 && complete
}

func (c *Credential) readSecret(v sy.Value) {
	v.Object(sy.Field{Name: "argon2id", Required: true, Read: func(v sy.Value) {
		var ok bool
		if c.Secret, ok = v.Text(); ok {
			checkArgon2id(v, c.Secret)
		}
	}})
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

// readKeyFile reads a key set from a file of the registry.
func (l *loader) readKeyFile(v sy.Value) []narrowcast.Key {
	name, text, ok := l.file(v, ".json")
	if !ok {
		return nil
	}
	top, ok := sy.Read(&l.report, sy.Source{Name: name, Text: text, Secret: true})
	if !ok {
		return nil
	}
	return l.readSet(top, v)
}

// file finds the file that v names. It is part of the revision, so that history
// can be read again.
func (l *loader) file(v sy.Value, ending string) (name string, text []byte, ok bool) {
	if name, ok = v.Text(); !ok {
		return "", nil, false
	}
	if path.IsAbs(name) || name != path.Clean(name) || name == ".." || strings.HasPrefix(name, "../") {
		v.Fault("must be a path inside the registry directory, without . and ..")
		return "", nil, false
	}
	text, here := l.files[name]
	switch {
	case path.Ext(name) != ending:
		v.Fault("must name a %s file; no other file of the registry holds %s", ending, map[string]string{".json": "keys", ".pem": "certificates"}[ending])
		return "", nil, false
	case !here:
		v.Fault("there is no file %s in the registry directory", name)
		return "", nil, false
	}
	return name, text, true
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
