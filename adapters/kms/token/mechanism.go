package token

import (
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"

	"github.com/miekg/pkcs11"
)

// PKCS #11 3.0 added Edwards curves; the binding knows version 2.40.
const (
	ckkECEdwards           = 0x40
	ckmECEdwardsKeyPairGen = 0x1055
	ckmEdDSA               = 0x1057
)

// offered are the algorithms that a token with these mechanisms can be used for.
func offered(mechanisms []*pkcs11.Mechanism) []string {
	has := func(all ...uint) bool {
		for _, m := range all {
			if !slices.ContainsFunc(mechanisms, func(x *pkcs11.Mechanism) bool { return x.Mechanism == m }) {
				return false
			}
		}
		return true
	}
	var names []string
	if has(pkcs11.CKM_EC_KEY_PAIR_GEN, pkcs11.CKM_ECDSA) {
		names = append(names, "ES256")
	}
	if has(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN, pkcs11.CKM_RSA_PKCS) {
		names = append(names, "RS256")
	}
	if has(ckmECEdwardsKeyPairGen, ckmEdDSA) {
		names = append(names, "Ed25519")
	}
	return names
}

// prepared turns what is to be signed into what the mechanism takes.
func prepared(algorithm string, input []byte) (uint, []byte) {
	switch algorithm {
	case "RS256":
		// RFC 8017 section 9.2 note 1: the DigestInfo of SHA-256 up to the digest.
		prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
		return pkcs11.CKM_RSA_PKCS, append(prefix, input...)
	case "Ed25519":
		return ckmEdDSA, input
	}
	return pkcs11.CKM_ECDSA, input
}

// finished turns what the token returned into what the protocol says: for ECDSA
// r and s side by side into ASN.1.
func finished(algorithm string, raw []byte) ([]byte, error) {
	if algorithm != "ES256" {
		return raw, nil
	}
	if len(raw) != 64 {
		return nil, errors.New("the token returned an ECDSA signature of another length")
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
}
