package store

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Link is the hash of one record. It is SHA-256 over 48 bytes and the event:
//
//	offset  0, 32 bytes: the hash of the record before; zeros for record 1
//	offset 32,  8 bytes: the number, unsigned, most significant byte first
//	offset 40,  8 bytes: the time of receipt in nanoseconds since 1970-01-01
//	                     00:00:00 UTC, two's complement, most significant byte first
//	offset 48, the rest: the encoded event, byte by byte, without a line break
//
// All fields but the last have a fixed length, so no two records have the same
// input. Anybody who has the records of a book can recompute the chain with
// these four lines; a record that is changed, inserted, moved or taken out
// changes every hash behind it.
func Link(previous [32]byte, number uint64, received time.Time, encoded []byte) [32]byte {
	input := make([]byte, 0, 48+len(encoded))
	input = append(input, previous[:]...)
	input = binary.BigEndian.AppendUint64(input, number)
	input = binary.BigEndian.AppendUint64(input, uint64(received.UnixNano()))
	input = append(input, encoded...)
	return sha256.Sum256(input)
}
