package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzTaskBody(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	for _, seed := range []string{
		`{"resources":["https://pay.example.test"],"label":"x","deadline":"2027-01-15T09:00:00Z","lease_for":10,"parent":"t"}`,
		`{"resources":[],"deadline_in":60}`, `{}`, ``, `null`, `[]`, `{"label":null}`, `{"Label":"x"}`, `{"label":"a","label":"b"}`,
		`{"lease_for":1e99}`, `{"lease_for":-1}`, `{"label":"\ud800"}`, `{} {}`, "{\"label\":\"\xff\"}", `{"resources":[[["x"]]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		request, wrong := parseOpen(body, now)
		if wrong != nil {
			if wrong.status != 400 || wrong.sentence == "" {
				t.Errorf("%+v", wrong)
			}
			return
		}
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(body, &members); err != nil || !utf8.Valid(body) {
			t.Fatalf("taken, and is no object: %v", err)
		}
		for name, value := range members {
			if !strings.Contains(" parent resources label deadline deadline_in lease_for ", " "+name+" ") || string(value) == "null" {
				t.Errorf("the member %q was taken", name)
			}
		}
		if request.LeaseFor < 0 || request.Client != "" || request.Holder != "" {
			t.Errorf("%+v", request)
		}
	})
}
