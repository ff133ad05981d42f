// Package protocol is the program's side of the sign protocol, which the README
// of this module describes: JSON lines, one answer for each question. A program
// implements Keeper and calls Serve.
package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Version is the version of the protocol that is spoken here.
const Version = 1

// Bounds of the protocol.
const (
	MaxLine    = 32 << 10 // of a line in either direction, its end included
	MaxMessage = 16 << 10 // of what is signed without being hashed first
	MaxName    = 256      // of the name of a key, printable ASCII
	MaxLabel   = 128      // of a label, printable ASCII
	PageKeys   = 16       // keys in one answer to list
)

// Key is what a program tells of a key.
type Key struct {
	Name      string `json:"key"`
	Algorithm string `json:"algorithm"`
	Public    []byte `json:"public"` // SubjectPublicKeyInfo, DER
}

// Keeper has the keys. Its methods are called from many goroutines. They return
// an *Error for what the other side may know; of any other error it learns that
// the module failed.
type Keeper interface {
	// Offers returns the algorithms for which keys are made, by their JOSE names.
	Offers() ([]string, error)
	// Generate makes a key that cannot leave the module.
	Generate(algorithm, label string) (Key, error)
	// Find describes one key.
	Find(name string) (Key, error)
	// List returns the first keys in byte order of their names behind after, at
	// most PageKeys of them, and whether there are more.
	List(after string) (keys []Key, more bool, err error)
	// Sign signs a digest, or a message for Ed25519. An ECDSA signature is ASN.1
	// DER, an RSA signature PKCS #1 v1.5 for RS256.
	Sign(name, algorithm string, input []byte) ([]byte, error)
}

// Error is an error with a code of the protocol. Its text is shown to operators:
// it never says a PIN or what was to be signed.
type Error struct {
	Code string `json:"code"`
	Text string `json:"message,omitempty"`
}

// Error returns the code and the text.
func (e *Error) Error() string { return e.Code + ": " + e.Text }

// The codes.
const (
	BadRequest  = "bad_request" // the line is no question
	BadVersion  = "version"     // no version in common
	Unsupported = "unsupported" // no such operation or algorithm here
	UnknownKey  = "unknown_key" // no key of that name for that algorithm
	Locked      = "locked"      // the PIN was refused and is not tried again
	Busy        = "busy"        // too much to do; ask later
	Module      = "module"      // the module failed
)

// Fail makes an Error.
func Fail(code, format string, args ...any) error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

type question struct {
	ID        uint64 `json:"id"`
	Op        string `json:"op"`
	Versions  []int  `json:"versions"`
	Key       string `json:"key"`
	Algorithm string `json:"algorithm"`
	Label     string `json:"label"`
	After     string `json:"after"`
	Digest    []byte `json:"digest"`
	Message   []byte `json:"message"`
}

type answer struct {
	ID         uint64   `json:"id"`
	Version    int      `json:"version,omitempty"`
	Algorithms []string `json:"algorithms,omitempty"`
	Key        *Key     `json:"key,omitempty"`
	Keys       []Key    `json:"keys,omitempty"`
	More       bool     `json:"more,omitempty"`
	Signature  []byte   `json:"signature,omitempty"`
	Error      *Error   `json:"error,omitempty"`
}

// parse reads a question. Without an id there is nobody to answer.
func parse(line []byte) (question, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil || q.ID == 0 {
		return question{}, errors.New("a line is not a question with an id")
	}
	return q, nil
}

func (a answer) line() ([]byte, error) {
	line, err := json.Marshal(a)
	if err == nil && len(line)+1 > MaxLine {
		err = errors.New("an answer is too long for a line")
	}
	if err != nil {
		return nil, err
	}
	return append(line, '\n'), nil
}
