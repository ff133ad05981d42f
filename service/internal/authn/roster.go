package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/registry"
)

// Methods of authentication, by their registered names (RFC 8414 section 2).
const (
	PrivateKeyJWT     = "private_key_jwt"
	ClientSecretBasic = "client_secret_basic" // the weaker choice: the secret travels
)

// maxAssertionLife bounds the life of a client assertion.
const maxAssertionLife = 5 * time.Minute

// roster is what one registry snapshot says about proofs of identity.
type roster struct {
	source   Clients
	verifier *narrowcast.Verifier  // nil when no client has keys
	foreign  map[string]*foreigner // by issuer identifier
	clients  map[narrowcast.ClientID]*registry.Client
	secrets  map[narrowcast.ClientID][]phc
	dummy    phc               // the work done for clients that do not exist
	tries    int               // how many hashes a wrong secret costs: the most that one client has
	faults   map[string]string // client id to what is wrong with its entry
}

// roster returns the roster of the snapshot in force, made once per snapshot.
func (a *Authenticator) roster() (*roster, error) {
	source := a.config.Clients()
	if source == nil {
		return nil, errors.New("no registry revision is in force")
	}
	a.mu.RLock()
	held := a.held
	a.mu.RUnlock()
	if held != nil && held.source == source {
		return held, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held != nil && a.held.source == source {
		return a.held, nil
	}
	made, err := a.enrol(source)
	if err != nil {
		return nil, err
	}
	a.held = made
	return made, nil
}

func (a *Authenticator) enrol(source Clients) (*roster, error) {
	r := &roster{
		source: source, clients: map[narrowcast.ClientID]*registry.Client{},
		secrets: map[narrowcast.ClientID][]phc{}, faults: map[string]string{}, foreign: map[string]*foreigner{},
	}
	if err := r.enrolForeigners(a, source); err != nil {
		return nil, fmt.Errorf("reading the issuers of the registry: %w", err)
	}
	var issuers []narrowcast.TrustedIssuer
	var algorithms []narrowcast.Algorithm
	for _, client := range source.Clients() {
		r.clients[client.ID] = &client
		r.enrolSecrets(&client)
		r.enrolWorkloads(&client)
		keys := keysOf(&client)
		if len(keys) == 0 {
			continue
		}
		// A client assertion is its client's own token: its iss is the client id.
		id, err := narrowcast.ParseIssuer(string(client.ID))
		if err != nil {
			r.faults[string(client.ID)] = "a client id of this form cannot use private_key_jwt: " + err.Error()
			continue
		}
		issuers = append(issuers, narrowcast.TrustedIssuer{Issuer: id, Keys: keys, Class: narrowcast.ClientAssertion})
		for _, key := range keys {
			algorithms = append(algorithms, key.Algorithm())
		}
	}
	for _, f := range r.foreign {
		f.indexRules()
	}
	r.dummy, r.tries = r.likeMost(), 1
	for _, hashes := range r.secrets {
		r.tries = max(r.tries, len(hashes))
	}
	if len(issuers) == 0 {
		return r, nil
	}
	slices.Sort(algorithms)
	v, err := narrowcast.NewVerifier(narrowcast.Config{
		Audience: a.audience, Issuers: issuers, Algorithms: slices.Compact(algorithms),
		Now: a.config.Now, MaxLifetime: maxAssertionLife, Skew: a.config.Skew,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the clients of the registry: %w", err)
	}
	r.verifier = v
	return r, nil
}

// keyring are the keys of one client.
type keyring map[narrowcast.KeyID]narrowcast.Key

// Key finds a key by its id.
func (k keyring) Key(_ context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	key, ok := k[id]
	if !ok {
		return narrowcast.Key{}, narrowcast.ErrKeyUnknown
	}
	return key, nil
}

func keysOf(client *registry.Client) keyring {
	keys := keyring{}
	for _, credential := range client.Authenticate {
		if credential.Kind != PrivateKeyJWT {
			continue
		}
		for _, key := range credential.Keys {
			keys[key.ID()] = key
		}
	}
	return keys
}

func (r *roster) enrolSecrets(client *registry.Client) {
	for _, credential := range client.Authenticate {
		if credential.Kind != ClientSecretBasic {
			continue
		}
		hash, err := parsePHC(credential.Secret)
		if err != nil {
			r.faults[string(client.ID)] = credential.Position + ": " + err.Error()
			continue
		}
		if len(r.secrets[client.ID]) < maxSecrets {
			r.secrets[client.ID] = append(r.secrets[client.ID], hash)
		}
	}
}

// maxSecrets is how many secrets of one client are tried: the old and the new
// one of a rotation.
const maxSecrets = 2

// likeMost is a hash of no known secret that asks for the work that most hashes
// of the registry ask for, the dearer one when two are as common.
func (r *roster) likeMost() phc {
	type work struct {
		memory, passes uint32
		lanes          uint8
	}
	count := map[work]int{}
	dummy, most := defaultPHC(), 0
	for _, hashes := range r.secrets {
		for _, h := range hashes {
			w := work{h.memory, h.passes, h.lanes}
			count[w]++
			if n := count[w]; n > most || n == most && h.cost() > dummy.cost() {
				most = n
				dummy.memory, dummy.passes, dummy.lanes = w.memory, w.passes, w.lanes
			}
		}
	}
	return dummy
}
