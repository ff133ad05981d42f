package narrowcast

import "github.com/narrowcast-io/narrowcast/internal/jose"

// speaker finds the issuer whose keys count for a token: the one that iss names,
// or, for a SPIFFE ID in sub, its trust domain. For such a subject no other
// issuer's word counts unless its tokens have a type of their own, and a trust
// domain has no word about anybody else (JWT-SVID section 3.1, SPIFFE-ID section
// 2.1).
func (v *Verifier) speaker(c *claims) *trusted {
	named := v.issuers[c.issuer]
	if named != nil && named.Class != JWTSVID {
		if named.Class == DangerouslyUntyped && claimsSPIFFE(c.subject) {
			return nil
		}
		return named
	}
	if !claimsSPIFFE(c.subject) {
		return nil
	}
	id, err := parseSPIFFEID(c.subject)
	if err != nil || claimsSPIFFE(c.issuer) && c.issuer != id.Issuer().text {
		return nil
	}
	if domain := v.issuers[id.Issuer().text]; domain != nil && domain.Class == JWTSVID {
		return domain
	}
	return nil
}

// unknown says why an issuer that is trusted does not count.
func (v *Verifier) unknown(c *claims) *Rejection {
	rej := reject(IssuerUnknown)
	if v.issuers[c.issuer] != nil {
		rej.Detail = "iss and sub do not belong together: only its trust domain speaks for a SPIFFE ID"
	}
	return rej
}

// maxForeignKeys bounds the work spent on naming the issuer that really signed.
const maxForeignKeys = 4

// foreignKey tells a token signed by another trusted issuer's key from plain
// noise. It asks only for keys that are in memory already.
func (v *Verifier) foreignKey(by *trusted, c *claims, otherwise Reason) *Rejection {
	tried := 0
	for _, id := range v.ordered {
		peeker, can := v.issuers[id.text].Keys.(KeyPeeker)
		if !can || id == by.Issuer {
			continue
		}
		key, held := peeker.Peek(KeyID(c.kid))
		if !held {
			continue
		}
		if tried++; tried > maxForeignKeys {
			break
		}
		alg, _ := jose.Known(c.alg)
		if jose.Verify(alg, key.public, c.input, c.signature) == nil {
			return &Rejection{Reason: IssuerKeyMismatch, Detail: "signed by a key of " + id.text}
		}
	}
	return reject(otherwise)
}
