package forge

import "github.com/narrowcast-io/narrowcast"

// provedKey is the thumbprint of the key whose proof comes along under Proof (RFC
// 9449 section 6.1).
const provedKey = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// senders are tokens that are bound to somebody, shown without the proof. A
// binding that is ignored turns a bound token into a bearer token.
func senders() []wrong {
	const dpop, mtls, cnf = "RFC 9449 §7.2", "RFC 8705 §3", "RFC 7800 §3"
	const thumbprint, other = provedKey, "9-0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uig4I"
	mismatch, downgrade, malformed := narrowcast.SenderMismatch, narrowcast.Downgrade, narrowcast.ClaimMalformed
	return []wrong{
		bad("sender.key-as-bearer", "bound to a key, shown without proof", downgrade, dpop, claim("cnf", `{"jkt":"`+thumbprint+`"}`)),
		bad("sender.certificate-as-bearer", "bound to a certificate, shown without one", downgrade, mtls, claim("cnf", `{"x5t#S256":"`+thumbprint+`"}`)),
		bad("sender.empty-thumbprint", "bound to a certificate with no thumbprint", downgrade, mtls, claim("cnf", `{"x5t#S256":""}`)),
		bad("sender.unknown-member", "bound in a way that is not understood", mismatch, cnf, claim("cnf", `{"zkp":"proof"}`)).strict(),
		bad("sender.embedded-key", "bound to a key that stands in the token", mismatch, "RFC 7800 §3.2", claim("cnf", `{"jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}`)).strict(),
		bad("sender.empty", "the confirmation is an empty object", malformed, cnf, claim("cnf", "{}")).strict(),
		bad("sender.null", "the confirmation is null", malformed, cnf, claim("cnf", "null")).strict(),
		bad("sender.string", "the confirmation is a string", malformed, cnf, claim("cnf", `"`+thumbprint+`"`)).strict(),
		bad("sender.number-thumbprint", "the thumbprint is a number", malformed, dpop, claim("cnf", `{"jkt":1}`)).strict(),
		bad("sender.other-certificate", "bound to another certificate than the one shown", mismatch, mtls, claim("cnf", `{"x5t#S256":"`+thumbprint+`"}`), Certificate),
		bad("sender.no-thumbprint", "a certificate is shown and the thumbprint is empty", mismatch, mtls, claim("cnf", `{"x5t#S256":""}`), Certificate),
		bad("sender.certificate-and-unknown", "the certificate fits and another binding is not understood", mismatch, cnf, edit(func(l *letter) {
			l.payload.set("cnf", `{"x5t#S256":`+quoted(l.w.Certificate)+`,"zkp":"proof"}`)
		}), Certificate).strict(),
		bad("sender.certificate-and-key", "the certificate fits and a key is not proved", downgrade, dpop, edit(func(l *letter) {
			l.payload.set("cnf", `{"x5t#S256":`+quoted(l.w.Certificate)+`,"jkt":"`+thumbprint+`"}`)
		}), Certificate),
		bad("sender.other-key", "bound to another key than the one that is proved", mismatch, dpop, claim("cnf", `{"jkt":"`+other+`"}`), Proof),
		bad("sender.proof-for-nobody", "a proof comes along, and the token is bound to no key", mismatch, "RFC 9449 §7.1", noClaim("cnf"), Proof),
		bad("sender.proof-invalid", "the proof that comes along is wrong", narrowcast.ProofInvalid, "RFC 9449 §4.3", edit(plain), ProofInvalid),
		bad("sender.proof-replayed", "the proof that comes along was shown before", narrowcast.Replayed, "RFC 9449 §11.1", edit(plain), ProofReplayed),
		bad("sender.unbound", "a bearer token where only bound ones are accepted", narrowcast.BindingRequired, "RFC 9700 §2.2.1", noClaim("cnf"), Binding),
		bad("sender.certificate-upper-case", "the thumbprint in capitals", mismatch, mtls, claim("cnf", `{"x5t#S256":"A4DTL2JMUMHASVJJ5TKYN64SQZMUXBMRJA0N761Y5V0"}`), Certificate),
	}
}
