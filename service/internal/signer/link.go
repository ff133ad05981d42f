package signer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// stream is a connection with a program: a socket, or the two ends of a child.
type stream interface {
	io.ReadWriter
	// end closes both directions and returns when the program is gone. It may be
	// called again.
	end()
}

// link is one connection. It ends with the first line that breaks the protocol:
// after that nobody knows which answer belongs to which question.
type link struct {
	stream stream
	out    chan []byte
	slots  chan struct{}
	dead   chan struct{}

	lock    sync.Mutex
	why     error
	last    uint64
	heard   uint64
	waiting map[uint64]chan answer
}

// errLost: the connection ended before the answer came.
var errLost = errors.New("the connection to the signer was lost")

func newLink(s stream, concurrent int) *link {
	l := &link{
		stream: s, out: make(chan []byte, concurrent), slots: make(chan struct{}, concurrent), dead: make(chan struct{}),
		waiting: make(map[uint64]chan answer, concurrent),
	}
	go l.write()
	go l.read()
	return l
}

// fail ends the link; the first reason counts.
func (l *link) fail(why error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.why == nil {
		l.why = why
		close(l.dead)
	}
}

func (l *link) reason() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.why
}

// useful reports whether anything but the greeting was answered.
func (l *link) useful() bool {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.heard > 1
}

func (l *link) write() {
	for {
		select {
		case <-l.dead:
			return
		case line := <-l.out:
			if _, err := l.stream.Write(line); err != nil {
				l.fail(errors.New("the signer reads no more"))
				return
			}
		}
	}
}

func (l *link) read() {
	lines := bufio.NewReaderSize(l.stream, MaxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			l.fail(fmt.Errorf("a line of the signer is longer than %d bytes", MaxLine))
			return
		case err != nil:
			l.fail(errors.New("the signer ended"))
			return
		}
		a, err := parse(line)
		if err == nil {
			err = l.deliver(a)
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

func (l *link) deliver(a answer) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	to, ok := l.waiting[a.ID]
	if !ok {
		return errors.New("the signer answered a question that is not open")
	}
	delete(l.waiting, a.ID)
	l.heard++
	to <- a // has room for it
	<-l.slots
	return nil
}

// ask waits for an answer. A question that was given up keeps its slot until it
// is answered, so a program that loses questions ends up with none.
func (l *link) ask(ctx context.Context, q question) (answer, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-l.dead:
		return answer{}, errLost
	}
	to := make(chan answer, 1)
	q.ID = l.open(to)
	line, err := q.line()
	if err != nil {
		l.drop(q.ID)
		return answer{}, err
	}
	l.out <- line // has room: one place for each slot
	select {
	case a := <-to:
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-l.dead:
	}
	select {
	case a := <-to: // it was the last one
		return a, nil
	default:
		return answer{}, errLost
	}
}

func (l *link) open(to chan answer) uint64 {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.last++
	l.waiting[l.last] = to
	return l.last
}

func (l *link) drop(id uint64) {
	l.lock.Lock()
	defer l.lock.Unlock()
	delete(l.waiting, id)
	<-l.slots
}

// answers is how many answers came so far.
func (l *link) answers() uint64 {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.heard
}
