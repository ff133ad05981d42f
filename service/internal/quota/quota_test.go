package quota_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast/service/internal/quota"
)

func start() time.Time { return time.Unix(1_800_000_000, 0) }

func TestRate(t *testing.T) {
	r, now := quota.NewRate(10), start()
	passed := 0
	for range 30 {
		if r.Take(now) {
			passed++
		}
	}
	if passed != 10 {
		t.Errorf("%d passed at once, want a second's worth", passed)
	}
	if !r.Take(now.Add(100*time.Millisecond)) || r.Take(now.Add(100*time.Millisecond)) {
		t.Error("one more comes due every tenth of a second")
	}
	if !r.TakeMany(25, now.Add(5*time.Second)) || r.Take(now.Add(6*time.Second)) || !r.Take(now.Add(7*time.Second)) {
		t.Error("a large batch passes after a quiet second, and is paid for afterwards")
	}
}

// However it is asked, no more passes than the rate and one burst.
func TestRateIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.IntRange(1, 1000).Draw(t, "rate")
		r, now, passed := quota.NewRate(perSecond), start(), 0
		for range rapid.IntRange(1, 200).Draw(t, "asks") {
			now = now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "ms")) * time.Millisecond)
			if r.Take(now) {
				passed++
			}
		}
		if most := float64(perSecond)*(1+now.Sub(start()).Seconds()) + 1; float64(passed) > most {
			t.Fatalf("%d passed in %s at %d a second", passed, now.Sub(start()), perSecond)
		}
	})
}

func TestNoBound(t *testing.T) {
	for _, r := range []*quota.Rate{nil, {}, quota.NewRate(0)} {
		for range 1000 {
			if !r.Take(start()) {
				t.Fatal("refused")
			}
		}
	}
}

func gate(t *testing.T, c quota.GateConfig) *quota.Gate {
	t.Helper()
	c.Now = start
	g, err := quota.NewGate(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGateTurnsAwayWhatIsTooMany(t *testing.T) {
	served := 0
	g := gate(t, quota.GateConfig{PerSecond: 3, Next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })})
	var last *httptest.ResponseRecorder
	for range 5 {
		last = httptest.NewRecorder()
		g.ServeHTTP(last, httptest.NewRequest("POST", "/token", nil))
	}
	if served != 3 || g.Turned() != 2 {
		t.Errorf("%d served, %d turned away", served, g.Turned())
	}
	if last.Code != 429 || last.Header().Get("Retry-After") == "" || !strings.Contains(last.Body.String(), "temporarily_unavailable") {
		t.Errorf("%d %v %s", last.Code, last.Header(), last.Body)
	}
}

func TestGateBoundsWhatIsInside(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	g := gate(t, quota.GateConfig{Concurrent: 2, Next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inside <- true
		<-leave
	})})
	knock := func() int {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/jwks", nil))
		return w.Code
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { knock() })
		<-inside
	}
	if code := knock(); code != 429 {
		t.Errorf("a third one got in: %d", code)
	}
	close(leave)
	wg.Wait()
	wg.Go(func() { knock() })
	<-inside
	wg.Wait()
}

func TestTheZeroGateLetsNobodyIn(t *testing.T) {
	for _, g := range []*quota.Gate{nil, {}} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 429 {
			t.Error(w.Code)
		}
	}
	if _, err := quota.NewGate(quota.GateConfig{}); err == nil || !strings.Contains(err.Error(), "Next") || !strings.Contains(err.Error(), "Now") {
		t.Error(err)
	}
}
