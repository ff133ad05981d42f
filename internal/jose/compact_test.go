package jose_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

func TestSplitAcceptsOneSpelling(t *testing.T) {
	good := jose.Seal(jose.Join(`{"alg":"x"}`, "pay\nload"), []byte{0xff, 0xfe})
	parts, err := jose.Split(good)
	if err != nil || parts.Header != `{"alg":"x"}` || parts.Payload != "pay\nload" || string(parts.Signature) != "\xff\xfe" ||
		string(parts.Input) != good[:strings.LastIndexByte(good, '.')] || string(parts.Text) != good {
		t.Fatalf("parts = %+v, %v", parts, err)
	}
	for name, text := range map[string]string{
		"nothing": "", "dots": "..", "two parts": "YQ.YQ", "four parts": "YQ.YQ.YQ.YQ", "empty header": ".YQ.YQ", "empty payload": "YQ..YQ", "empty signature": "YQ.YQ.",
		"padding": "YQ==.YQ.YQ", "padding in the signature": "YQ.YQ.YQ==", "loose bits": "YR.YQ.YQ", "loose bits in the signature": "YQ.YQ.YR",
		"one letter": "Y.YQ.YQ", "space": " YQ.YQ.YQ", "line break": "YQ.YQ.YQ\n", "line break in the middle": "YQ.Y\nQ.YQ", "carriage return": "Y\rQ.YQ.YQ",
		"plus": "YQ.YQ.++++", "slash": "YQ.YQ.////", "not ASCII": "YQ.YQ.\u00e9\u00e9", "zero byte": "YQ.YQ.YQ\x00", "percent": "YQ%2EYQ%2EYQ",
	} {
		if parts, err := jose.Split(text); !errors.Is(err, jose.ErrShape) {
			t.Errorf("%s: %+v, %v", name, parts, err)
		}
	}
}

func TestSplitIsBounded(t *testing.T) {
	text := func(n int) string { return "YQ." + strings.Repeat("A", n-6) + ".YQ" }
	if _, err := jose.Split(text(jose.MaxCompact)); err != nil {
		t.Errorf("the longest: %v", err)
	}
	if _, err := jose.Split(text(jose.MaxCompact + 1)); !errors.Is(err, jose.ErrTooLarge) {
		t.Errorf("one more: %v", err)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = jose.Split(strings.Repeat(".", jose.MaxCompact)) }); n > 20 {
		t.Errorf("a text of dots makes %v allocations", n)
	}
}
