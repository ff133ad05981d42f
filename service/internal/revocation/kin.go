package revocation

import (
	"hash/maphash"
	"time"
)

// kin remembers which lineages have a token that was exchanged. Of the others a
// revocation needs no look into the book. Two lineages that look alike cost a look
// in vain.
type kin struct {
	seed       maphash.Seed
	young, old map[uint64]struct{}
	turned     time.Time
}

func newKin() kin { return kin{seed: maphash.MakeSeed(), young: map[uint64]struct{}{}} }

// add remembers a lineage for at least as long as keep.
func (k *kin) add(lineage string, now time.Time, keep time.Duration) {
	if now.Sub(k.turned) > keep {
		k.old, k.young, k.turned = k.young, map[uint64]struct{}{}, now
	}
	k.young[maphash.String(k.seed, lineage)] = struct{}{}
}

func (k *kin) has(lineage string) bool {
	h := maphash.String(k.seed, lineage)
	_, young := k.young[h]
	_, old := k.old[h]
	return young || old
}
