package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// maxTaskBody bounds a request to open a task.
const maxTaskBody = 16 << 10

// longestSpan keeps seconds from overflowing; the desk has bounds of its own.
const longestSpan = 365 * 24 * 60 * 60

// openBody is what a client may say of a new task. A deadline is either a time
// or a number of seconds from now, for clients that do not trust their clock.
type openBody struct {
	Parent     string    `json:"parent"`
	Resources  []string  `json:"resources"`
	Label      string    `json:"label"`
	Deadline   time.Time `json:"deadline"`
	DeadlineIn int64     `json:"deadline_in"`
	LeaseFor   int64     `json:"lease_for"`
}

// taskAnswer is a task on the wire. Spans are whole seconds.
type taskAnswer struct {
	Task      string    `json:"task"`
	State     string    `json:"state"`
	Outcome   string    `json:"outcome,omitempty"`
	Parent    string    `json:"parent,omitempty"`
	RetryOf   string    `json:"retry_of,omitempty"`
	Client    string    `json:"client_id"`
	Holder    string    `json:"holder"`
	Label     string    `json:"label,omitempty"`
	Resources []string  `json:"resources"`
	Attempt   int       `json:"attempt"`
	Opened    time.Time `json:"opened"`
	Deadline  time.Time `json:"deadline"`
	LeaseFor  int64     `json:"lease_for"`
	Lease     time.Time `json:"lease"` // when it ends unless it is renewed
	Ended     time.Time `json:"ended,omitzero"`
}

type tasksAnswer struct {
	Tasks     []taskAnswer `json:"tasks"`
	Truncated bool         `json:"truncated,omitempty"`
}

func answerOf(t store.Task) taskAnswer {
	answer := taskAnswer{
		Task: string(t.ID), State: string(t.State), Parent: string(t.Parent), RetryOf: string(t.RetryOf), Client: string(t.Client),
		Holder: t.Holder, Label: t.Label, Resources: t.Resources, Attempt: t.Attempt, Opened: t.Opened, Deadline: t.Deadline,
		LeaseFor: int64(t.LeaseFor / time.Second), Lease: t.Due(), Ended: t.Ended,
	}
	if t.State == store.TaskEnded {
		answer.Outcome = t.Outcome
	}
	return answer
}

func unreadable(sentence string) *refused {
	return &refused{http.StatusBadRequest, "invalid_request", sentence}
}

// readOpen reads the body of a request to open a task.
func readOpen(w *reply, r *http.Request, now time.Time) (task.OpenRequest, *refused) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return task.OpenRequest{}, &refused{http.StatusUnsupportedMediaType, "invalid_request", "Send application/json."}
	}
	if r.URL.RawQuery != "" {
		return task.OpenRequest{}, unreadable("Parameters belong into the body.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, maxTaskBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return task.OpenRequest{}, &refused{http.StatusRequestEntityTooLarge, "invalid_request", "The body has more than 16 KiB."}
	}
	if err != nil {
		return task.OpenRequest{}, unreadable("The body ended early.")
	}
	return parseOpen(body, now)
}

// parseOpen reads what stands in the body. Who asks is not in it.
func parseOpen(body []byte, now time.Time) (task.OpenRequest, *refused) {
	if !exactMembers(body, "parent", "resources", "label", "deadline", "deadline_in", "lease_for") {
		return task.OpenRequest{}, unreadable("The body must be one JSON object with the members parent, resources, label, deadline or deadline_in, and lease_for, each once and none of them null.")
	}
	var b openBody
	if err := json.Unmarshal(body, &b); err != nil {
		return task.OpenRequest{}, unreadable("A member of the body has another type than it should.")
	}
	switch {
	case b.LeaseFor < 0 || b.LeaseFor > longestSpan || b.DeadlineIn < 0 || b.DeadlineIn > longestSpan:
		return task.OpenRequest{}, unreadable("A span of time is outside its bounds.")
	case b.DeadlineIn != 0 && !b.Deadline.IsZero():
		return task.OpenRequest{}, unreadable("Say deadline or deadline_in, not both.")
	case slices.ContainsFunc(append(b.Resources, b.Parent, b.Label), func(s string) bool { return holdsToken([]byte(s)) }):
		return task.OpenRequest{}, unreadable("The body holds the text of a token.")
	}
	if b.Parent != "" {
		if _, err := narrowcast.ParseTaskID(b.Parent); err != nil {
			return task.OpenRequest{}, unreadable("The id of the parent cannot be read.")
		}
	}
	request := task.OpenRequest{
		Parent: narrowcast.TaskID(b.Parent), Resources: b.Resources, Label: b.Label, Deadline: b.Deadline,
		LeaseFor: time.Duration(b.LeaseFor) * time.Second,
	}
	if b.DeadlineIn > 0 {
		request.Deadline = now.Add(time.Duration(b.DeadlineIn) * time.Second)
	}
	return request, nil
}

// exactMembers reports whether body is one JSON object in UTF-8 that has no
// other members than these, each at most once, in these letters, and not null.
// The standard library takes "Label" for "label" and the last of two.
func exactMembers(body []byte, names ...string) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') || !utf8.Valid(body) {
		return false
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		at := slices.Index(names, name)
		if err != nil || !ok || at < 0 {
			return false
		}
		names = slices.Delete(slices.Clone(names), at, at+1)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil || string(value) == "null" {
			return false
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

// emptyBody reports whether the request has nothing in its body, or an empty
// object.
func emptyBody(w *reply, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, 64))
	return err == nil && (len(body) == 0 || exactMembers(body))
}

// readList reads the query of a question for tasks.
func readList(query string) (task.ListRequest, *refused) {
	var request task.ListRequest
	f, err := parseForm(query)
	if err != nil || len(query) > maxTaskBody || f.repeats() {
		return request, unreadable("The query cannot be read.")
	}
	for _, p := range f {
		switch {
		case p.name == "live" && (p.value == "true" || p.value == "false"):
			request.Live = p.value == "true"
		case p.name == "parent" && !strings.ContainsFunc(p.value, unprintable):
			request.Parent = narrowcast.TaskID(p.value)
		default:
			return request, unreadable("The parameters are live, true or false, and parent, the id of a task.")
		}
	}
	return request, nil
}
