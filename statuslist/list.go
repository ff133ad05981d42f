// Package statuslist reads, writes and follows Token Status Lists
// (draft-ietf-oauth-status-list): one signed document that tells of many tokens
// which of them count no more, small enough to lie on a plain web server.
//
// It is for enforcement points that cannot hold a connection open. It is slower
// than the feed of package feed by the time to live of a list.
package statuslist

import (
	"errors"
	"fmt"
)

// Value is what a list says of one token (section 7.1 of the draft).
type Value uint8

// The registered values. The others are for applications.
const (
	Valid     Value = 0
	Invalid   Value = 1 // called back for good
	Suspended Value = 2 // does not count at present; needs two bits or more
)

// MaxBytes bounds the unpacked places of one list. 4 MiB are 33 million tokens
// at one bit.
const MaxBytes = 4 << 20

// ErrIndex is wrapped when a place is asked for that the list does not have. A
// token that names such a place is refused (section 8.3 of the draft).
var ErrIndex = errors.New("the list has no such place")

// List is an array of statuses of 1, 2, 4 or 8 bits each. The zero List has no
// places. It may be read by many goroutines when nobody sets anything.
type List struct {
	bits   uint
	packed []byte
}

// New makes a list of size places of bits bits, all of them Valid. Size is
// rounded up to whole bytes. It fails when bits is not 1, 2, 4 or 8, and when
// the list would be empty or larger than MaxBytes.
func New(bits, size int) (*List, error) {
	if err := checkBits(bits); err != nil {
		return nil, err
	}
	if size < 1 || size > MaxBytes*8/bits {
		return nil, fmt.Errorf("status list: %d places of %d bits; allowed are 1 to %d", size, bits, MaxBytes*8/bits)
	}
	return &List{bits: uint(bits), packed: make([]byte, (size*bits+7)/8)}, nil
}

func checkBits(bits int) error {
	switch bits {
	case 1, 2, 4, 8:
		return nil
	}
	return fmt.Errorf("status list: %d bits; allowed are 1, 2, 4 and 8", bits)
}

// Bits returns the bits of one place.
func (l *List) Bits() int { return int(l.bits) }

// Len returns the number of places.
func (l *List) Len() int {
	if l.bits == 0 {
		return 0
	}
	return len(l.packed) * 8 / int(l.bits)
}

// Get returns the status at a place. The error wraps ErrIndex.
func (l *List) Get(index uint64) (Value, error) {
	at, shift, err := l.place(index)
	if err != nil {
		return 0, err
	}
	return Value(l.packed[at]>>shift) & l.mask(), nil
}

// Set writes the status at a place. It fails when there is no such place
// (ErrIndex) or when the status needs more bits.
func (l *List) Set(index uint64, v Value) error {
	at, shift, err := l.place(index)
	if err != nil {
		return err
	}
	if v > l.mask() {
		return fmt.Errorf("status list: status %d does not fit into %d bits", v, l.bits)
	}
	l.packed[at] = l.packed[at]&^(byte(l.mask())<<shift) | byte(v)<<shift
	return nil
}

func (l *List) mask() Value { return Value(1<<l.bits - 1) }

// place finds the byte of an index and where in it the status begins. The least
// significant bits of a byte come first (section 4.1 of the draft).
func (l *List) place(index uint64) (at int, shift uint, err error) {
	if index >= uint64(l.Len()) {
		return 0, 0, fmt.Errorf("status list: place %d of %d: %w", index, l.Len(), ErrIndex)
	}
	bit := uint(index) * l.bits
	return int(bit / 8), bit % 8, nil
}
