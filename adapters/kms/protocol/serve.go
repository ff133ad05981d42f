package protocol

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
)

// Config says how Serve goes about it.
type Config struct {
	Keeper     Keeper       // required
	Concurrent int          // questions answered at once; default 16
	Log        func(string) // takes what the module said to a failure; default nobody
}

// Serve answers the questions that it reads from in until in ends, which is no
// error. It returns when the last answer was written. A line that is no question
// ends the conversation: nobody could tell to what an answer belongs.
func Serve(in io.Reader, out io.Writer, c Config) error {
	if c.Keeper == nil || c.Concurrent < 0 {
		return errors.New("serving the sign protocol: a Keeper is required, and Concurrent cannot be negative")
	}
	if c.Concurrent == 0 {
		c.Concurrent = 16
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	t := &talk{config: c, out: out, slots: make(chan struct{}, c.Concurrent)}
	err := t.read(bufio.NewReaderSize(in, MaxLine))
	t.busy.Wait()
	return errors.Join(err, t.broken)
}

// talk is one conversation.
type talk struct {
	config Config
	slots  chan struct{}
	busy   sync.WaitGroup
	met    bool

	lock   sync.Mutex
	out    io.Writer
	broken error
}

func (t *talk) read(lines *bufio.Reader) error {
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return errors.New("a question is too long for a line")
		case err != nil:
			return err
		}
		q, err := parse(line)
		if err != nil {
			return err
		}
		if !t.met || q.Op == "hello" { // nothing overtakes the greeting
			t.reply(q)
			continue
		}
		t.slots <- struct{}{}
		t.busy.Go(func() { defer func() { <-t.slots }(); t.reply(q) })
	}
}

func (t *talk) reply(q question) {
	a, err := t.answer(q)
	if err != nil {
		a = answer{Error: t.explain(err)}
	}
	a.ID = q.ID
	line, err := a.line()
	if err != nil {
		t.config.Log(err.Error())
		line, _ = answer{ID: q.ID, Error: &Error{Code: Module, Text: "the answer is too long"}}.line()
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	if _, err := t.out.Write(line); err != nil && t.broken == nil {
		t.broken = err
	}
}

func (t *talk) explain(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	t.config.Log(err.Error())
	return &Error{Code: Module, Text: "the module failed; the log of the program says how"}
}

func (t *talk) answer(q question) (answer, error) {
	if q.Op == "hello" {
		return t.hello(q)
	}
	if !t.met {
		return answer{}, Fail(BadRequest, "the first question is hello")
	}
	switch q.Op {
	case "generate":
		if !Printable(q.Label, MaxLabel) {
			return answer{}, Fail(BadRequest, "a label has at most %d printable characters", MaxLabel)
		}
		k, err := t.config.Keeper.Generate(q.Algorithm, q.Label)
		return answer{Key: &k}, err
	case "find":
		if err := named(q.Key); err != nil {
			return answer{}, err
		}
		k, err := t.config.Keeper.Find(q.Key)
		return answer{Key: &k}, err
	case "list":
		keys, more, err := t.config.Keeper.List(q.After)
		return answer{Keys: keys, More: more}, err
	case "sign":
		return t.sign(q)
	}
	return answer{}, Fail(Unsupported, "no such operation")
}

func (t *talk) hello(q question) (answer, error) {
	if !slices.Contains(q.Versions, Version) {
		return answer{}, Fail(BadVersion, "version %d is spoken here", Version)
	}
	offers, err := t.config.Keeper.Offers()
	if err != nil {
		return answer{}, err
	}
	t.met = true
	return answer{Version: Version, Algorithms: offers}, nil
}

func named(key string) error {
	if key == "" || !Printable(key, MaxName) {
		return Fail(UnknownKey, "a name has 1 to %d printable characters", MaxName)
	}
	return nil
}

func (t *talk) sign(q question) (answer, error) {
	if err := named(q.Key); err != nil {
		return answer{}, err
	}
	input := q.Digest
	size := map[string]int{"ES256": 32, "RS256": 32, "PS256": 32, "ES384": 48}[q.Algorithm]
	switch {
	case q.Algorithm == "Ed25519":
		input = q.Message
		if len(q.Digest) > 0 || len(input) == 0 || len(input) > MaxMessage {
			return answer{}, Fail(BadRequest, "Ed25519 signs a message of at most %d bytes", MaxMessage)
		}
	case size == 0:
		return answer{}, Fail(Unsupported, "no such algorithm")
	case len(q.Message) > 0 || len(input) != size:
		return answer{}, Fail(BadRequest, "%s signs a digest of %d bytes", q.Algorithm, size)
	}
	signature, err := t.config.Keeper.Sign(q.Key, q.Algorithm, input)
	return answer{Signature: signature}, err
}

// Printable reports whether s has at most so many characters, all of them
// printable ASCII.
func Printable(s string, most int) bool {
	return len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
