package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// describe reads the public half with the same id.
func (t *Token) describe(s pkcs11.SessionHandle, name string, id []byte) (protocol.Key, error) {
	handles, err := t.search(s, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	})
	if err != nil {
		return protocol.Key{}, err
	}
	if len(handles) != 1 {
		return protocol.Key{}, fmt.Errorf("key %s has %d public halves in the token", name, len(handles))
	}
	algorithm, public, err := t.public(s, handles[0])
	if err != nil {
		return protocol.Key{}, fmt.Errorf("reading the public half of key %s: %w", name, err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	return protocol.Key{Name: name, Algorithm: algorithm, Public: der}, err
}

func (t *Token) public(s pkcs11.SessionHandle, h pkcs11.ObjectHandle) (string, any, error) {
	kind, err := t.values(s, h, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return "", nil, err
	}
	switch number(kind[0]) {
	case pkcs11.CKK_RSA:
		v, err := t.values(s, h, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
		if err != nil {
			return "", nil, err
		}
		return "RS256", &rsa.PublicKey{N: new(big.Int).SetBytes(v[0]), E: int(new(big.Int).SetBytes(v[1]).Int64())}, nil
	case pkcs11.CKK_EC:
		p, err := t.point(s, h)
		if err != nil {
			return "", nil, err
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), p)
		return "ES256", key, err
	case ckkECEdwards:
		p, err := t.point(s, h)
		if err == nil && len(p) != ed25519.PublicKeySize {
			err = errors.New("it is not on the curve of Ed25519")
		}
		return "Ed25519", ed25519.PublicKey(p), err
	}
	return "", nil, errors.New("it is of a kind that is not used here")
}

// point reads CKA_EC_POINT, an octet string in DER (PKCS #11 section 6.3.3).
func (t *Token) point(s pkcs11.SessionHandle, h pkcs11.ObjectHandle) ([]byte, error) {
	v, err := t.values(s, h, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	var p []byte
	if rest, err := asn1.Unmarshal(v[0], &p); err != nil || len(rest) > 0 {
		return nil, errors.New("its point is not an octet string")
	}
	return p, nil
}

func (t *Token) values(s pkcs11.SessionHandle, h pkcs11.ObjectHandle, kinds ...uint) ([][]byte, error) {
	template := make([]*pkcs11.Attribute, len(kinds))
	for i, kind := range kinds {
		template[i] = pkcs11.NewAttribute(kind, nil)
	}
	got, err := t.module.GetAttributeValue(s, h, template)
	if err != nil || len(got) != len(kinds) {
		return nil, errors.Join(errors.New("an attribute is missing"), err)
	}
	values := make([][]byte, len(got))
	for i := range got {
		values[i] = got[i].Value
	}
	return values, nil
}

// number reads a CK_ULONG, which has the byte order of the machine.
func number(value []byte) uint64 {
	switch len(value) {
	case 4:
		return uint64(binary.NativeEndian.Uint32(value))
	case 8:
		return binary.NativeEndian.Uint64(value)
	}
	return ^uint64(0)
}
