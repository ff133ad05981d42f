//go:build !fast

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// The load: how many tokens are shown and minted in a second, how long one
// rotation is watched, and how long a new key is published before it signs.
const (
	showRate    = 500
	mintRate    = 50
	watchFor    = 6 * time.Second
	watchToken  = 5 * time.Second
	loadAhead   = 2 * time.Second
	loadDoors   = 3
	loadWorkers = 16
	loadHistory = 10 * mintRate // tokens that are shown again and again
)

// TestRotationUnderLoad lets a key of every type follow the one before it, in an
// issuer that is a process of its own, while tokens are shown at guards that
// fetch the key set as always. Nobody is refused. When the time of a key has
// ended, it opens nothing any more.
func TestRotationUnderLoad(t *testing.T) {
	l := newRotateLoad(t)
	serve := l.home.start(t)
	l.begin(t)
	stolen := []*mint.Press{l.press(t)}
	for _, alg := range []narrowcast.Algorithm{narrowcast.RS256, narrowcast.Ed25519, narrowcast.ES384, narrowcast.PS256} {
		l.home.setAlgorithm(t, alg)
		l.rotate(t, alg, watchFor)
		stolen = append(stolen, l.press(t))
	}
	l.end(t)
	l.mustEnd(t, serve, stolen)
}

// TestRotationIntoATokenUnderLoad is the same for keys that live in a PKCS #11
// token: from a software key into it, within it, and back.
func TestRotationIntoATokenUnderLoad(t *testing.T) {
	l := newRotateLoad(t)
	lines, objects := signerSettings(t)
	l.home.addSettings(t, lines...)
	inside := func() int {
		files, err := filepath.Glob(objects)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	serve := l.home.start(t)
	l.begin(t)
	for _, alg := range []narrowcast.Algorithm{narrowcast.ES256, narrowcast.RS256} {
		l.home.setAlgorithm(t, alg)
		before := inside()
		l.rotate(t, alg, watchToken)
		if now := inside(); now != before+2 {
			t.Errorf("a pair was made, and the token has %d objects after %d", now, before)
		}
	}
	before := inside()
	l.home.replaceSettings(t, "make_keys: signer", "make_keys: here")
	l.home.setAlgorithm(t, narrowcast.Ed25519)
	l.rotate(t, narrowcast.Ed25519, watchToken)
	if now := inside(); now != before {
		t.Errorf("the way back left %d objects in the token, which had %d", now, before)
	}
	l.end(t)
	serve.kill(t)
}

// rotateLoad is an issuer, doors, and many requests.
type rotateLoad struct {
	home    *killHome
	doors   []*loadDoor
	client  *http.Client
	working sync.WaitGroup
	stop    context.CancelFunc
	began   time.Time

	minted, shown, refused, strangers atomic.Int64

	mu       sync.Mutex
	tokens   []shownToken                       // the newest last, at most loadHistory
	accepted map[narrowcast.KeyID]map[int]int64 // by key and door
}

type shownToken struct {
	text string
	key  narrowcast.KeyID
}

func newRotateLoad(t *testing.T) *rotateLoad {
	t.Helper()
	l := &rotateLoad{home: newKillHome(t), accepted: map[narrowcast.KeyID]map[int]int64{}}
	l.home.addSettings(t, "publish_ahead: "+loadAhead.String(), "algorithm: ES256")
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * loadWorkers}
	t.Cleanup(transport.CloseIdleConnections)
	l.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	return l
}

// setAlgorithm changes the settings. Whoever rotates reads them; the issuer that
// runs does not.
func (h *killHome) setAlgorithm(t *testing.T, alg narrowcast.Algorithm) {
	t.Helper()
	s, err := settings.LoadIssuer(filepath.Join(h.dir, settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	h.replaceSettings(t, "algorithm: "+string(s.Algorithm), "algorithm: "+string(alg))
}

// begin starts everybody, and returns when every door has seen the first key.
func (l *rotateLoad) begin(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	for range loadDoors {
		l.doors = append(l.doors, openLoadDoor(t, l.home.issuer, time.Now))
	}
	l.mint(t) // something to show
	first := l.newest().key
	stranger := strangePress(t, l.home.issuer)
	l.began = time.Now()
	l.paced(ctx, 2, mintRate, func(int) { l.mint(t) })
	l.paced(ctx, loadWorkers, showRate, func(n int) { l.show(t, n) })
	l.paced(ctx, 1, 10, func(n int) { l.strange(t, stranger, n) })
	l.seenEverywhere(t, first)
}

// paced calls do rate times a second from a few goroutines. Whoever is late goes
// on at once, so that a pause is made up for.
func (l *rotateLoad) paced(ctx context.Context, workers, rate int, do func(n int)) {
	var next atomic.Int64
	began := time.Now()
	for range workers {
		l.working.Go(func() {
			for {
				n := next.Add(1)
				due := time.NewTimer(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
				select {
				case <-due.C:
					do(int(n))
				case <-ctx.Done():
					due.Stop()
					return
				}
			}
		})
	}
}

func (l *rotateLoad) mint(t *testing.T) {
	form, err := l.home.request()
	if err != nil {
		t.Error(err)
		return
	}
	g, err := l.home.post(l.client, form, "")
	if err != nil || g.status != http.StatusOK {
		t.Errorf("a token was not given: status %d, error %q, %v", g.status, g.Error, err)
		return
	}
	l.minted.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, shownToken{g.Token, narrowcast.KeyID(g.said.KeyID)})
	l.tokens = l.tokens[max(0, len(l.tokens)-loadHistory):]
}

func (l *rotateLoad) newest() shownToken {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tokens) == 0 {
		return shownToken{}
	}
	return l.tokens[len(l.tokens)-1]
}

// show shows the newest token, or one from before.
func (l *rotateLoad) show(t *testing.T, n int) {
	token := l.newest()
	if n%2 == 0 {
		l.mu.Lock()
		token = l.tokens[rand.IntN(len(l.tokens))]
		l.mu.Unlock()
	}
	i := n / 2 % len(l.doors)
	status, why := l.doors[i].show(t, l.client, token.text)
	l.shown.Add(1)
	if status != http.StatusOK {
		if l.refused.Add(1) <= 20 {
			t.Errorf("door %d refused a token of key %s: status %d, %s", i, token.key, status, why)
		}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.accepted[token.key] == nil {
		l.accepted[token.key] = map[int]int64{}
	}
	l.accepted[token.key][i]++
}

// strange shows a token of a key that nobody has: the doors may look at the key
// set for it, and then not for a while.
func (l *rotateLoad) strange(t *testing.T, press *mint.Press, n int) {
	status, why := l.doors[n%len(l.doors)].show(t, l.client, letterAt(t, press, time.Now()))
	l.strangers.Add(1)
	if status != http.StatusUnauthorized || why != 0 && why != narrowcast.KeyUnknown {
		t.Errorf("a token of a key that nobody has: status %d, %s", status, why)
	}
}

// seenEverywhere waits until every door has accepted tokens of a key.
func (l *rotateLoad) seenEverywhere(t *testing.T, key narrowcast.KeyID) {
	t.Helper()
	within(t, 30*time.Second, fmt.Sprintf("tokens of key %s at every door", key), func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range l.doors {
			if l.accepted[key][i] < 10 {
				return errNotYet
			}
		}
		return nil
	})
}

// rotate publishes the next key and watches for a while, at least until its
// tokens were accepted everywhere.
func (l *rotateLoad) rotate(t *testing.T, alg narrowcast.Algorithm, watch time.Duration) {
	t.Helper()
	over := time.NewTimer(watch)
	defer over.Stop()
	shown, refused := l.shown.Load(), l.refused.Load()
	out, err := l.home.command(t, "keys", "rotate", "--json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var made keyRow
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Algorithm != alg {
		t.Fatalf("%v\n%s", err, out)
	}
	l.seenEverywhere(t, made.ID)
	select {
	case <-over.C:
	case <-t.Context().Done():
	}
	t.Logf("to %s: %d tokens were shown and %d refused", alg, l.shown.Load()-shown, l.refused.Load()-refused)
}

// end stops everybody and says what there was.
func (l *rotateLoad) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.working.Wait()
	took := time.Since(l.began).Seconds()
	t.Logf("%d tokens were shown, %.0f a second, %d refused; %d minted, %.0f a second; %d strangers; %d keys signed",
		l.shown.Load(), float64(l.shown.Load())/took, l.refused.Load(), l.minted.Load(), float64(l.minted.Load())/took, l.strangers.Load(), len(l.accepted))
	if l.refused.Load() != 0 || l.shown.Load() == 0 || l.strangers.Load() == 0 {
		t.Errorf("%d of %d tokens were refused, beside %d of strangers", l.refused.Load(), l.shown.Load(), l.strangers.Load())
	}
}

// press is the key that signs now, taken by somebody who got hold of store and
// master key.
func (l *rotateLoad) press(t *testing.T) *mint.Press {
	t.Helper()
	a := command(l.home.dir)
	s, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := a.openStore(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := openRing(t.Context(), kept, s, nil, time.Now)
	if err := errors.Join(err, kept.Close()); err != nil {
		t.Fatal(err)
	}
	return ring.Current()
}

// mustEnd looks what is left of keys when their time has ended: at doors that
// have the key with its window, and at doors that come to an issuer which
// publishes it no more.
func (l *rotateLoad) mustEnd(t *testing.T, serve *life, stolen []*mint.Press) {
	t.Helper()
	later := func() time.Time { return time.Now().Add(longestLife + narrowcast.MaxSkew + time.Minute) }
	dead, signs := stolen[:len(stolen)-1], stolen[len(stolen)-1]
	now, then := openLoadDoor(t, l.home.issuer, time.Now), openLoadDoor(t, l.home.issuer, later)
	for _, press := range dead {
		// While tokens that it signed in its time live, the key is known.
		now.mustSay(t, l.client, letterAt(t, press, time.Now()), 0)
		then.mustSay(t, l.client, letterAt(t, press, later()), narrowcast.KeyWindow)
	}
	then.mustSay(t, l.client, letterAt(t, signs, later()), 0)
	serve.kill(t)

	ctx, stop := context.WithCancel(t.Context())
	a := command(l.home.dir)
	a.now, a.args, a.errs = later, []string{"serve", "--home", l.home.dir}, os.Stderr
	ended := make(chan int)
	go func() { ended <- run(ctx, a) }()
	within(t, 20*time.Second, "the issuer later on", func() error {
		resp, err := l.client.Get(l.home.issuer + "/jwks")
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	})
	gone := openLoadDoor(t, l.home.issuer, later)
	for _, press := range dead {
		gone.mustSay(t, l.client, letterAt(t, press, later()), narrowcast.KeyUnknown)
	}
	gone.mustSay(t, l.client, letterAt(t, signs, later()), 0)
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
