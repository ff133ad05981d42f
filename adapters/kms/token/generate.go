package token

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// Generate makes a key pair in the token. It is destroyed again when the token
// would let the private half out.
func (t *Token) Generate(algorithm, label string) (key protocol.Key, err error) {
	if !slices.Contains(t.offers, algorithm) {
		return protocol.Key{}, protocol.Fail(protocol.Unsupported, "this token makes keys for %v", t.offers)
	}
	name := t.config.Prefix
	if label != "" {
		name += " " + label
	}
	err = t.with(func(s pkcs11.SessionHandle) error {
		id := newID()
		public, private, err := t.makePair(s, algorithm, name, id)
		if err != nil {
			return fmt.Errorf("making a key: %w", err)
		}
		if key, err = t.keepIn(s, private, id); err != nil {
			err = errors.Join(err, t.module.DestroyObject(s, private), t.module.DestroyObject(s, public))
		}
		return err
	})
	return key, err
}

func (t *Token) makePair(s pkcs11.SessionHandle, algorithm, label string, id []byte) (public, private pkcs11.ObjectHandle, err error) {
	is := pkcs11.NewAttribute
	both := []*pkcs11.Attribute{is(pkcs11.CKA_TOKEN, true), is(pkcs11.CKA_ID, id), is(pkcs11.CKA_LABEL, label)}
	mechanism, kind := recipe(algorithm, t.config.RSABits)
	forPublic := slices.Concat(both, kind, []*pkcs11.Attribute{is(pkcs11.CKA_VERIFY, true)})
	forPrivate := slices.Concat(both, []*pkcs11.Attribute{
		is(pkcs11.CKA_PRIVATE, true), is(pkcs11.CKA_SENSITIVE, true), is(pkcs11.CKA_EXTRACTABLE, false),
		is(pkcs11.CKA_SIGN, true), is(pkcs11.CKA_DECRYPT, false), is(pkcs11.CKA_UNWRAP, false),
	})
	if algorithm != "RS256" { // not every token has these for curves
		forPrivate = forPrivate[:len(forPrivate)-2]
	}
	return t.module.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, forPublic, forPrivate)
}

// recipe is the mechanism that makes a pair, and what its public half must say.
func recipe(algorithm string, bits int) (uint, []*pkcs11.Attribute) {
	is := pkcs11.NewAttribute
	switch algorithm {
	case "RS256":
		return pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, []*pkcs11.Attribute{
			is(pkcs11.CKA_MODULUS_BITS, bits), is(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}),
		}
	case "Ed25519":
		return ckmECEdwardsKeyPairGen, []*pkcs11.Attribute{ // 1.3.101.112, RFC 8410 section 3
			is(pkcs11.CKA_KEY_TYPE, ckkECEdwards), is(pkcs11.CKA_EC_PARAMS, []byte{0x06, 0x03, 0x2b, 0x65, 0x70}),
		}
	}
	return pkcs11.CKM_EC_KEY_PAIR_GEN, []*pkcs11.Attribute{ // 1.2.840.10045.3.1.7, RFC 5480 section 2.1.1.1
		is(pkcs11.CKA_EC_PARAMS, []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}),
	}
}

// keepIn checks what the token made of the wish that the key never leaves it.
func (t *Token) keepIn(s pkcs11.SessionHandle, private pkcs11.ObjectHandle, id []byte) (protocol.Key, error) {
	v, err := t.values(s, private, pkcs11.CKA_SENSITIVE, pkcs11.CKA_EXTRACTABLE)
	if err != nil {
		return protocol.Key{}, err
	}
	if !slices.Equal(v[0], []byte{1}) || !slices.Equal(v[1], []byte{0}) {
		return protocol.Key{}, errors.New("the token made a key that can be taken out")
	}
	key, err := t.describe(s, hex.EncodeToString(id), id)
	if err == nil {
		t.remember(object{private, key})
	}
	return key, err
}
