package feed_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/narrowcast-io/narrowcast/feed"
)

// readAll reads a stream to its end.
func readAll(r io.Reader) (all []feed.Message, err error) {
	reader := feed.NewReader(r)
	for {
		m, err := reader.Next()
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

func everyMessage() []feed.Message {
	return []feed.Message{
		feed.Reset{}, feed.Reset{Position: 7},
		revoked(3, "jti\u2028 <&> \"é\"\n", noon),
		feed.Entry{Number: 4, Kind: feed.Party, ID: "bot", State: feed.Revoked, Before: noon, Until: noon},
		feed.Entry{Number: 1 << 63, Kind: feed.Task, ID: "job", State: feed.Lives, Until: noon},
		revoked(5, strings.Repeat("\x00", feed.MaxID), noon),
		at(7, noon), lenientAt(),
	}
}

func lenientAt() feed.At {
	return feed.At{Position: 1<<64 - 1, AsOf: noon, StaleAfter: 3600, WhenStale: feed.Accept}
}

func write(t testing.TB, messages []feed.Message) (b []byte) {
	t.Helper()
	for _, m := range messages {
		var err error
		if b, err = m.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := everyMessage()
	text := string(write(t, want))
	for name, r := range map[string]io.Reader{
		"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"CRLF": strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")), "CR": strings.NewReader(strings.ReplaceAll(text, "\n", "\r")),
		"BOM": strings.NewReader("\uFEFF" + text), "no spaces": strings.NewReader(strings.ReplaceAll(text, ": ", ":")),
		"comments": strings.NewReader(": hello\n\n" + strings.ReplaceAll(text, "event:", "retry: 5\n:x\nodd\nevent:")),
		"others":   strings.NewReader("data: x\n\nevent: news\ndata: {\n\nevent: at\n\n" + text),
		"in lines": strings.NewReader(strings.ReplaceAll(text, `,"kind"`, "\ndata: ,\"kind\"")),
		"cut":      strings.NewReader(text + "event: reset\ndata: {\"position\":1}\n"),
	} {
		got, err := readAll(r)
		if err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %d messages", name, err, len(got))
		}
	}
}

func TestMessagesThatNoReaderWouldTakeAreNotWritten(t *testing.T) {
	for _, a := range []feed.At{
		{}, {AsOf: noon, StaleAfter: 1, WhenStale: feed.Refuse}, {AsOf: noon, StaleAfter: 3601, WhenStale: feed.Refuse},
		{AsOf: noon, StaleAfter: 10}, {AsOf: noon, StaleAfter: 10, WhenStale: "odd"}, {StaleAfter: 10, WhenStale: feed.Refuse},
	} {
		if _, err := a.Append(nil); err == nil {
			t.Errorf("written: %+v", a)
		}
	}
	if _, err := lenientAt().Append(nil); err != nil {
		t.Errorf("control: %v", err)
	}
}

// FuzzReader: no stream makes the reader fail in another way than by an error, and
// what it takes can be written and read again.
func FuzzReader(f *testing.F) {
	f.Add(write(f, everyMessage()))
	f.Add([]byte("\uFEFFid: 1\revent: at\r\ndata:{}\n\ndata\ndata:\n\n:\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		all, err := readAll(bytes.NewReader(stream))
		if err == nil {
			t.Fatal("no end")
		}
		slowly, again := readAll(iotest.OneByteReader(bytes.NewReader(stream)))
		if !reflect.DeepEqual(all, slowly) || (err == io.EOF) != errors.Is(again, io.EOF) {
			t.Fatalf("%v and %v, depending on the speed", err, again)
		}
		for _, m := range all {
			b, err := m.Append(nil)
			if err != nil {
				continue // a year beyond what JSON has, for instance
			}
			got, _ := readAll(bytes.NewReader(b))
			if len(got) != 1 {
				t.Fatalf("%+v became %+v", m, got)
			}
		}
	})
}
