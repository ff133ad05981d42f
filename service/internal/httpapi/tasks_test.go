package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/dpop"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/httpapi"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// workshop is a house with tasks, whose doors take proofs.
type workshop struct {
	*house
	kept *storetest.Memory
}

func openWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{}
	clock := func() time.Time { return w.now }
	checker, err := dpop.New(dpop.Config{Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	w.kept = storetest.NewMemory(clock)
	desk, err := task.New(task.Config{Book: w.kept, Tasks: w.kept, Now: clock, Writer: "issuer/1/tasks"})
	if err != nil {
		t.Fatal(err)
	}
	w.house = openWith(t, ours, func(*issuer.Config) {}, func(c *httpapi.Config) { c.DoorProofs.Checker, c.Tasks = checker, desk })
	return w
}

// runner is a client with a key.
type runner struct {
	client narrowcast.ClientID
	key    *dpop.Prover
	door   string
	scope  string
}

func newRunner(t *testing.T, client narrowcast.ClientID) *runner {
	return &runner{client: client, key: newProver(t), door: "/tasks", scope: "run"}
}

// ask sends a request with a bound token and its proof.
func (w *workshop) ask(t *testing.T, who *runner, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	token, err := w.press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience(ours + who.door), Subject: narrowcast.Subject(who.client), Client: who.client, ID: mint.NewTokenID(),
		IssuedAt: w.now, Lifetime: time.Minute, Scope: narrowcast.MustScope(who.scope), Confirmation: mint.Confirmation{Key: who.key.Thumbprint()},
	})
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(ours+path, "?")
	proof, err := who.key.Prove(method, address, token, "", w.now)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	for _, e := range edit {
		e(r)
	}
	return w.do(r)
}

const work = `{"resources":["https://pay.example.test"],"label":"nightly","deadline_in":60}`

func (w *workshop) opened(t *testing.T, who *runner) string {
	t.Helper()
	answer := w.ask(t, who, http.MethodPost, "/tasks", work)
	id, ok := object(t, answer.Body)["task"].(string)
	if answer.Code != http.StatusCreated || !ok || answer.Header().Get("Location") != ours+"/tasks/"+id {
		t.Fatalf("opening: %d %v", answer.Code, answer.Header())
	}
	return "/tasks/" + id
}

// A runner works, and nobody else keeps its task alive.
func TestTheHolderOfATaskIsAKey(t *testing.T) {
	w := openWorkshop(t)
	mine, sibling, thief := newRunner(t, "checkout"), newRunner(t, "checkout"), newRunner(t, "legacy")
	path := w.opened(t, mine)
	for _, c := range []struct {
		who        *runner
		verb, code string
		status     int
	}{
		{mine, "renew", "", 200}, {sibling, "renew", "forbidden", 403}, {thief, "renew", "not_found", 404},
		{sibling, "end", "forbidden", 403}, {mine, "pause", "", 200}, {mine, "renew", "", 200}, {mine, "resume", "", 200},
		{mine, "retry", "", 200}, {mine, "end", "task_ended", 409}, {thief, "kill", "not_found", 404},
	} {
		answer := w.ask(t, c.who, http.MethodPost, path+"/"+c.verb, "")
		said := object(t, answer.Body)
		if code, _ := said["error"].(string); answer.Code != c.status || code != c.code {
			t.Errorf("%s: %d %v, want %d %s", c.verb, answer.Code, said, c.status, c.code)
		}
		if c.verb == "retry" && (said["attempt"] != 2.0 || said["retry_of"] != strings.TrimPrefix(path, "/tasks/")) {
			t.Errorf("the next attempt: %v", said)
		}
	}
	second := w.opened(t, mine)
	if answer := w.ask(t, sibling, http.MethodPost, second+"/kill", "{}"); answer.Code != 200 || object(t, answer.Body)["outcome"] != task.Killed {
		t.Errorf("another key of the client kills: %d", answer.Code)
	}
}

func TestWhatATaskSaysOfItself(t *testing.T) {
	w := openWorkshop(t)
	mine := newRunner(t, "checkout")
	path := w.opened(t, mine)
	said := object(t, w.ask(t, mine, http.MethodGet, path, "").Body)
	for name, want := range map[string]any{
		"state": "running", "client_id": "checkout", "label": "nightly", "attempt": 1.0, "lease_for": 10.0,
		"holder": "jkt:" + mine.key.Thumbprint(), "deadline": w.now.Add(time.Minute).UTC().Format(time.RFC3339),
		"lease": w.now.Add(10 * time.Second).UTC().Format(time.RFC3339),
	} {
		if said[name] != want {
			t.Errorf("%s is %v, want %v", name, said[name], want)
		}
	}
	w.opened(t, newRunner(t, "legacy"))
	for query, want := range map[string]int{"": 1, "?live=true": 1, "?parent=task-x": 0} {
		answer := w.ask(t, mine, http.MethodGet, "/tasks"+query, "")
		if tasks, ok := object(t, answer.Body)["tasks"].([]any); answer.Code != 200 || !ok || len(tasks) != want {
			t.Errorf("%q: %d, %d tasks", query, answer.Code, len(tasks))
		}
	}
	for _, query := range []string{"?live=yes", "?limit=1", "?live=true&live=true", "?parent=%00", "?%"} {
		if answer := w.ask(t, mine, http.MethodGet, "/tasks"+query, ""); answer.Code != 400 {
			t.Errorf("%q: %d", query, answer.Code)
		}
	}
}

// What the door of tasks does not let in: tokens that are bound to no key above
// all, since the key is the holder.
func TestTheDoorOfTasks(t *testing.T) {
	w := openWorkshop(t)
	mine := newRunner(t, "checkout")
	post := func(edit ...func(*http.Request)) int {
		return w.ask(t, mine, http.MethodPost, "/tasks", work, edit...).Code
	}
	if code := post(); code != 201 {
		t.Errorf("control: %d", code)
	}
	plain := w.token(t, "checkout", ours+"/tasks", "run")
	if code := post(func(r *http.Request) { r.Header.Del("DPoP"); bearer(plain)(r) }); code != 401 {
		t.Errorf("a bearer token: %d", code)
	}
	if e := w.book.last(t); e.Reason != narrowcast.BindingRequired {
		t.Errorf("the book says %v", e.Reason)
	}
	if code := post(func(r *http.Request) { r.Header.Del("DPoP") }); code != 401 {
		t.Errorf("without the proof: %d", code)
	}
	mine.scope = "report"
	if code := post(); code != 403 {
		t.Errorf("another scope: %d", code)
	}
	mine.scope, mine.door = "run", "/admin"
	if code := post(); code != 401 {
		t.Errorf("another door: %d", code)
	}
	if answer := w.get("/.well-known/oauth-protected-resource/tasks"); answer.Code != 200 || object(t, answer.Body)["resource"] != ours+"/tasks" {
		t.Errorf("metadata: %d", answer.Code)
	}
	// Without tasks there is no door, and without a way to show keys no house.
	if answer := open(t, ours).get("/tasks"); answer.Code != 404 {
		t.Errorf("no tasks: %d", answer.Code)
	}
	c := w.config(ours)
	c.Tasks = &task.Desk{}
	if _, err := httpapi.New(c); err == nil || !strings.Contains(err.Error(), "Sender is required") {
		t.Errorf("tasks without proofs: %v", err)
	}
}

func TestAdministratorsStopTasks(t *testing.T) {
	w := openWorkshop(t)
	mine, ops := newRunner(t, "checkout"), newRunner(t, "ops")
	ops.door, ops.scope = "/admin", "revoke"
	path := w.opened(t, mine)
	for _, c := range []struct {
		who    *runner
		path   string
		status int
	}{
		{ops, "/admin/v1" + path + "/pause", 200}, {mine, path + "/resume", 403}, {ops, "/admin/v1" + path + "/resume", 200},
		{mine, "/admin/v1" + path + "/kill", 401}, {ops, path + "/kill", 401}, {ops, "/admin/v1" + path + "/renew", 404},
		{ops, "/admin/v1/tasks/task-none/kill", 404}, {ops, "/admin/v1" + path + "/kill", 200}, {ops, "/admin/v1" + path + "/kill", 200},
		{mine, path + "/renew", 409},
	} {
		if answer := w.ask(t, c.who, http.MethodPost, c.path, ""); answer.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.path, answer.Code, answer.Body, c.status)
		}
	}
	// Reading and changing need different scopes.
	ops.scope = "read"
	if answer := w.ask(t, ops, http.MethodPost, "/admin/v1"+path+"/kill", ""); answer.Code != 403 {
		t.Errorf("with the scope read: %d", answer.Code)
	}
	if answer := w.get("/admin/v1/ledger/x", bearer(w.token(t, "ops", ours+"/admin", "revoke"))); answer.Code != 403 {
		t.Errorf("reading with the scope revoke: %d", answer.Code)
	}
}

func TestTheBodyThatOpensATask(t *testing.T) {
	w := openWorkshop(t)
	mine := newRunner(t, "checkout")
	token := w.token(t, "checkout", pay, "charge")
	for body, status := range map[string]int{
		work: 201,
		`{"resources":["https://pay.example.test"],"lease_for":300,"deadline":"` + w.now.Add(time.Hour).UTC().Format(time.RFC3339) + `"}`: 201,
		``: 400, `[]`: 400, `{}`: 400, work + work: 400, `{"resources":["https://pay.example.test"],"holder":"jkt:x"}`: 400,
		`{"resources":["https://pay.example.test"],"Label":"x"}`:                                       400,
		`{"resources":["https://pay.example.test"],"label":"a","label":"b"}`:                           400,
		`{"resources":["https://pay.example.test"],"label":null}`:                                      400,
		`{"resources":"https://pay.example.test"}`:                                                     400,
		`{"resources":["https://pay.example.test"],"lease_for":"10s"}`:                                 400,
		`{"resources":["https://pay.example.test"],"lease_for":1}`:                                     400,
		`{"resources":["https://pay.example.test"],"deadline_in":9223372036854775807}`:                 400,
		`{"resources":["https://pay.example.test"],"deadline_in":5,"deadline":"2090-01-01T00:00:00Z"}`: 400,
		`{"resources":["https://pay.example.test"],"label":"` + token + `"}`:                           400,
		`{"resources":["https://pay.example.test"],"parent":"task-none"}`:                              404,
		`{"resources":["https://pay.example.test"],"label":"` + strings.Repeat("x", 16<<10) + `"}`:     413,
	} {
		answer := w.ask(t, mine, http.MethodPost, "/tasks", body)
		if answer.Code != status || status >= 400 && strings.Contains(answer.Body.String(), "eyJ") {
			t.Errorf("%.80s: %d %s", body, answer.Code, answer.Body)
		}
	}
	if answer := w.ask(t, mine, http.MethodPost, "/tasks", work, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }); answer.Code != 415 {
		t.Errorf("another type: %d", answer.Code)
	}
	path := w.opened(t, mine)
	for body, status := range map[string]int{"{}": 200, "": 200, `{"force":true}`: 400, "x": 400, strings.Repeat(" ", 100): 400} {
		if answer := w.ask(t, mine, http.MethodPost, path+"/renew", body); answer.Code != status {
			t.Errorf("renew with %q: %d", body, answer.Code)
		}
	}
	if answer := w.ask(t, mine, http.MethodPost, path+"/renew?force=1", ""); answer.Code != 400 {
		t.Errorf("renew with a query: %d", answer.Code)
	}
	for r, err := range w.kept.Find(t.Context(), store.Query{}) {
		if err != nil || r.Event.Type != event.TaskOpened {
			t.Errorf("%v %v", err, r.Event.Type)
		}
	}
	if err := w.kept.Close(); err != nil {
		t.Fatal(err)
	}
	if answer := w.ask(t, mine, http.MethodPost, "/tasks", work); answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a store that is closed: %d", answer.Code)
	}
}
