package status_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/status"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

// TestAPlainDirectoryServes: what Export writes is served by a web server that
// knows nothing of lists, and a follower reads it.
func TestAPlainDirectoryServes(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one, base + "/" + two}
	h.dead = []status.Place{{URI: base + "/" + one, Index: 1, Value: statuslist.Invalid}, {URI: base + "/" + two, Index: 2, Value: statuslist.Suspended}}
	p, dir := h.publisher(t), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "robots.txt"), []byte("x"), 0o600))
	must(t, p.Export(dir))
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	f, err := statuslist.NewFollower(statuslist.FollowerConfig{
		Base: base, Mirror: server.URL, Aggregation: server.URL + "/" + status.IndexFile, Keys: h.keys,
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: h.Now,
	})
	must(t, err)
	must(t, f.Poll(t.Context()))
	for _, row := range []struct {
		name  string
		index uint64
		want  narrowcast.Reason
	}{{one, 0, 0}, {one, 1, narrowcast.Revoked}, {two, 1, 0}, {two, 2, narrowcast.TaskPaused}} {
		if got := f.Status(base+"/"+row.name, row.index); got != row.want {
			t.Errorf("%s %d: %q, want %q", row.name, row.index, got, row.want)
		}
	}
	for _, span := range []time.Duration{0, status.DefaultLife} { // the second list goes, and then expires
		h.change(func(h *house) { h.named = h.named[:1]; h.now = h.now.Add(span) })
		if _, err := os.Stat(filepath.Join(dir, two)); err != nil {
			t.Errorf("a list is removed that a reader may still believe: %v", err)
		}
		must(t, p.Export(dir))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	if want := []string{filepath.Join(dir, one), filepath.Join(dir, status.IndexFile), filepath.Join(dir, "robots.txt")}; !slices.Equal(files, want) {
		t.Errorf("files = %v, want %v", files, want)
	}
	if err := p.Export(filepath.Join(dir, "absent")); err == nil {
		t.Error("lists are written into a directory that is not there")
	}
}

// TestExportLeavesOthersAlone: a name like that of a list does not make a file
// ours, and neither does that of the index.
func TestExportLeavesOthersAlone(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one}
	p, dir := h.publisher(t), t.TempDir()
	foreign := "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"https://other.example.test/status/abcdefghijklmnopqrstuvwxyz","exp":1}`)) + ".x"
	ours := "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+base+`/bbcdefghijklmnopqrstuvwxyz","exp":1}`)) + ".x"
	for name, content := range map[string]string{
		"thequarterlyreportofmarket": "mine", "abcdefghijklmnopqrstuvwxyz": foreign, "bbcdefghijklmnopqrstuvwxyz": ours,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	must(t, p.Export(dir))
	for name, stays := range map[string]bool{
		one: true, "thequarterlyreportofmarket": true, "abcdefghijklmnopqrstuvwxyz": true, "bbcdefghijklmnopqrstuvwxyz": false,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: %v, shall stay: %t", name, err, stays)
		}
	}
	must(t, p.Export(dir)) // over an index of ours, the control
	index := filepath.Join(dir, status.IndexFile)
	must(t, os.WriteFile(index, []byte(`{"title":"a page"}`), 0o600))
	if err := p.Export(dir); err == nil || !strings.Contains(err.Error(), status.IndexFile) {
		t.Errorf("over an index of somebody else: %v", err)
	}
	if content, err := os.ReadFile(index); err != nil || string(content) != `{"title":"a page"}` {
		t.Errorf("the index of somebody else is now %q, %v", content, err)
	}
}

// TestExportWritesWhatIsDeadNow: a timer that is a little early, or a list that was
// asked for in between, does not put a change off to the next time.
func TestExportWritesWhatIsDeadNow(t *testing.T) {
	h := newHouse(t)
	h.named = []string{base + "/" + one}
	p, dir := h.publisher(t), t.TempDir()
	must(t, p.Export(dir))
	h.change(func(h *house) {
		h.now = h.now.Add(status.DefaultTTL/2 - time.Millisecond)
		h.dead = []status.Place{{URI: base + "/" + one, Index: 1, Value: statuslist.Invalid}}
	})
	must(t, p.Export(dir))
	text, err := os.ReadFile(filepath.Join(dir, one))
	must(t, err)
	if value, err := h.read(t, status.Document{Text: string(text)}, one).Status(1); err != nil || value != statuslist.Invalid {
		t.Errorf("place 1 is %d, %v", value, err)
	}
}
