package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// TasksConfig is what Tasks are made of. URL and Source are required.
type TasksConfig struct {
	// URL is where the issuer keeps tasks, …/tasks: https, or http on loopback. It
	// is the audience of the tokens that are shown there.
	URL string
	// Source fetches those tokens. It needs a DPoP key, or a transport with a client
	// certificate: the key of its tokens is the holder of the tasks it opens, and
	// nobody else can renew them.
	Source *Source
	// Transport carries the requests; default http.DefaultTransport.
	Transport http.RoundTripper
	// Timeout bounds one request; default 10 s, at most a minute.
	Timeout time.Duration

	_ struct{}
}

// Tasks opens tasks at an issuer and says how they go. Tokens that are fetched
// with Config.Task die with their task. The zero Tasks returns only errors.
type Tasks struct {
	base     string
	audience narrowcast.Audience
	source   *Source
	client   *http.Client
	timeout  time.Duration
}

// NewTasks makes Tasks, or returns every fault of the configuration.
func NewTasks(c TasksConfig) (*Tasks, error) {
	var errs []error
	audience, err := narrowcast.ParseAudience(c.URL)
	if err == nil {
		err = checkEndpoint(c.URL)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("URL: %w", err))
	}
	if c.Source == nil {
		errs = append(errs, errors.New("Source is required"))
	}
	if c.Timeout < 0 || c.Timeout > ceilingTimeout {
		errs = append(errs, fmt.Errorf("Timeout is %s; allowed are 0 (meaning %s) to %s", c.Timeout, DefaultTimeout, ceilingTimeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("client: tasks: %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Tasks{
		base: audience.String(), audience: audience, source: c.Source, timeout: c.Timeout,
		client: &http.Client{Transport: c.Transport, CheckRedirect: noRedirect},
	}, nil
}

// TaskRequest is what a new task is for.
type TaskRequest struct {
	Resources []narrowcast.Audience // that it works with; required
	Parent    narrowcast.TaskID     // the task that it is a part of; default none
	Label     string                // for people
	Life      time.Duration         // from now to its deadline, whole seconds; default as long as may be
	Lease     time.Duration         // how long one renewal lasts, whole seconds; default what the issuer says
}

// Task is a task as the issuer sees it. Times are by its clock.
type Task struct {
	ID        narrowcast.TaskID   `json:"task"`
	State     string              `json:"state"` // running, paused or ended
	Outcome   string              `json:"outcome,omitempty"`
	Parent    narrowcast.TaskID   `json:"parent,omitempty"`
	RetryOf   narrowcast.TaskID   `json:"retry_of,omitempty"`
	Client    narrowcast.ClientID `json:"client_id"`
	Holder    string              `json:"holder"`
	Label     string              `json:"label,omitempty"`
	Resources []string            `json:"resources"`
	Attempt   int                 `json:"attempt"`
	Opened    time.Time           `json:"opened"`
	Deadline  time.Time           `json:"deadline"`
	LeaseFor  int64               `json:"lease_for"` // seconds
	Lease     time.Time           `json:"lease"`     // it ends then unless it is renewed
	Ended     time.Time           `json:"ended,omitzero"`
}

// ErrTaskOver is wrapped when a task has ended, or is not known to the issuer.
var ErrTaskOver = errors.New("the task is over")

// Open begins a task.
func (t *Tasks) Open(ctx context.Context, r TaskRequest) (Task, error) {
	body := struct {
		Resources  []narrowcast.Audience `json:"resources"`
		Parent     narrowcast.TaskID     `json:"parent,omitempty"`
		Label      string                `json:"label,omitempty"`
		DeadlineIn int64                 `json:"deadline_in,omitempty"`
		LeaseFor   int64                 `json:"lease_for,omitempty"`
	}{r.Resources, r.Parent, r.Label, int64(r.Life / time.Second), int64(r.Lease / time.Second)}
	text, err := json.Marshal(body)
	if err != nil {
		return Task{}, fmt.Errorf("client: opening a task: %w", err)
	}
	return t.do(ctx, http.MethodPost, "", text)
}

// Renew says that the work goes on, and lengthens the lease.
func (t *Tasks) Renew(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "renew")
}

// End says that the work is done.
func (t *Tasks) End(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "end")
}

// Fail says that the work is over and was not done.
func (t *Tasks) Fail(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "fail")
}

// Retry ends this attempt and begins another one, under the id that is returned.
func (t *Tasks) Retry(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "retry")
}

// Kill stops a task of the same client from outside.
func (t *Tasks) Kill(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "kill")
}

// Pause makes the tokens of the task count for nothing until Resume.
func (t *Tasks) Pause(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "pause")
}

// Resume makes them count again.
func (t *Tasks) Resume(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	return t.verb(ctx, id, "resume")
}

// Get returns a task of the same client.
func (t *Tasks) Get(ctx context.Context, id narrowcast.TaskID) (Task, error) {
	path, err := taskPath(id, "")
	if err != nil {
		return Task{}, err
	}
	return t.do(ctx, http.MethodGet, path, nil)
}

// List returns the tasks of the same client, the oldest first; live leaves out
// those that have ended. The issuer may return only the first of many.
func (t *Tasks) List(ctx context.Context, live bool) ([]Task, error) {
	query := ""
	if live {
		query = "?live=true"
	}
	text, err := t.ask(ctx, http.MethodGet, query, nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Tasks []Task `json:"tasks"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("client: tasks at %s: the answer holds no tasks", t.base)
	}
	return answer.Tasks, nil
}

func (t *Tasks) verb(ctx context.Context, id narrowcast.TaskID, verb string) (Task, error) {
	path, err := taskPath(id, verb)
	if err != nil {
		return Task{}, err
	}
	return t.do(ctx, http.MethodPost, path, []byte("{}"))
}

func taskPath(id narrowcast.TaskID, verb string) (string, error) {
	if _, err := narrowcast.ParseTaskID(string(id)); err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	path := "/" + url.PathEscape(string(id))
	if verb != "" {
		path += "/" + verb
	}
	return path, nil
}

func (t *Tasks) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	if t == nil || t.source == nil {
		return nil, errNoSource
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	text, err := t.call(ctx, method, path, body)
	if err != nil {
		return nil, fmt.Errorf("client: tasks at %s: %w", t.base, err)
	}
	return text, nil
}

func (t *Tasks) do(ctx context.Context, method, path string, body []byte) (Task, error) {
	text, err := t.ask(ctx, method, path, body)
	if err != nil {
		return Task{}, err
	}
	var task Task
	if err := json.Unmarshal(text, &task); err != nil || task.ID == "" {
		return Task{}, fmt.Errorf("client: tasks at %s: the answer holds no task", t.base)
	}
	return task, nil
}

// call asks once, and once more when only a nonce or a fresh token was missing:
// every verb may be repeated.
func (t *Tasks) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	scope, err := narrowcast.ParseScope("run")
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		token, err := t.source.Token(ctx, t.audience, scope)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, method, t.base+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		if err := token.Authorize(req); err != nil {
			return nil, err
		}
		resp, err := t.client.Do(req)
		if err != nil {
			return nil, err
		}
		text, err := readBounded(resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated:
			return text, nil
		case !again && token.Answered(req, resp):
		case !again && resp.StatusCode == http.StatusUnauthorized && t.source.Drop(token):
		default:
			return nil, taskRefusal(resp.StatusCode, text)
		}
	}
}

func taskRefusal(status int, body []byte) error {
	err := refusal(status, body, &Request{})
	var e *Error
	if errors.As(err, &e) && (e.Code == "task_ended" || status == http.StatusNotFound && e.Code == "not_found") {
		return fmt.Errorf("%w: %w", ErrTaskOver, err)
	}
	return err
}
