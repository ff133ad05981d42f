package feed

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// slowly is SipHash with 128 bits as its authors write it down, for any number of
// rounds.
func slowly(k hashKey, id string, each, last int) sum {
	k0, k1 := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	rounds := func(n int) {
		for range n {
			v[0], v[1], v[2], v[3] = sipRound(v[0], v[1], v[2], v[3])
		}
	}
	text := append([]byte(id), make([]byte, 8-len(id)%8)...)
	text[len(text)-1] = byte(len(id))
	for ; len(text) > 0; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		v[3] ^= word
		rounds(each)
		v[0] ^= word
	}
	v[2] ^= 0xee
	rounds(last)
	low := v[0] ^ v[1] ^ v[2] ^ v[3]
	v[1] ^= 0xdd
	rounds(last)
	return sum{high: v[0] ^ v[1] ^ v[2] ^ v[3], low: low}
}

// TestTheSumIsThatOfTheReference compares with the vectors that the authors of
// SipHash publish for 2-4, a key of 00 01 … 0f and inputs of 00 01 …, and then the
// one in use with what met the vectors.
func TestTheSumIsThatOfTheReference(t *testing.T) {
	var key hashKey
	input := make([]byte, 16)
	for i := range key {
		key[i], input[i] = byte(i), byte(i)
	}
	for length, want := range map[int]string{
		0: "a3817f04ba25a8e66df67214c7550293",
		1: "da87c1d86b99af44347659119b22fc45",
		2: "8177228da4a45dc7fca38bdef60affe4",
	} {
		s := slowly(key, string(input[:length]), 2, 4)
		var got [16]byte
		binary.LittleEndian.PutUint64(got[:8], s.low)
		binary.LittleEndian.PutUint64(got[8:], s.high)
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x", length, got)
		}
	}
	for length := range 80 {
		id := strings.Repeat("x\xffz", 30)[:length]
		if key.of(id) != slowly(key, id, 1, 3) {
			t.Errorf("%d bytes: another sum", length)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	var key hashKey
	for b.Loop() {
		key.of("01890a5d-ac96-774b-bcce-b302099a8057")
	}
}
