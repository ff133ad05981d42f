package signer

import (
	"bytes"
	"testing"
)

// scripted is a program that says what it always says.
type scripted struct{ *bytes.Reader }

func (scripted) Write(p []byte) (int, error) { return len(p), nil }
func (scripted) end()                        {}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"id":1,"version":1,"algorithms":["ES256"]}` + "\n"))
	f.Add([]byte(`{"id":1,"error":{"code":"locked"}}` + "\n{}\n"))
	f.Add([]byte(`{"id":1,"keys":[{"key":"a","algorithm":"ES256","public":"AA=="}],"more":true}` + "\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		l := newLink(scripted{bytes.NewReader(said)}, 4)
		a, err := l.ask(t.Context(), question{Op: "hello"})
		<-l.dead
		if l.reason() == nil || l.answers() > 1 {
			t.Error("a link went on after its end, or took an answer that nobody asked for")
		}
		if err == nil && a.Key != nil {
			if k, err := (&Client{}).keyOf(*a.Key); err == nil && (k.public == nil || k.name == "") {
				t.Error("half a key was taken")
			}
		}
	})
}

func TestLongQuestion(t *testing.T) {
	if _, err := (question{ID: 1 << 63, Op: "sign", Key: "k", Message: make([]byte, MaxMessage)}).line(); err != nil {
		t.Error(err)
	}
	if _, err := (question{Message: make([]byte, MaxLine)}).line(); err == nil {
		t.Error("a line that is too long was written")
	}
}
