package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Run follows the feed until ctx is done and returns its error. It connects anew
// whenever the connection ends, at once or after a pause that grows with each
// failure. One Run works at a time.
func (f *Follower) Run(ctx context.Context) error {
	if f == nil || f.now == nil {
		return errors.New("feed: the follower was not made with New")
	}
	sweeping := make(chan struct{})
	go func() {
		defer close(sweeping)
		f.keepSweeping(ctx)
	}()
	defer func() { <-sweeping }()
	defer f.file.close()
	failures := 0
	for {
		heard, err := f.follow(ctx)
		if ctx.Err() != nil {
			f.parted()
			return ctx.Err()
		}
		if failures++; heard {
			failures = 1
		}
		f.lost(fmt.Errorf("feed of %s: %w", f.issuer, err))
		pause(ctx, f.backoff(failures, err))
	}
}

// keepSweeping forgets what has ended, connected or not.
func (f *Follower) keepSweeping(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k := f.known.Load()
			if k.set == nil {
				continue
			}
			// What a clock that was set wrong forgot nobody would send again.
			now := f.now()
			if k.at.AsOf.Before(now) {
				now = k.at.AsOf
			}
			k.set.Forget(now)
		}
	}
}

// errSilent is why the follower itself cut a connection.
var errSilent = errors.New("the connection was silent for too long")

// follow reads one connection to its end. It reports whether an At came.
func (f *Follower) follow(ctx context.Context) (heard bool, err error) {
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	watch := time.AfterFunc(f.limits.answer, func() { cut(errSilent) })
	defer watch.Stop()
	res, err := f.connect(ctx)
	if err != nil {
		return false, causeOf(ctx, err)
	}
	defer res.Body.Close()
	f.staged = nil
	r := NewReader(res.Body)
	for {
		watch.Reset(f.limits.silence)
		m, err := r.Next()
		watch.Stop() // what the follower does with it is no silence
		if err == nil {
			err = f.take(m)
		}
		if err != nil {
			return heard, causeOf(ctx, err)
		}
		if _, isAt := m.(At); isAt {
			heard = true
			f.connected()
		}
	}
}

func causeOf(ctx context.Context, err error) error {
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	return err
}

// later is an answer after which to try again, not before the given time.
type later struct {
	status int
	wait   time.Duration
}

func (l later) Error() string { return fmt.Sprintf("the issuer answered with status %d", l.status) }

func (f *Follower) connect(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // its own connection: over HTTP/2 one that went silent would be taken again
	req.Header.Set("Accept", MediaType)
	req.Header.Set("Cache-Control", "no-store")
	if k := f.known.Load(); k.set != nil && !f.afresh {
		req.Header.Set("Last-Event-ID", strconv.FormatUint(k.at.Position, 10))
	}
	f.asked = f.now()
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	media, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	switch {
	case res.StatusCode != http.StatusOK:
		err = later{res.StatusCode, f.retryAfter(res.Header.Get("Retry-After"))}
	case !strings.EqualFold(strings.TrimSpace(media), MediaType):
		err = errors.New("the answer is not an event stream")
	}
	if err != nil {
		_ = res.Body.Close()
		return nil, err
	}
	return res, nil
}

func (f *Follower) retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, f.limits.patience)
}

// backoff doubles with each failure up to a ceiling and may be anything up to that,
// so that ten thousand verifiers do not come back in the same instant.
func (f *Follower) backoff(failures int, err error) time.Duration {
	wait := f.limits.ceiling
	if failures < 16 {
		wait = min(wait, f.limits.backoff<<(failures-1))
	}
	wait = wait/4 + rand.N(wait*3/4+1)
	var l later
	if errors.As(err, &l) && l.wait > 0 {
		wait = l.wait + rand.N(l.wait/2+1)
	}
	return wait
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
