package protocol_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// toy has one key, "k", which signs by repeating.
type toy struct {
	arrived chan struct{} // a signature waits until so many have begun
	at      int
}

func (toy) Offers() ([]string, error) { return []string{"ES256", "Ed25519"}, nil }

func (toy) Generate(algorithm, label string) (protocol.Key, error) {
	if algorithm != "ES256" {
		return protocol.Key{}, protocol.Fail(protocol.Unsupported, "ES256 alone")
	}
	return protocol.Key{Name: "made for " + label, Algorithm: algorithm, Public: []byte("p")}, nil
}

func (toy) Find(name string) (protocol.Key, error) {
	switch name {
	case "k":
		return protocol.Key{Name: "k", Algorithm: "ES256", Public: []byte("p")}, nil
	case "broken":
		return protocol.Key{}, errors.New("the PIN 1234 fell out")
	case "huge":
		return protocol.Key{Name: "huge", Public: make([]byte, protocol.MaxLine)}, nil
	}
	return protocol.Key{}, protocol.Fail(protocol.UnknownKey, "there is k")
}

func (toy) List(after string) ([]protocol.Key, bool, error) {
	return []protocol.Key{{Name: after + "a"}}, true, nil
}

func (k toy) Sign(_, _ string, input []byte) ([]byte, error) {
	if k.arrived != nil {
		k.arrived <- struct{}{}
		for len(k.arrived) < k.at {
		}
	}
	return input, nil
}

func serve(t testing.TB, said string, k protocol.Keeper) ([]string, error) {
	t.Helper()
	var out bytes.Buffer
	err := protocol.Serve(strings.NewReader(said), &out, protocol.Config{Keeper: k, Concurrent: 4})
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), err
}

const hello = `{"id":1,"op":"hello","versions":[3,1]}` + "\n"

func TestConversation(t *testing.T) {
	digest, _ := json.Marshal(make([]byte, 32))
	message, _ := json.Marshal(make([]byte, protocol.MaxMessage+1))
	for _, c := range []struct{ ask, want string }{
		{`"op":"generate","algorithm":"ES256","label":"x"`, `"key":{"key":"made for x","algorithm":"ES256","public":"cA=="}`},
		{`"op":"generate","algorithm":"ES256","label":"\n"`, `bad_request`},
		{`"op":"generate","algorithm":"RS256"`, `"code":"unsupported"`},
		{`"op":"find","key":"k"`, `"key":{"key":"k"`},
		{`"op":"find","key":"other"`, `"code":"unknown_key"`},
		{`"op":"find","key":""`, `"code":"unknown_key"`},
		{`"op":"find","key":"broken"`, `"code":"module"`},
		{`"op":"find","key":"huge"`, `"code":"module"`},
		{`"op":"list","after":"b"`, `"keys":[{"key":"ba","algorithm":"","public":null}],"more":true`},
		{`"op":"sign","key":"k","algorithm":"ES256","digest":` + string(digest), `"signature":` + string(digest)},
		{`"op":"sign","key":"k","algorithm":"ES256","digest":"AAAA"`, `bad_request`},
		{`"op":"sign","key":"k","algorithm":"ES256","message":` + string(digest), `bad_request`},
		{`"op":"sign","key":"k","algorithm":"Ed25519","message":` + string(digest), `"signature":` + string(digest)},
		{`"op":"sign","key":"k","algorithm":"Ed25519","digest":` + string(digest), `bad_request`},
		{`"op":"sign","key":"k","algorithm":"Ed25519","message":` + string(message), `bad_request`},
		{`"op":"sign","key":"k","algorithm":"none","digest":` + string(digest), `unsupported`},
		{`"op":"sign","algorithm":"ES256","digest":` + string(digest), `unknown_key`},
		{`"op":"dance"`, `unsupported`},
		{`"op":"hello","versions":[2]`, `"code":"version"`},
	} {
		lines, err := serve(t, hello+`{"id":7,`+c.ask+"}\n", toy{})
		if err != nil || len(lines) != 2 || lines[0] != `{"id":1,"version":1,"algorithms":["ES256","Ed25519"]}` {
			t.Fatalf("%s: %q, %v", c.ask, lines, err)
		}
		if !strings.HasPrefix(lines[1], `{"id":7,`) || !strings.Contains(lines[1], c.want) || strings.Contains(lines[1], "1234") {
			t.Errorf("%.80s: %.200s, want %.80s", c.ask, lines[1], c.want)
		}
	}
}

func TestGreetingComesFirst(t *testing.T) {
	lines, err := serve(t, `{"id":1,"op":"find","key":"k"}`+"\n"+`{"id":2,"op":"hello","versions":[9]}`+"\n"+`{"id":3,"op":"find","key":"k"}`+"\n", toy{})
	if err != nil || len(lines) != 3 || !strings.Contains(lines[0], "bad_request") || !strings.Contains(lines[1], "version") || !strings.Contains(lines[2], "bad_request") {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestNoQuestion(t *testing.T) {
	for _, said := range []string{"x\n", "{}\n", `{"id":0,"op":"list"}` + "\n", `{"id":-1}` + "\n", strings.Repeat("x", protocol.MaxLine+1)} {
		if _, err := serve(t, hello+said, toy{}); err == nil {
			t.Errorf("%.20q was taken for a question", said)
		}
	}
	if _, err := serve(t, hello+"half a li", toy{}); err != nil {
		t.Errorf("an end in the middle of a line: %v", err)
	}
	if err := protocol.Serve(strings.NewReader(""), io.Discard, protocol.Config{}); err == nil {
		t.Error("a program without keys serves")
	}
}

// Questions are answered beside each other: a slow one holds up no other.
func TestAtOnce(t *testing.T) {
	digest, _ := json.Marshal(make([]byte, 32))
	said := hello
	for id := range 4 {
		said += fmt.Sprintf(`{"id":%d,"op":"sign","key":"k","algorithm":"ES256","digest":%s}`+"\n", id+2, digest)
	}
	lines, err := serve(t, said, toy{arrived: make(chan struct{}, 4), at: 4})
	if err != nil || len(lines) != 5 {
		t.Errorf("%d answers, %v", len(lines), err)
	}
}

func FuzzServe(f *testing.F) {
	f.Add([]byte(hello + `{"id":2,"op":"list"}` + "\n" + `{"id":3,"op":"find","key":"k"}` + "\n"))
	f.Add([]byte(`{"id":2,"op":"sign","algorithm":"ES256"}` + "\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		var out bytes.Buffer
		_ = protocol.Serve(bytes.NewReader(said), &out, protocol.Config{Keeper: toy{}})
		for line := range bytes.Lines(out.Bytes()) {
			if len(line) > protocol.MaxLine || !json.Valid(line) {
				t.Errorf("it answered %q", line)
			}
		}
		if asked := bytes.Count(said, []byte{'\n'}); bytes.Count(out.Bytes(), []byte{'\n'}) > asked {
			t.Error("more answers than questions")
		}
	})
}
