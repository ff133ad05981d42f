package httpapi_test

import (
	"fmt"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// One answer is bounded; whoever asks on sees every record once and in order.
func TestTheLedgerIsReadInPages(t *testing.T) {
	for _, n := range []int{1, 999, 1000, 1001, 2000, 2500} {
		h := open(t, ours)
		admin := bearer(h.token(t, "ops", ours+"/admin", "read"))
		for i := range n {
			e := event.Event{ID: fmt.Sprint("e-", i), Type: event.Presented, Time: h.now, Writer: "pay-guard", Token: &event.Token{ID: "t-1"}}
			if _, err := h.book.Append(t.Context(), store.Entry{Event: e}); err != nil {
				t.Fatal(err)
			}
		}
		seen, pages, last := 0, 0, 0.0
		for path := "/admin/v1/ledger/t-1"; path != ""; pages++ {
			w := h.get(path, admin)
			if w.Code != 200 {
				t.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			answer := object(t, w.Body)
			records := answer["records"].([]any)
			for _, r := range records {
				number := r.(map[string]any)["number"].(float64)
				if number <= last {
					t.Fatalf("%d records: number %v after %v", n, number, last)
				}
				seen, last = seen+1, number
			}
			next, more := answer["next"].(float64)
			if more != (answer["truncated"] == true) || len(records) > 1000 || more && next != last {
				t.Errorf("%d records: a page of %d, next %v, truncated %v", n, len(records), answer["next"], answer["truncated"])
			}
			if path = ""; more {
				path = fmt.Sprintf("/admin/v1/ledger/t-1?after=%.0f", next)
			}
		}
		if want := (n + 999) / 1000; seen != n || pages != want {
			t.Errorf("%d of %d records on %d pages, want %d", seen, n, pages, want)
		}
	}
}

func TestTheQueryOfTheLedger(t *testing.T) {
	h := open(t, ours)
	admin := bearer(h.token(t, "ops", ours+"/admin", "read"))
	e := event.Event{ID: "e-1", Type: event.Presented, Time: h.now, Writer: "pay-guard", Token: &event.Token{ID: "t-1"}}
	if _, err := h.book.Append(t.Context(), store.Entry{Event: e}); err != nil {
		t.Fatal(err)
	}
	for query, status := range map[string]int{
		"": 200, "?after=0": 200, "?after=1": 200, "?after=9223372036854775807": 200, "?after=9223372036854775808": 400,
		"?after=": 400, "?after=-1": 400, "?after=x": 400, "?after=0&after=1": 400, "?limit=5": 400, "?after=1&limit=5": 400,
	} {
		w := h.get("/admin/v1/ledger/t-1"+query, admin)
		if w.Code != status {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
		if query == "?after=1" {
			if records, ok := object(t, w.Body)["records"].([]any); !ok || len(records) != 0 {
				t.Errorf("behind the end: %v", records)
			}
		}
	}
	if w := h.get("/admin/v1/ledger/t-2", admin); w.Code != 404 {
		t.Errorf("an unknown id: %d", w.Code)
	}
}
