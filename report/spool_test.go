package report_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/report"
)

// killed copies a spool as the death of the process would leave it.
func killed(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}

func newestSegment(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.events"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no segment in %s", dir)
	}
	return names[len(names)-1]
}

func TestTheNumbersGoOnAfterARestart(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	r := open(t, dir, i, nil)
	for n := range 5 {
		r.Record(rejection(name(n)))
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.behave(down)
	for n := range 5 {
		r.Record(rejection(name(5 + n)))
	}
	if err := r.Drain(t.Context()); err == nil {
		t.Fatal("the issuer was away")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	i.behave(nil)
	r = open(t, dir, i, nil)
	if s := r.State(); s.Spooled != 5 {
		t.Errorf("after the restart: %+v", s)
	}
	for n := range 5 {
		r.Record(rejection(name(10 + n)))
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, i.got(), 15)
	if i.repeats != 0 {
		t.Errorf("%d repeats after an orderly end", i.repeats)
	}
}

func TestTheNumbersGoOnWhenEverythingWasDelivered(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	for n := range 3 {
		r := open(t, dir, i, nil)
		r.Record(rejection(name(n)))
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	inOrder(t, i.got(), 3)
}

func TestAKillBetweenDeliveryAndCursorOnlyRepeats(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	r := open(t, dir, i, nil)
	for n := range 10 {
		r.Record(rejection(name(n)))
	}
	left := killed(t, dir) // before the cursor moves
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, left, i, nil)
	again.Record(rejection(name(10)))
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, i.got(), 11)
	if i.repeats != 10 {
		t.Errorf("%d repeats, want 10", i.repeats)
	}
}

func TestAKillAfterDeliveryRepeatsNothing(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	r := open(t, dir, i, nil)
	r.Record(rejection(name(0)))
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, killed(t, dir), i, nil)
	again.Record(rejection(name(1)))
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, i.got(), 2)
	if i.repeats != 0 {
		t.Errorf("%d repeats", i.repeats)
	}
}

func TestATornLineIsRemovedOnce(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, newIssuer(), nil).Record(rejection(name(0)))
	left := killed(t, dir)
	f, err := os.OpenFile(newestSegment(t, left), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"v":1,"id":"to`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, want := range []uint64{1, 0} {
		r := open(t, left, newIssuer(), nil)
		if s := r.State(); s.Damaged != want || s.Spooled != 1 {
			t.Errorf("want %d damaged: %+v", want, s)
		}
		r.Close()
	}
}

func TestAKillInTheMiddleOfAWrite(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	r := open(t, dir, i, nil)
	for n := range 10 {
		r.Record(rejection(name(n)))
	}
	whole, err := os.ReadFile(newestSegment(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	lastLine := strings.LastIndexByte(strings.TrimSuffix(string(whole), "\n"), '\n') + 1
	for _, size := range []int{lastLine + 1, lastLine + 40, len(whole) - 1, lastLine, len(whole)} {
		left := killed(t, dir)
		if err := os.Truncate(newestSegment(t, left), int64(size)); err != nil {
			t.Fatal(err)
		}
		i := newIssuer()
		r := open(t, left, i, nil)
		kept := 9
		if size == len(whole) {
			kept = 10
		}
		r.Record(rejection(name(kept)))
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		inOrder(t, i.got(), kept+1)
		if torn := size != len(whole) && size != lastLine; (r.State().Damaged == 1) != torn {
			t.Errorf("cut at %d of %d: %+v", size, len(whole), r.State())
		}
	}
}

func TestDamagedLinesAreSkipped(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	r := open(t, dir, i, nil)
	for n := range 3 {
		r.Record(rejection(name(n)))
	}
	left := killed(t, dir)
	path := newestSegment(t, left)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	spoiled := lines[0] + "not an event\n" + lines[1] + strings.Repeat("z", 3*event.MaxBytes) + "\n" + lines[2]
	if err := os.WriteFile(path, []byte(spoiled), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, left, i, nil)
	if err := again.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	inOrder(t, i.got(), 3)
	if s := again.State(); s.Damaged < 2 || s.Spooled != 0 {
		t.Errorf("state: %+v", s)
	}
}

func TestTheSpoolIsBounded(t *testing.T) {
	i, dir := newIssuer(), t.TempDir()
	i.behave(down)
	r := open(t, dir, i, func(c *report.Config) { c.MaxBytes = report.MinMaxBytes })
	for n := range 5000 {
		r.Record(presentation(name(n)))
	}
	folds := r.State()
	if folds.Dropped == 0 || folds.SpooledBytes > report.MinMaxBytes*3/4 {
		t.Errorf("folds: %+v", folds)
	}
	r.Record(rejection("in the reserved quarter"))
	if s := r.State(); s.Dropped != folds.Dropped || s.Spooled != folds.Spooled+1 {
		t.Errorf("a rejection found no room: %+v", s)
	}
	for range 5000 {
		r.Record(rejection("flood"))
	}
	if s, disk := r.State(), diskUse(t, dir); s.SpooledBytes > report.MinMaxBytes || disk > report.MinMaxBytes+8<<10 {
		t.Errorf("%d bytes spooled, %d on disk", s.SpooledBytes, disk)
	}
	i.behave(nil)
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, dropped := i.got(), r.State().Dropped
	if got[0].ID != name(0) || got[folds.Spooled-1].ID != name(folds.Spooled-1) {
		t.Error("the oldest events were not kept")
	}
	r.Record(event.Event{ID: "seen", Type: event.VerifierSeen, Time: at, Writer: "guard-1", Verifier: &event.Verifier{Dropped: 5}})
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got = i.got()
	last := got[len(got)-1]
	if last.Verifier.Dropped != dropped+5 || last.Sequence != 5000+1+5000+1 {
		t.Errorf("the gap does not show: number %d, dropped %d of %d", last.Sequence, last.Verifier.Dropped, dropped)
	}
	if disk := diskUse(t, dir); disk > 64<<10 {
		t.Errorf("%d bytes stay on disk after delivery", disk)
	}
}

func diskUse(t *testing.T, dir string) (total int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

func TestOneDirectoryBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, newIssuer(), nil)
	c := report.Config{Dir: dir, URL: "https://issuer.example.test/events", Client: http.DefaultClient, Now: nil}
	c.Now = at.Local
	if _, err := report.Open(c); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := report.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestADamagedCursorStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cursor.json"), []byte(`{"segment":`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := report.Open(report.Config{Dir: dir, URL: "https://issuer.example.test/events", Client: http.DefaultClient, Now: at.Local})
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("err = %v", err)
	}
}

func TestAnEventThatIsNoneIsDropped(t *testing.T) {
	r := open(t, t.TempDir(), newIssuer(), nil)
	r.Record(event.Event{})
	huge := rejection("huge")
	huge.Detail = strings.Repeat("x", event.MaxBytes)
	r.Record(huge)
	r.Record(rejection("good"))
	if s := r.State(); s.Dropped != 2 || s.Spooled != 1 {
		t.Errorf("state: %+v", s)
	}
}
