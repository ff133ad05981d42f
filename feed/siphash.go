package feed

import (
	"encoding/binary"
	"math/bits"
)

// hashKey is the secret of one set: who does not have it can neither look for
// identifiers that meet nor choose ones that fall into one place.
type hashKey [16]byte

// sum is the 128 bits of an identifier.
type sum struct{ high, low uint64 }

// sipRound is the round of SipHash (Aumasson and Bernstein, 2012).
func sipRound(a, b, c, d uint64) (uint64, uint64, uint64, uint64) {
	a, c = a+b, c+d
	b, d = bits.RotateLeft64(b, 13)^a, bits.RotateLeft64(d, 16)^c
	a = bits.RotateLeft64(a, 32) + d
	c += b
	return a, bits.RotateLeft64(b, 17) ^ c, bits.RotateLeft64(c, 32), bits.RotateLeft64(d, 21) ^ a
}

// of is SipHash-1-3 with 128 bits, the variant for tables. Unlike hash/maphash it
// gives the same sum after a restart, so that a file can hold sums.
func (k *hashKey) of(id string) sum {
	k0, k1 := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])
	a, b, c, d := k0^0x736f6d6570736575, k1^0x646f72616e646f6d^0xee, k0^0x6c7967656e657261, k1^0x7465646279746573
	last := uint64(len(id)) << 56
	for ; len(id) >= 8; id = id[8:] {
		word := uint64(id[0]) | uint64(id[1])<<8 | uint64(id[2])<<16 | uint64(id[3])<<24 |
			uint64(id[4])<<32 | uint64(id[5])<<40 | uint64(id[6])<<48 | uint64(id[7])<<56
		d ^= word
		a, b, c, d = sipRound(a, b, c, d)
		a ^= word
	}
	for i := range len(id) {
		last |= uint64(id[i]) << (8 * i)
	}
	d ^= last
	a, b, c, d = sipRound(a, b, c, d)
	a ^= last
	c ^= 0xee
	a, b, c, d = sipRound(a, b, c, d)
	a, b, c, d = sipRound(a, b, c, d)
	a, b, c, d = sipRound(a, b, c, d)
	low := a ^ b ^ c ^ d
	b ^= 0xdd
	a, b, c, d = sipRound(a, b, c, d)
	a, b, c, d = sipRound(a, b, c, d)
	a, b, c, d = sipRound(a, b, c, d)
	return sum{high: a ^ b ^ c ^ d, low: low}
}
