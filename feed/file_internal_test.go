package feed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"testing"
	"time"
)

// FuzzStateFile: no file makes the reader fail in another way than by an error, and
// one without a commit is none.
func FuzzStateFile(f *testing.F) {
	whose := owner{Issuer: "https://issuer.example.test", Audience: "https://pay.example.test", Key: make([]byte, 16)}
	noon := time.Unix(1_800_000_000, 0).UTC()
	set := newSet(hashKey{})
	for _, e := range []Entry{
		{Number: 1, Kind: Token, ID: "one", State: Revoked, Until: noon},
		{Number: 2, Kind: Party, ID: "bot", State: Revoked, Before: noon, Until: noon},
	} {
		if _, err := set.Add(e); err != nil {
			f.Fatal(err)
		}
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	s := stateFile{owner: whose, chain: sha256.Sum256([]byte(fileForm))}
	_, _ = w.WriteString(fileForm)
	if s.writeSet(w, set) != nil || s.writeJSON(w, commitFrame, commit{At: At{AsOf: noon, StaleAfter: 10, WhenStale: Refuse}, Received: noon}) != nil || w.Flush() != nil {
		f.Fatal("no file was written")
	}
	if set, _, err := readState(bytes.NewReader(b.Bytes()), whose); err != nil || set.Len(Token) != 1 || set.Len(Party) != 1 {
		f.Fatal("control:", err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(fileForm))
	f.Fuzz(func(t *testing.T, content []byte) {
		set, last, err := readState(bytes.NewReader(content), whose)
		switch {
		case set == nil && err == nil:
			t.Error("neither a state nor an error")
		case set != nil && last.At.check() != nil:
			t.Error("a state without a commit")
		}
	})
}
