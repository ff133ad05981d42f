package token

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/pkcs11"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// object is a private key and what is told of it.
type object struct {
	handle pkcs11.ObjectHandle
	key    protocol.Key
}

// maxKnown bounds what is remembered, and maxObjects what is looked through.
const (
	maxKnown   = 256
	maxObjects = 10_000
)

// Offers returns the algorithms that the token has mechanisms for.
func (t *Token) Offers() ([]string, error) { return t.offers, nil }

// Sign signs with a key of the token.
func (t *Token) Sign(name, algorithm string, input []byte) (signature []byte, err error) {
	err = t.with(func(s pkcs11.SessionHandle) error {
		o, err := t.object(s, name)
		if err != nil {
			return err
		}
		if o.key.Algorithm != algorithm {
			return protocol.Fail(protocol.UnknownKey, "the key is not for this algorithm")
		}
		mechanism, prepared := prepared(algorithm, input)
		if err := t.module.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, o.handle); err != nil {
			t.forget(name)
			return fmt.Errorf("beginning a signature: %w", err)
		}
		raw, err := t.module.Sign(s, prepared)
		if err != nil {
			return fmt.Errorf("signing: %w", err)
		}
		signature, err = finished(algorithm, raw)
		return err
	})
	return signature, err
}

// Find describes a key.
func (t *Token) Find(name string) (key protocol.Key, err error) {
	err = t.with(func(s pkcs11.SessionHandle) error {
		o, err := t.object(s, name)
		key = o.key
		return err
	})
	return key, err
}

// List returns keys in order of their names.
func (t *Token) List(after string) (keys []protocol.Key, more bool, err error) {
	err = t.with(func(s pkcs11.SessionHandle) error {
		names, err := t.names(s)
		if err != nil {
			return err
		}
		first, exact := slices.BinarySearch(names, after)
		if exact {
			first++
		}
		page := names[first:]
		page = page[:min(len(page), protocol.PageKeys)]
		more = first+len(page) < len(names)
		for _, name := range page {
			o, err := t.object(s, name)
			if err != nil {
				return err
			}
			keys = append(keys, o.key)
		}
		return nil
	})
	return keys, more, err
}

// names are those of all private keys with our label, sorted.
func (t *Token) names(s pkcs11.SessionHandle) ([]string, error) {
	handles, err := t.search(s, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, h := range handles {
		id, ours, err := t.identity(s, h)
		if err != nil {
			return nil, err
		}
		if ours {
			names = append(names, hex.EncodeToString(id))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// identity returns the id of an object, and whether its label is one of ours.
func (t *Token) identity(s pkcs11.SessionHandle, h pkcs11.ObjectHandle) (id []byte, ours bool, err error) {
	got, err := t.module.GetAttributeValue(s, h, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_ID, nil), pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil),
	})
	if err != nil || len(got) != 2 {
		return nil, false, errors.Join(errors.New("reading the name of a key"), err)
	}
	label := string(got[1].Value)
	ours = label == t.config.Prefix || strings.HasPrefix(label, t.config.Prefix+" ")
	return got[0].Value, ours && len(got[0].Value) == idBytes, nil
}

func (t *Token) search(s pkcs11.SessionHandle, template []*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := t.module.FindObjectsInit(s, template); err != nil {
		return nil, fmt.Errorf("searching for keys: %w", err)
	}
	handles, _, err := t.module.FindObjects(s, maxObjects)
	if err = errors.Join(err, t.module.FindObjectsFinal(s)); err != nil {
		return nil, fmt.Errorf("searching for keys: %w", err)
	}
	return handles, nil
}

// object finds a private key by its name, which is its id in hexadecimal.
func (t *Token) object(s pkcs11.SessionHandle, name string) (object, error) {
	t.lock.Lock()
	o, ok := t.known[name]
	t.lock.Unlock()
	if ok {
		return o, nil
	}
	unknown := protocol.Fail(protocol.UnknownKey, "no key has this name and the label %q", t.config.Prefix)
	id, err := hex.DecodeString(name)
	if err != nil || len(id) != idBytes || hex.EncodeToString(id) != name {
		return object{}, unknown
	}
	handles, err := t.search(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	})
	if err != nil {
		return object{}, err
	}
	if len(handles) != 1 {
		return object{}, unknown
	}
	if _, ours, err := t.identity(s, handles[0]); err != nil || !ours {
		return object{}, errors.Join(err, unknown)
	}
	key, err := t.describe(s, name, id)
	if err != nil {
		return object{}, err
	}
	return t.remember(object{handles[0], key}), nil
}

func (t *Token) remember(o object) object {
	t.lock.Lock()
	defer t.lock.Unlock()
	if len(t.known) >= maxKnown {
		clear(t.known)
	}
	t.known[o.key.Name] = o
	return o
}

func (t *Token) forget(name string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	delete(t.known, name)
}

const idBytes = 16

func newID() []byte {
	id := make([]byte, idBytes)
	_, _ = rand.Read(id) // never returns an error
	return id
}
