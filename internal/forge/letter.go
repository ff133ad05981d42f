package forge

import (
	"slices"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// letter is a right token before it is sealed. A fault alters one thing of it.
type letter struct {
	w       *World
	header  object
	payload object
	key     Key // signs
	// signature alters the signature, or is nil.
	signature func(raw []byte) []byte
}

// letter writes the right token that meets the given needs.
func (w *World) letter(id string, needs []Need) *letter {
	w = w.with(needs)
	key := w.Keys.key(w.base())
	l := &letter{w: w, key: key}
	l.useKey(key)
	now := w.Now.Unix()
	l.payload = object{
		{"iss", quoted(w.Issuer.String())},
		{"sub", quoted(string(w.Subject))},
		{"aud", quoted(w.Audience.String())},
		{"client_id", quoted(string(w.Client))},
		{"scope", quoted(w.Scope.String())},
		{"iat", number(now)},
		{"exp", number(now + int64(w.lifetime().Seconds()))},
		{"jti", quoted(string(w.tokenID(id)))},
	}
	if w.Scope.IsZero() {
		l.payload.drop("scope")
	}
	for _, n := range slices.Concat(w.Always, needs) {
		l.meet(n)
	}
	return l
}

// meet adds the claim that a need asks of a right token.
func (l *letter) meet(n Need) {
	switch n {
	case Tenant:
		l.payload.set("tenant", quoted(l.w.Tenant))
	case Environment:
		l.payload.set("environment", quoted(l.w.Environment))
	case Certificate:
		l.payload.set("cnf", `{"x5t#S256":`+quoted(l.w.Certificate)+`}`)
	case Proof, ProofInvalid, ProofReplayed:
		l.payload.set("cnf", `{"jkt":"`+provedKey+`"}`)
	case Binding:
		l.payload.set("cnf", `{"x5t#S256":`+quoted(l.w.Certificate)+`}`)
	case TaskEnd, TaskPause:
		l.payload.set("task", quoted(openTask))
	case Transaction, NoRequest:
		l.payload.set(details, "["+l.described()+"]")
	case SingleUse, UsedUp, UsesUnknown, NoUses:
		l.payload.set("single_use", "true")
	}
}

// useKey makes the header speak of key and key sign.
func (l *letter) useKey(key Key) {
	l.key = key
	l.header.set("alg", quoted(string(key.Algorithm)))
	l.header.set("typ", `"at+jwt"`)
	l.header.set("kid", quoted(string(key.ID)))
}

func (l *letter) seal() (string, error) {
	return l.sealInput(jose.Join(l.header.text(), l.payload.text()))
}

// sealInput signs an input that may not be what Join would write.
func (l *letter) sealInput(input string) (string, error) {
	raw, err := l.sign(l.key.Algorithm, input)
	if err != nil {
		return "", err
	}
	return jose.Seal(input, raw), nil
}

func (l *letter) sign(alg narrowcast.Algorithm, input string) ([]byte, error) {
	raw, err := jose.Sign(jose.Alg(alg), l.key.Signer, input)
	if err != nil {
		return nil, err
	}
	if l.signature != nil {
		raw = l.signature(raw)
	}
	return raw, nil
}

// edit is the commonest forging: alter the letter, then seal it.
func edit(alter func(l *letter)) forging {
	return func(l *letter) (string, error) {
		alter(l)
		return l.seal()
	}
}

// claim sets one claim to a JSON text.
func claim(name, value string) forging {
	return edit(func(l *letter) { l.payload.set(name, value) })
}

// noClaim removes one claim.
func noClaim(name string) forging {
	return edit(func(l *letter) { l.payload.drop(name) })
}

// header sets one header member to a JSON text.
func header(name, value string) forging {
	return edit(func(l *letter) { l.header.set(name, value) })
}

// payloadText replaces the payload by a text made from it.
func payloadText(alter func(text string) string) forging {
	return func(l *letter) (string, error) {
		return l.sealInput(jose.Join(l.header.text(), alter(l.payload.text())))
	}
}

// headerText replaces the header by a text made from it.
func headerText(alter func(text string) string) forging {
	return func(l *letter) (string, error) {
		return l.sealInput(jose.Join(alter(l.header.text()), l.payload.text()))
	}
}

// finished alters the text of a sealed right token.
func finished(alter func(text string) string) forging {
	return func(l *letter) (string, error) {
		text, err := l.seal()
		if err != nil {
			return "", err
		}
		return alter(text), nil
	}
}
