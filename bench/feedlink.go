package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What a link does to the stream of one verifier.
const (
	linkPass      = iota
	linkCut       // ends in the middle of a message
	linkLag       // everything comes late by the same time
	linkDuplicate // every message comes twice
	linkReplay    // a new connection repeats what an earlier one had, between what is new
	linkThrottle  // reads slowly
	linkHang      // reads nothing and says nothing
	linkModes

	linkDrop = 100 // leaves entries out and tells nobody: no honest network does it
)

func linkNames() []string {
	return []string{"pass", "cut", "lag", "duplicate", "replay", "throttle", "hang"}
}

// link is the network between one verifier and the issuer.
type link struct {
	front *front
	n     int
	mode  atomic.Int32
	lag   atomic.Int64

	mu   sync.Mutex
	past [][]byte // messages of earlier connections
}

const linkMemory = 60 // messages

func (l *link) set(mode int32, lag time.Duration) {
	l.lag.Store(int64(lag))
	l.mode.Store(mode)
}

func (l *link) name() string {
	if mode := int(l.mode.Load()); mode < len(linkNames()) {
		return linkNames()[mode]
	}
	return "leaves entries out"
}

// piece is a message and when it came.
type piece struct {
	text []byte
	at   time.Time
}

func (l *link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	resp, err := l.front.forward(ctx, r, "/feed?"+r.URL.RawQuery, l.n)
	if err != nil {
		http.Error(w, "no issuer", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	copyHeader(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	if resp.StatusCode != http.StatusOK {
		_, _ = io.Copy(w, resp.Body) // the verifier is gone
		return
	}
	pieces := make(chan piece, 1<<12)
	go func() {
		defer close(pieces)
		l.read(ctx, resp.Body, pieces)
	}()
	l.write(ctx, w, pieces)
}

// read takes messages from the issuer, slowly or not at all when it is told so.
func (l *link) read(ctx context.Context, body io.Reader, pieces chan<- piece) {
	r := bufio.NewReaderSize(body, 512)
	var text []byte
	for ctx.Err() == nil {
		switch l.mode.Load() {
		case linkHang:
			pause(20 * time.Millisecond)
			continue
		case linkThrottle:
			pause(2 * time.Millisecond)
		}
		line, err := r.ReadSlice('\n')
		if text = append(text, line...); err != nil && err != bufio.ErrBufferFull {
			return
		}
		if !bytes.HasSuffix(text, []byte("\n\n")) {
			continue
		}
		select {
		case pieces <- piece{text, time.Now()}:
		case <-ctx.Done():
			return
		}
		text = nil
	}
}

func (l *link) write(ctx context.Context, w http.ResponseWriter, pieces <-chan piece) {
	control := http.NewResponseController(w)
	send := func(text []byte) bool {
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	first := true
	for p := range pieces {
		mode := l.mode.Load()
		if mode == linkLag {
			pause(time.Until(p.at.Add(time.Duration(l.lag.Load()))))
		}
		if mode == linkDrop && bytes.HasPrefix(p.text, []byte("event: entry")) {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if mode == linkCut && rand.N(4) == 0 {
			send(p.text[:rand.N(len(p.text))])
			panic(http.ErrAbortHandler) // the connection breaks
		}
		if !send(p.text) || mode == linkDuplicate && !send(p.text) {
			return
		}
		if first && mode == linkReplay {
			for _, old := range l.replayed() {
				if !send(old) {
					return
				}
			}
		}
		first = false
		l.remember(p.text)
		if mode == linkReplay && rand.N(20) == 0 {
			return // and the next connection begins with what is old
		}
	}
}

func (l *link) remember(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.past = append(l.past, text); len(l.past) > linkMemory {
		l.past = l.past[1:]
	}
}

func (l *link) replayed() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([][]byte(nil), l.past...)
}
