package registry

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Load reads the files of a registry, as [ReadDir] or the store gives them, and
// checks everything: each file, what they say together and whatever refers to
// something. The error names every fault with its place.
func Load(files map[string][]byte) (*Snapshot, error) {
	l := &loader{files: files, keyOwners: map[string]sy.Value{}}
	read := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".yaml" {
			l.readFile(name, files[name])
			read++
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("registry: there is no .yaml file")
	}
	l.refusePrivateKeys()
	l.checkTogether()
	if err := l.report.Err(); err != nil {
		return nil, fmt.Errorf("registry:\n%w", err)
	}
	return l.snapshot()
}

// loader gathers what the files say before anything is concluded from it.
type loader struct {
	files     map[string][]byte
	report    sy.Report
	resources []draftResource
	clients   []draftClient
	issuers   []draftIssuer
	keyOwners map[string]sy.Value // by thumbprint: where the key was given first
}

// A draft is what was read, with the places that later faults point at.
type draftResource struct {
	Resource
	at, id, name sy.Value
	callers      []reference
	verifiers    []reference
	servers      []reference
	aliases      []sy.Value
}

type draftClient struct {
	Client
	id          sy.Value
	credentials []draftCredential // one for each of Authenticate
}

// draftCredential keeps where a credential says what must be looked at together
// with other entries.
type draftCredential struct {
	at     sy.Value
	issuer sy.Value   // of token: where the issuer is named
	claims []sy.Value // of token: one for each claim of the rule
	thumbs []sy.Value // of self_signed_tls_client_auth
	// account: the rule was written as that of a Kubernetes service account.
	account bool
	unread  bool // a claim could not be read, which was reported
}

type draftIssuer struct {
	Issuer
	id sy.Value
}

// reference is the name of a client at a place that is not its own entry.
type reference struct {
	client narrowcast.ClientID
	at     sy.Value
	scopes sy.Value
	mayAct sy.Value
}

// MaxIssuers bounds the foreign issuers of a registry: a running issuer keeps a
// source open for each.
const MaxIssuers = 1000

// Bounds on the lists of one file.
const (
	maxEntries = 10_000
	maxShort   = 64
)

func (l *loader) readFile(name string, text []byte) {
	top, ok := sy.Read(&l.report, sy.Source{Name: name, Text: text})
	if !ok {
		return
	}
	section := func(name string, read func(sy.Value)) sy.Field {
		return sy.Field{Name: name, Read: func(v sy.Value) { v.List(0, maxEntries, read) }}
	}
	top.Object(
		section("resources", l.readResource),
		section("clients", l.readClient),
		section("issuers", l.readIssuer),
	)
}

func place(v sy.Value) string {
	at := v.Position()
	at.Column = 0
	return at.String()
}

func set[T any](into *T, read func(sy.Value) (T, bool)) func(sy.Value) {
	return func(v sy.Value) { *into, _ = read(v) }
}

func parsed[T any](into *T, parse func(string) (T, error)) func(sy.Value) {
	return set(into, func(v sy.Value) (T, bool) { return sy.Parsed(v, parse) })
}
