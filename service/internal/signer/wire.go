package signer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Version is the version of the sign protocol that is spoken here.
const Version = 1

// MaxLine bounds a line in either direction, its end included. MaxMessage bounds
// what is signed without being hashed first.
const (
	MaxLine    = 32 << 10
	MaxMessage = 16 << 10
)

// Errors that a program reports by a code.
var (
	ErrBadRequest  = errors.New("the signer did not understand the request")
	ErrVersion     = errors.New("the signer speaks another version of the protocol")
	ErrUnsupported = errors.New("the signer does not offer this")
	ErrUnknownKey  = errors.New("the signer has no such key")
	ErrLocked      = errors.New("the signer cannot open its module: the PIN was refused, and it is not tried again")
	ErrBusy        = errors.New("the signer has too much to do")
	ErrModule      = errors.New("the module of the signer failed")
)

// fault returns the error of a code. A code that is not known is a failure of
// the module.
func fault(code string) error {
	switch code {
	case "bad_request":
		return ErrBadRequest
	case "version":
		return ErrVersion
	case "unsupported":
		return ErrUnsupported
	case "unknown_key":
		return ErrUnknownKey
	case "locked":
		return ErrLocked
	case "busy":
		return ErrBusy
	}
	return ErrModule
}

// question is one line to the program.
type question struct {
	ID        uint64 `json:"id"`
	Op        string `json:"op"`
	Versions  []int  `json:"versions,omitempty"`
	Key       string `json:"key,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Label     string `json:"label,omitempty"`
	After     string `json:"after,omitempty"`
	Digest    []byte `json:"digest,omitempty"`
	Message   []byte `json:"message,omitempty"`
}

// answer is one line from the program. Its fields are read by the asker, who
// believes none of them without a reason.
type answer struct {
	ID         uint64   `json:"id"`
	Version    int      `json:"version"`
	Algorithms []string `json:"algorithms"`
	Key        *held    `json:"key"`
	Keys       []held   `json:"keys"`
	More       bool     `json:"more"`
	Signature  []byte   `json:"signature"`
	Error      *trouble `json:"error"`
}

// held is a key as the program describes it.
type held struct {
	Name      string `json:"key"`
	Algorithm string `json:"algorithm"`
	Public    []byte `json:"public"` // SubjectPublicKeyInfo, DER
}

// trouble is an error of the program. Its message is for the program's own log
// and is not repeated here: it might say what was to be signed.
type trouble struct {
	Code string `json:"code"`
}

func (q question) line() ([]byte, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("asking the signer: %w", err)
	}
	if len(line)+1 > MaxLine {
		return nil, fmt.Errorf("asking the signer: a line of %d bytes is longer than %d", len(line)+1, MaxLine)
	}
	return append(line, '\n'), nil
}

// parse reads a line. It returns no part of the line in its errors.
func parse(line []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, errors.New("a line of the signer is not an answer")
	}
	if a.ID == 0 {
		return answer{}, errors.New("an answer of the signer has no id")
	}
	return a, nil
}
