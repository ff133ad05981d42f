//go:build !fast

package postgres_test

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// proxy stands between a store and its server and can lose an answer.
type proxy struct {
	net.Listener
	server string
	left   atomic.Int64 // answers until the one that is lost; 0: none is
	lost   atomic.Int64
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, server: server}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if p.left.Load() > 0 && p.left.Add(-1) == 0 {
			p.lost.Add(1)
			return // the server has done it, and nobody hears so
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// The answer to a commit is lost. The transaction was kept, and trying again
// finds it instead of refusing or doubling it.
func TestLostAnswerToCommit(t *testing.T) {
	c := config(shared, shared.Schema())
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, u.Host)
	u.Host = p.Addr().String()
	c.URL, c.Connections = u.String(), 1
	s := create(t, c)
	ctx := t.Context()
	once := func(id string) store.Once { return store.Once{Space: "s", ID: id, Until: dayOne.Add(1)} }
	revision := func(n uint64) store.Revision {
		return store.Revision{Number: n, Applied: dayOne, Author: "ada", Digest: "d", Files: map[string][]byte{"a": {1}, "b": {}}}
	}
	key := store.Key{ID: "k", Algorithm: "ES256", Public: []byte{1}, Private: []byte{2}, Published: dayOne}
	// The first of each kind prepares the statements on its connection.
	if _, err := s.Append(ctx, admin("warm", once("warm"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AppendAll(ctx, []store.Entry{admin("warm 2")}); err != nil {
		t.Fatal(err)
	}
	// Saving tells others, on a connection of the pool and in its own time. So it
	// comes last: an answer to that may be the one that is lost.
	for _, step := range []struct {
		name string
		lose int64
		do   func() error
	}{
		{"Append", 2, func() error {
			r, err := s.Append(ctx, admin("a", once("x")))
			if r.Number != 3 {
				t.Errorf("Append: number %d", r.Number)
			}
			return err
		}},
		{"AppendAll", 2, func() error {
			kept, err := s.AppendAll(ctx, []store.Entry{admin("b"), admin("a"), admin("c"), admin("c")})
			if kept != 2 {
				t.Errorf("AppendAll: %d were new, want 2", kept)
			}
			return err
		}},
		{"first Save", 0, func() error { return s.Save(ctx, revision(1)) }},
		{"Save", 2, func() error { return s.Save(ctx, revision(2)) }},
		{"first SaveKey", 0, func() error { return s.SaveKey(ctx, key) }},
		{"SaveKey", 2, func() error { return s.SaveKey(ctx, key) }},
	} {
		before := p.lost.Load()
		p.left.Store(step.lose)
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if step.lose > 0 && p.lost.Load() != before+1 {
			t.Errorf("%s: %d answers were lost", step.name, p.lost.Load()-before)
		}
		p.left.Store(0)
	}
	if _, err := s.Append(ctx, admin("d", once("x"))); err == nil {
		t.Error("the control: an id was used again")
	}
	if records, broken, err := s.CheckChain(ctx); records != 5 || broken != 0 || err != nil {
		t.Errorf("CheckChain: %d records, %d broken, %v; want 5", records, broken, err)
	}
	if n, err := s.LatestNumber(ctx); n != 2 || err != nil {
		t.Errorf("LatestNumber: %d, %v", n, err)
	}
}
