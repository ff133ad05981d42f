package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
)

// revocationsBench fills the memory of a verifier with live revocations and looks
// tokens up, beside a map of strings.
func revocationsBench(p plan) (*paper, error) {
	p = p.or(21, 30*time.Millisecond)
	result := newPaper("revocations", fmt.Sprintf(
		"%d live revocations of tokens in one feed.Set and in a Go map from jti to the time of expiry; jtis as the issuer makes them.\n"+
			"Median of %d interleaved rounds of %s, ns of CPU for one look-up; 512 different tokens of each kind are asked about in turn.", p.entries, p.rounds, p.each))
	d, err := newDead(p.entries)
	if err != nil {
		return nil, err
	}
	of, err := d.lookups(p)
	if err != nil {
		return nil, err
	}
	progress("loading")
	loads, err := d.loads()
	if err != nil {
		return nil, err
	}
	result.Tables = []table{of, loads}
	result.atMost("16", "median look-up of a good token, ns, without reading the empty set", d.good.ns()-d.empty.ns(), 60)
	result.atMost("16", "bytes for each revocation", d.bytes, 20)
	runtime.KeepAlive(d)
	return result, nil
}

// dead is what both memories hold.
type dead struct {
	ids         []string
	until       time.Time
	living      []*narrowcast.Token
	revoked     []*narrowcast.Token
	set         *feed.Set
	table       map[string]uint32
	bytes, maps float64
	added       time.Duration
	good, empty *entrant
}

func newDead(n int) (*dead, error) {
	d := &dead{until: time.Now().Add(time.Hour), set: feed.NewSet()}
	for range n {
		d.ids = append(d.ids, string(mint.NewTokenID()))
	}
	progress("%d ids are made", n)
	before := heap()
	began := time.Now()
	for i, id := range d.ids {
		if _, err := d.set.Add(d.entry(i, id)); err != nil {
			return nil, err
		}
	}
	d.added = time.Since(began)
	d.bytes = (heap() - before) / float64(n)
	before = heap()
	d.table = make(map[string]uint32)
	for _, id := range d.ids {
		d.table[string([]byte(id))] = uint32(d.until.Unix()) // with a copy of its own, as a decoder makes it
	}
	d.maps = (heap() - before) / float64(n)
	progress("both memories are full")
	reader, err := newReader()
	if err != nil {
		return nil, err
	}
	for i := range 512 {
		one, err1 := reader.token(narrowcast.TokenID(d.ids[i*(n/512)%n]))
		other, err2 := reader.token(mint.NewTokenID())
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("%w %w", err1, err2)
		}
		d.revoked, d.living = append(d.revoked, one), append(d.living, other)
	}
	return d, nil
}

func (d *dead) entry(i int, id string) feed.Entry {
	return feed.Entry{Number: uint64(i) + 1, Kind: feed.Token, ID: id, State: feed.Revoked, Until: d.until}
}

func (d *dead) lookups(p plan) (table, error) {
	inSet := func(set *feed.Set, all []*narrowcast.Token, want narrowcast.Reason) func(int) error {
		return func(i int) error {
			if set.Check(all[i%len(all)]) != want {
				return fmt.Errorf("wrong answer")
			}
			return nil
		}
	}
	inMap := func(all []*narrowcast.Token, want bool) func(int) error {
		return func(i int) error {
			if _, is := d.table[string(all[i%len(all)].ID())]; is != want {
				return fmt.Errorf("wrong answer")
			}
			return nil
		}
	}
	d.empty = &entrant{name: "an empty feed.Set, good token", run: inSet(feed.NewSet(), d.living, 0)}
	d.good = &entrant{name: "feed.Set, good token", run: inSet(d.set, d.living, 0)}
	field := []*entrant{
		d.empty, d.good, {name: "feed.Set, revoked token", run: inSet(d.set, d.revoked, narrowcast.Revoked)},
		{name: "Go map, good token", run: inMap(d.living, false)}, {name: "Go map, revoked token", run: inMap(d.revoked, true)},
	}
	of := table{Title: "Look-ups", Columns: []column{{"ns", 1}, {"above empty", 1}, {"allocations", 0}, {"bytes per entry", 1}}}
	if err := race(field, p.rounds, p.each); err != nil {
		return of, err
	}
	for i, e := range field {
		size := []float64{none, d.bytes, d.bytes, d.maps, d.maps}[i]
		of.add(e.name, e.ns(), e.above(d.empty), e.allocs, size)
	}
	return of, nil
}

// loads measures how long it takes to come to know everything.
func (d *dead) loads() (table, error) {
	of := table{Title: "Coming to know all of them", Columns: []column{{"seconds", 2}, {"us per entry", 2}}}
	add := func(name string, took time.Duration) {
		of.add(name, took.Seconds(), float64(took.Microseconds())/float64(len(d.ids)))
	}
	add("feed.Set, one Add after the other", d.added)
	dir, err := os.MkdirTemp("", "narrowcast-bench-")
	if err != nil {
		return of, err
	}
	defer os.RemoveAll(dir)
	served := httptest.NewServer(http.HandlerFunc(d.serve))
	defer served.Close()
	for _, file := range []string{"", filepath.Join(dir, "state")} {
		c := feed.Config{
			Issuer: narrowcast.MustIssuer(issuerID), Audience: narrowcast.MustAudience(benchResource), URL: served.URL + "/feed",
			Client: &http.Client{}, Now: time.Now, File: file,
		}
		follower, err := feed.New(c)
		if err != nil {
			return of, err
		}
		changed := follower.Changed()
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- follower.Run(ctx) }()
		select {
		case <-changed:
		case <-time.After(2 * time.Minute):
			stop()
			return of, fmt.Errorf("a state does not arrive: %+v", follower.State())
		}
		name := "a follower, reset over HTTP"
		if file != "" {
			name += ", with its file"
		}
		add(name, time.Since(began))
		stop()
		<-ended
		if file != "" {
			began = time.Now()
			if follower, err = feed.New(c); err != nil || follower.State().Entries[feed.Token] != len(d.ids) {
				return of, fmt.Errorf("the file does not have everything: %w", err)
			}
			add("a follower, from its file", time.Since(began))
		}
	}
	return of, nil
}

// serve is the feed of an issuer.
func (d *dead) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", feed.MediaType)
	out := bufio.NewWriterSize(w, 32<<10)
	text, _ := feed.Reset{Position: 1}.Append(nil)
	_, _ = out.Write(text) // the follower is gone
	for i, id := range d.ids {
		var err error
		if text, err = d.entry(i, id).Append(text[:0]); err == nil {
			_, err = out.Write(text)
		}
		if err != nil {
			return
		}
	}
	text, _ = feed.At{Position: uint64(len(d.ids)), AsOf: time.Now(), StaleAfter: 60, WhenStale: feed.Refuse}.Append(text[:0])
	_, _ = out.Write(text)
	if out.Flush() == nil {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// reader makes tokens and reads them, as a verifier has them.
type reader struct {
	press    *mint.Press
	verifier *narrowcast.Verifier
}

func newReader() (*reader, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: private.Public()})
	if err != nil {
		return nil, err
	}
	keys, err := jwks.Fixed(key)
	if err != nil {
		return nil, err
	}
	issuer := narrowcast.MustIssuer(issuerID)
	r := &reader{}
	if r.press, err = mint.New(mint.Config{Issuer: issuer, KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private}); err != nil {
		return nil, err
	}
	r.verifier, err = narrowcast.NewVerifier(narrowcast.Config{
		Audience: narrowcast.MustAudience(benchResource), Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now,
	})
	return r, err
}

func (r *reader) token(id narrowcast.TokenID) (*narrowcast.Token, error) {
	text, err := r.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(benchResource), Subject: "checkout", Client: "checkout", ID: id, IssuedAt: time.Now(), Lifetime: 5 * time.Minute,
	})
	if err != nil {
		return nil, err
	}
	return r.verifier.Verify(context.Background(), text, narrowcast.Presentation{})
}
