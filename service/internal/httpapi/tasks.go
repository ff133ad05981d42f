package httpapi

import (
	"context"
	"errors"
	"net/http"
	"path"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/task"
)

// Tasks opens tasks and changes their states. A *task.Desk is one.
type Tasks interface {
	Open(ctx context.Context, r task.OpenRequest) (store.Task, error)
	Renew(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	End(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Fail(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Kill(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Pause(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Resume(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Retry(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	Get(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)
	List(ctx context.Context, c task.Caller, r task.ListRequest) (tasks []store.Task, more bool, err error)
}

// taskVerb changes one task.
type taskVerb func(ctx context.Context, c task.Caller, id narrowcast.TaskID) (store.Task, error)

// taskRoutes are the routes of tasks, when there are any.
func (a *API) taskRoutes() []route {
	t := a.config.Tasks
	if t == nil {
		return nil
	}
	read := []string{http.MethodGet, http.MethodHead}
	post := []string{http.MethodPost}
	guarded := func(h handler) handler { return a.behind(a.tasks, tasksPath, h) }
	all := []route{
		{a.path + tasksPath, tasksPath, append(post, read...), guarded(a.tasksRoot)},
		{a.path + tasksPath + "/{id}", tasksPath, read, guarded(a.changeTask(t.Get, false))},
		{a.tasks.guard.MetadataPath(), "/.well-known", read, plain(a.tasks.guard.Metadata())},
	}
	for name, verb := range map[string]taskVerb{
		"renew": t.Renew, "end": t.End, "fail": t.Fail, "kill": t.Kill, "pause": t.Pause, "resume": t.Resume, "retry": t.Retry,
	} {
		all = append(all, route{a.path + tasksPath + "/{id}/" + name, tasksPath + "/" + name, post, guarded(a.changeTask(verb, false))})
	}
	const admin = "/admin/v1" + tasksPath
	for name, verb := range map[string]taskVerb{"kill": t.Kill, "pause": t.Pause, "resume": t.Resume} {
		h := a.behind(a.readers, admin, a.changeTask(verb, true))
		all = append(all, route{a.path + admin + "/{id}/" + name, admin + "/" + name, post, h})
	}
	return all
}

// tasksRoot opens a task or lists those that there are.
func (a *API) tasksRoot(w *reply, r *http.Request) {
	if r.Method == http.MethodPost {
		a.openTask(w, r)
		return
	}
	a.listTasks(w, r)
}

// openTask opens a task whose holder is the key that the token is bound to.
func (a *API) openTask(w *reply, r *http.Request) {
	request, wrong := readOpen(w, r, a.config.Now())
	if wrong != nil {
		w.fail(wrong.status, wrong.code, wrong.sentence)
		return
	}
	caller, ok := a.taskCaller(w, r, false)
	if !ok {
		return
	}
	if !a.mayChangeTasks(w) {
		return
	}
	request.Client, request.Holder = caller.Client, caller.Holder
	t, err := a.config.Tasks.Open(r.Context(), request)
	if err != nil {
		a.taskRefused(w, err)
		return
	}
	w.Header().Set("Location", a.base+tasksPath+"/"+string(t.ID))
	w.json(http.StatusCreated, answerOf(t))
}

// changeTask does one thing with the task that the path names. A verb has no
// parameters, and what came all the same is refused rather than ignored.
func (a *API) changeTask(verb taskVerb, admin bool) handler {
	return func(w *reply, r *http.Request) {
		id, err := narrowcast.ParseTaskID(r.PathValue("id"))
		switch {
		case err != nil:
			w.fail(http.StatusBadRequest, "invalid_request", "The id of the task cannot be read.")
			return
		case r.URL.RawQuery != "" || !emptyBody(w, r):
			w.fail(http.StatusBadRequest, "invalid_request", "There are no parameters; the body is empty or {}.")
			return
		}
		caller, ok := a.taskCaller(w, r, admin)
		if !ok || r.Method == http.MethodPost && !admin && path.Base(r.URL.Path) != "renew" && !a.mayChangeTasks(w) {
			return
		}
		t, err := verb(r.Context(), caller, id)
		if err != nil {
			a.taskRefused(w, err)
			return
		}
		w.json(http.StatusOK, answerOf(t))
	}
}

// mayChangeTasks keeps one tenant from filling the book with tasks. A renewal
// writes nothing there.
func (a *API) mayChangeTasks(w *reply) bool {
	if q := a.config.TaskQuota; q == nil || q.TakeMany(1, a.config.Now()) {
		return true
	}
	w.Header().Set("Retry-After", "1")
	w.fail(http.StatusTooManyRequests, "temporarily_unavailable", "More tasks than this tenant may open and end. Try again later.")
	return false
}

func (a *API) listTasks(w *reply, r *http.Request) {
	request, wrong := readList(r.URL.RawQuery)
	if wrong != nil {
		w.fail(wrong.status, wrong.code, wrong.sentence)
		return
	}
	caller, ok := a.taskCaller(w, r, false)
	if !ok {
		return
	}
	tasks, more, err := a.config.Tasks.List(r.Context(), caller, request)
	if err != nil {
		a.taskRefused(w, err)
		return
	}
	answer := tasksAnswer{Tasks: make([]taskAnswer, 0, len(tasks)), Truncated: more}
	for _, t := range tasks {
		answer.Tasks = append(answer.Tasks, answerOf(t))
	}
	w.json(http.StatusOK, answer)
}

// taskRefused says why something is not done with a task.
func (a *API) taskRefused(w *reply, err error) {
	var refusal *task.Refusal
	if !errors.As(err, &refusal) {
		a.bookFailed(w, err)
		return
	}
	status, code := http.StatusBadRequest, "invalid_request"
	switch refusal.Ground {
	case task.Unknown:
		status, code = http.StatusNotFound, "not_found"
	case task.NotYours:
		status, code = http.StatusForbidden, "forbidden"
	case task.Over:
		status, code = http.StatusConflict, "task_ended"
	case task.Paused:
		status, code = http.StatusConflict, "task_paused"
	case task.Crowded:
		status, code = http.StatusTooManyRequests, "too_many_tasks"
		w.Header().Set("Retry-After", "1")
	}
	w.fail(status, code, refusal.Sentence)
}

// taskCaller is who asks, by the token that was shown. Away from the
// administrator's door the key that it is bound to must be known: the door lets
// nobody in without.
func (a *API) taskCaller(w *reply, r *http.Request, admin bool) (task.Caller, bool) {
	token, ok := guard.FromContext(r.Context())
	c := task.Caller{Admin: admin}
	if ok {
		c.Client = token.ClientID()
		c.Holder = holderOf(token)
	}
	if !ok || !admin && c.Holder == "" {
		w.fail(http.StatusForbidden, "forbidden", "Tokens for tasks must be bound to a key.")
		return task.Caller{}, false
	}
	return c, true
}
