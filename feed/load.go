package feed

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// errTail means that a file ends in something that cannot be read. What comes before
// counts.
var errTail = errors.New("the end of the state file cannot be read; what stands before it counts, with its own age")

// load reads what an earlier follower left. Without a file, set is nil and so is the
// error. With a file that is damaged from the beginning, or of somebody else, there
// is an error and no set; with one whose end is damaged there are both.
func load(path string, want owner) (set *Set, last commit, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, commit{}, nil
	}
	if err != nil {
		return nil, commit{}, err
	}
	defer f.Close()
	return readState(f, want)
}

// stateReader reads frames.
type stateReader struct {
	r     *bufio.Reader
	chain [sha256.Size]byte
	set   *Set
	last  commit
	done  bool // there was a commit
	open  bool // and something behind it
}

func readState(f io.Reader, want owner) (*Set, commit, error) {
	set, last, err := readFrames(f, want)
	if set != nil {
		set.build()
	}
	return set, last, err
}

func readFrames(f io.Reader, want owner) (*Set, commit, error) {
	s := &stateReader{r: bufio.NewReaderSize(f, 64<<10), chain: sha256.Sum256([]byte(fileForm))}
	form := make([]byte, len(fileForm))
	if _, err := io.ReadFull(s.r, form); err != nil || string(form) != fileForm {
		return nil, commit{}, errors.New("the state file is not of a form that is known")
	}
	if err := s.readOwner(want); err != nil {
		return nil, commit{}, err
	}
	for {
		kind, content, err := s.frame()
		if err == io.EOF && s.done && !s.open {
			return s.set, s.last, nil
		}
		if err == nil {
			err = s.take(kind, content)
		}
		switch {
		case err != nil && s.done:
			return s.set, s.last, errTail
		case err != nil:
			return nil, commit{}, errors.New("the state file is damaged")
		}
	}
}

func (s *stateReader) readOwner(want owner) error {
	kind, content, err := s.frame()
	var is owner
	var key hashKey
	switch {
	case err != nil || kind != ownerFrame || json.Unmarshal(content, &is) != nil || copy(key[:], is.Key) != len(is.Key) || len(is.Key) != len(key):
		return errors.New("the state file is damaged")
	case is.Issuer != want.Issuer || is.Audience != want.Audience:
		return errors.New("the state file is of another issuer or audience")
	}
	s.set = newSet(key)
	return nil
}

// frame reads one. The end of the file between two frames is io.EOF.
func (s *stateReader) frame() (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return 0, nil, err
	}
	length := binary.LittleEndian.Uint32(head[1:])
	if length > maxFrame {
		return 0, nil, errTail
	}
	rest := make([]byte, int(length)+sumSize)
	if _, err := io.ReadFull(s.r, rest); err != nil {
		return 0, nil, errTail
	}
	content, sum := rest[:length], rest[length:]
	if s.chain = link(s.chain, head[:], content); string(s.chain[:sumSize]) != string(sum) {
		return 0, nil, errTail
	}
	return head[0], content, nil
}

// take applies a frame. Entries behind the last commit count too: what is dead stays
// dead.
func (s *stateReader) take(kind byte, content []byte) error {
	s.open = kind != commitFrame
	switch kind {
	case idsFrame:
		return s.takeIDs(content)
	case entryFrame:
		var e Entry
		if err := json.Unmarshal(content, &e); err != nil {
			return err
		}
		return s.set.stage(e)
	case commitFrame:
		var c commit
		if err := json.Unmarshal(content, &c); err != nil {
			return err
		}
		if err := c.At.check(); err != nil {
			return err
		}
		s.last, s.done = c, true
		return nil
	}
	return fmt.Errorf("frame %q is not known", kind)
}

func (s *stateReader) takeIDs(b []byte) error {
	if len(b)%tokenSize != 0 || s.set.size()+len(b)/tokenSize > MaxEntries {
		return errTail
	}
	for ; len(b) > 0; b = b[tokenSize:] {
		id := sum{high: binary.LittleEndian.Uint64(b), low: binary.LittleEndian.Uint64(b[8:])}
		s.set.tokens.stage(id, binary.LittleEndian.Uint32(b[16:]))
	}
	return nil
}
