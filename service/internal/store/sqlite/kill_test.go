package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/sqlite"
)

// With this variable set, the test binary is the process that gets killed.
const victimVariable = "NARROWCAST_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimVariable); path != "" {
		victim(path)
	}
	os.Exit(m.Run())
}

// victim appends from 16 goroutines and writes each id to standard output when
// its append was answered, until somebody kills it.
func victim(path string) {
	s, err := sqlite.Open(context.Background(), sqlite.Config{Path: path, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wait sync.WaitGroup
	for w := range 16 {
		wait.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprint(os.Getpid(), "-", w, "-", i)
				if _, err := s.Append(context.Background(), killEntry(id)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				if _, err := fmt.Fprintln(os.Stdout, id); err != nil {
					os.Exit(1)
				}
			}
		})
	}
	wait.Wait()
}

func killEntry(id string) store.Entry {
	return store.Entry{
		Event: event.Event{ID: id, Writer: "victim", Type: event.Issued, Time: time.Now(), Detail: strings.Repeat("x", 300)},
		Once:  []store.Once{{Space: "kill", ID: id, Until: time.Now().Add(time.Hour)}},
	}
}

// What was answered survives the death of the process at any moment.
func TestAnsweredAppendsSurviveKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	shut(t, create(t, path, 0))
	answered := make(map[string]bool)
	for round := range 8 {
		killAfter(t, path, 40+round*60, answered)
		checkSurvivors(t, path, answered)
	}
}

// killAfter runs a victim, kills it after a number of answers, and notes all
// answers that were given until its end.
func killAfter(t *testing.T, path string, after int, answered map[string]bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), victimVariable+"="+path)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines, n := bufio.NewReader(out), 0
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line cut short by the kill is no answer
		}
		answered[strings.TrimSpace(line)] = true
		if n++; n == after {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil || n < after {
		t.Fatalf("the victim ended by itself after %d answers: %v", n, err)
	}
}

func checkSurvivors(t *testing.T, path string, answered map[string]bool) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Config{Path: path, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	there := make(map[string]bool)
	for r, err := range s.Find(context.Background(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		there[r.Event.ID] = true
	}
	for id := range answered {
		if !there[id] {
			t.Errorf("%s was answered and is lost", id)
		}
	}
	records, broken, err := s.CheckChain(context.Background())
	if err != nil || broken != 0 || records != uint64(len(there)) {
		t.Errorf("CheckChain: %d records of %d, %d broken, %v", records, len(there), broken, err)
	}
	t.Logf("%d answered, %d there", len(answered), len(there))
}
