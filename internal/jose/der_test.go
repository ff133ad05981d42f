package jose

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
)

type pair struct{ R, S *big.Int }

// TestDERAgreesWithTheStandardLibrary goes through the lengths where the form
// of an integer changes.
func TestDERAgreesWithTheStandardLibrary(t *testing.T) {
	for _, size := range []int{32, 48} {
		for _, first := range []byte{0x00, 0x01, 0x7f, 0x80, 0xff} {
			for zeros := range size {
				raw := make([]byte, 2*size)
				raw[zeros], raw[2*size-1-zeros/2] = first, first
				der, ok := toDER(nil, raw, size)
				want, err := asn1.Marshal(pair{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(raw[size:])})
				if err != nil || !ok || !bytes.Equal(der, want) {
					t.Fatalf("toDER(%x) = %x, %t, want %x", raw, der, ok, want)
				}
				if len(der) > der384 {
					t.Fatalf("%d bytes do not fit the buffer", len(der))
				}
				back, err := fromDER(der, size)
				if err != nil || !bytes.Equal(back, raw) {
					t.Fatalf("fromDER(%x) = %x, %v", der, back, err)
				}
			}
		}
	}
}

// FuzzReadSignatureDER: a signature is read if, and only if, the standard
// library reads the same numbers and would write the same bytes.
func FuzzReadSignatureDER(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{0x30, 0x81, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{0x30, 8, 2, 2, 0, 0x80, 2, 2, 0, 0xff})
	f.Add([]byte{0x30, 0x81})
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, size := range []int{32, 48} {
			var theirs pair
			_, err := asn1.Unmarshal(der, &theirs)
			good := err == nil && theirs.R.Sign() >= 0 && theirs.S.Sign() >= 0 &&
				theirs.R.BitLen() <= 8*size && theirs.S.BitLen() <= 8*size
			if good { // nothing behind, nothing between, no other spelling
				one, err := asn1.Marshal(theirs)
				good = err == nil && bytes.Equal(one, der)
			}
			raw, err := fromDER(der, size)
			if good != (err == nil) {
				t.Fatalf("%x: we say %v, encoding/asn1 %+v", der, err, theirs)
			}
			if good && (theirs.R.Cmp(new(big.Int).SetBytes(raw[:size])) != 0 || theirs.S.Cmp(new(big.Int).SetBytes(raw[size:])) != 0) {
				t.Fatalf("%x: other numbers in %x", der, raw)
			}
		}
	})
}
