package authn

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// phc is an argon2id hash in the PHC string format,
// $argon2id$v=19$m=…,t=…,p=…$salt$hash.
type phc struct {
	memory, passes uint32 // KiB, iterations
	lanes          uint8
	salt, sum      []byte
}

// Bounds on the parameters: below is weak (RFC 9106 section 4 and the floor of
// OWASP), above burns the memory of the house.
const (
	minMemory, maxMemory = 7 << 10, 256 << 10
	minPasses, maxPasses = 1, 16
	maxLanes             = 8
	minSalt, maxSalt     = 8, 64
	minSum, maxSum       = 16, 64
	maxPHC               = 512
)

var errPHC = errors.New("the secret is not an argon2id hash in the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")

// parsePHC reads a hash. Its errors do not repeat it.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > maxPHC || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, errPHC
	}
	var h phc
	var rest string
	n, _ := fmt.Sscanf(parts[3]+" .", "m=%d,t=%d,p=%d %s", &h.memory, &h.passes, &h.lanes, &rest)
	if n != 4 || rest != "." {
		return phc{}, errPHC
	}
	b64 := base64.RawStdEncoding.Strict()
	var errSalt, errSum error
	h.salt, errSalt = b64.DecodeString(parts[4])
	h.sum, errSum = b64.DecodeString(parts[5])
	switch {
	case errSalt != nil || errSum != nil:
		return phc{}, errPHC
	case h.memory < minMemory || h.memory > maxMemory:
		return phc{}, fmt.Errorf("the secret's hash asks for %d KiB of memory; allowed are %d to %d", h.memory, minMemory, maxMemory)
	case h.passes < minPasses || h.passes > maxPasses || h.lanes < 1 || h.lanes > maxLanes:
		return phc{}, fmt.Errorf("the secret's hash has t=%d, p=%d; allowed are t=%d to %d, p=1 to %d", h.passes, h.lanes, minPasses, maxPasses, maxLanes)
	case len(h.salt) < minSalt || len(h.salt) > maxSalt || len(h.sum) < minSum || len(h.sum) > maxSum:
		return phc{}, errors.New("the secret's salt or hash has an unusual length")
	}
	return h, nil
}

// defaultPHC is a hash of no known secret with the parameters that HashSecret
// uses.
func defaultPHC() phc {
	h := phc{memory: 19 << 10, passes: 2, lanes: 1, salt: make([]byte, 16), sum: make([]byte, 32)}
	_, _ = rand.Read(h.salt) // never fails
	_, _ = rand.Read(h.sum)
	return h
}

// HashSecret makes the hash of a client secret for the registry.
func HashSecret(secret string) string {
	h := defaultPHC()
	h.sum = h.hash(secret)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.memory, h.passes, h.lanes, b64(h.salt), b64(h.sum))
}

func (h phc) hash(secret string) []byte {
	return argon2.IDKey([]byte(secret), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.sum)))
}

// matches compares in constant time.
func (h phc) matches(secret string) bool {
	return subtle.ConstantTimeCompare(h.hash(secret), h.sum) == 1
}

func (h phc) cost() uint64 { return uint64(h.memory) * uint64(h.passes) }
