package feed

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// The state file is a line that names its form, and frames: a letter, the length of
// what follows in four bytes, the content, and 16 bytes of a SHA-256 over all that
// and the frame before. First comes whose state it is, then a snapshot, then what
// was added since. Each commit says how far the state before it goes and as of when,
// so a tail that is missing makes the state older and never wrong.
const (
	fileForm   = "narrowcast feed 1\n"
	sumSize    = 16
	maxFrame   = 2 << 20
	tokenSize  = 20
	idsInFrame = 64 << 10
	roomToGrow = 1 << 20 // of what is added, in bytes, besides as much as the snapshot has
	maxPending = 4096    // entries between two commits that are added; with more the file is written anew
	retryAfter = 30 * time.Second
)

// The frames.
const (
	ownerFrame  = 'o'
	idsFrame    = 'i' // sums of token ids, with their end
	entryFrame  = 'e' // another entry
	commitFrame = 'c'
)

// owner says whose state a file holds, and the secret of its sums.
type owner struct {
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	Key      []byte `json:"key"`
}

// commit says how far a state goes.
type commit struct {
	At       At        `json:"at"`
	Received time.Time `json:"received"` // by the clock of this machine
}

// stateFile writes the state of a follower. The zero one writes nothing.
type stateFile struct {
	path  string
	owner owner

	f           *os.File // nil until a snapshot was written
	chain       [sha256.Size]byte
	size, limit int64
	ids         []byte  // to be added with the next commit
	entries     []Entry // likewise
	whole       bool    // write a snapshot with the next commit
	failed      error   // why the file is behind
	retry       time.Time
}

// note remembers what the next commit adds.
func (s *stateFile) note(e Entry, key *hashKey) {
	switch {
	case s.path == "" || s.whole:
	case len(s.entries)+len(s.ids)/tokenSize >= maxPending:
		s.renew()
	case e.Kind == Token:
		s.ids = appendID(s.ids, key.of(e.ID), clamp(ceil(e.Until)))
	default:
		s.entries = append(s.entries, e)
	}
}

// renew makes the next commit write a snapshot.
func (s *stateFile) renew() { s.whole, s.ids, s.entries = true, nil, nil }

// commit brings the file up to date. What was added is on the disk when it
// returns; a mere heartbeat need not be. After a failure it tries again in a while.
func (s *stateFile) commit(set *Set, c commit) error {
	switch {
	case s.path == "":
		return nil
	case s.failed != nil && c.Received.Before(s.retry):
		return s.failed
	case s.f == nil || s.whole || s.size > s.limit:
		s.failed = s.snapshot(set, c)
	default:
		s.failed = s.extend(c)
	}
	if s.failed != nil {
		s.close()
		s.renew()
		s.retry = c.Received.Add(retryAfter)
	}
	return s.failed
}

// extend writes what was added, and how far that goes.
func (s *stateFile) extend(c commit) error {
	added := len(s.ids)+len(s.entries) > 0
	w := bufio.NewWriter(s.f)
	err := s.write(w, idsFrame, s.ids)
	for _, e := range s.entries {
		err = errors.Join(err, s.writeJSON(w, entryFrame, e))
	}
	err = errors.Join(err, s.writeJSON(w, commitFrame, c), w.Flush())
	if err == nil && added {
		err = s.f.Sync()
	}
	s.ids, s.entries = s.ids[:0], s.entries[:0]
	return err
}

// snapshot writes everything into another file, which then takes the place of the
// old one in one step.
func (s *stateFile) snapshot(set *Set, c commit) error {
	s.close()
	temporary := s.path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.chain, s.size = sha256.Sum256([]byte(fileForm)), 0
	w := bufio.NewWriterSize(f, 64<<10)
	_, err = w.WriteString(fileForm)
	err = errors.Join(err, s.writeSet(w, set), s.writeJSON(w, commitFrame, c), w.Flush())
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(temporary, s.path)
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	s.f, s.limit, s.whole, s.ids, s.entries = f, 2*s.size+roomToGrow, false, nil, nil
	return syncDirectory(filepath.Dir(s.path))
}

func (s *stateFile) writeSet(w *bufio.Writer, set *Set) error {
	err := s.writeJSON(w, ownerFrame, s.owner)
	var ids []byte
	set.tokens.each(func(id sum, until uint32) bool {
		if ids = appendID(ids, id, until); len(ids) >= idsInFrame*tokenSize {
			err = errors.Join(err, s.write(w, idsFrame, ids))
			ids = ids[:0]
		}
		return err == nil
	})
	err = errors.Join(err, s.write(w, idsFrame, ids))
	for _, kind := range Kinds()[1:] {
		for _, e := range set.facts(kind).entries(kind) {
			if err = errors.Join(err, s.writeJSON(w, entryFrame, e)); err != nil {
				return err
			}
		}
	}
	return err
}

func (s *stateFile) writeJSON(w *bufio.Writer, kind byte, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.write(w, kind, content)
}

func (s *stateFile) write(w *bufio.Writer, kind byte, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	s.chain = link(s.chain, head, content)
	s.size += int64(len(head) + len(content) + sumSize)
	_, _ = w.Write(head) // an error of a bufio.Writer stays and comes with the last one
	_, _ = w.Write(content)
	_, err := w.Write(s.chain[:sumSize])
	return err
}

// close ends the writing. The next commit writes a snapshot.
func (s *stateFile) close() {
	if s.f != nil {
		_ = s.f.Sync()
		_ = s.f.Close()
		s.f = nil
	}
}

func link(before [sha256.Size]byte, head, content []byte) (chain [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(head)
	h.Write(content)
	h.Sum(chain[:0])
	return chain
}

func appendID(b []byte, id sum, until uint32) []byte {
	b = binary.LittleEndian.AppendUint64(b, id.high)
	b = binary.LittleEndian.AppendUint64(b, id.low)
	return binary.LittleEndian.AppendUint32(b, until)
}

// syncDirectory makes the new name durable. Not every file system can do it, and
// then nothing is lost.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
