package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

const (
	tasksPath = "/tasks"
	adminPath = "/admin"

	scopeRun    = "run"
	scopeRevoke = "revoke"
)

// taskDoor makes the door of tasks. Tokens for it must be bound to a key, since
// that key is who alone may renew a task.
func (a *API) taskDoor(writer string) (err error) {
	if a.config.Tasks != nil {
		a.tasks, err = a.door(writer, tasksPath, scopeRun)
	}
	return err
}

// senderAt says whether tokens at a door must be bound to a key.
func senderAt(path string) guard.Sender {
	if path == tasksPath {
		return guard.SenderRequired
	}
	return guard.SenderOfVerifier
}

// scopesAt are the scopes of a door. At that of administrators reading and
// changing differ.
func scopesAt(path string, scope narrowcast.Scope) narrowcast.Scope {
	if path != adminPath {
		return scope
	}
	both, err := narrowcast.ParseScope(scope.String() + " " + scopeRevoke)
	if err != nil {
		return scope
	}
	return both
}

// scopeFor is the scope that a request needs at a door.
func scopeFor(path string, scope narrowcast.Scope, r *http.Request) narrowcast.Scope {
	if path != adminPath || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return scope
	}
	revoke, err := narrowcast.ParseScope(scopeRevoke)
	if err != nil {
		return scope
	}
	return revoke
}

// alsoRun runs a door in the background, which may be nil. What it returns waits
// for its end.
func alsoRun(ctx context.Context, d *door) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if d != nil {
			d.guard.Run(ctx)
		}
	}()
	return func() { <-done }
}

// holderOf names the key that an accepted token is bound to (RFC 9449 section
// 6.1, RFC 8705 section 3.1), or is "". The guard has seen its proof.
func holderOf(token *narrowcast.Token) string {
	claim, _ := token.Claim("cnf")
	var cnf struct {
		Key         string `json:"jkt"`
		Certificate string `json:"x5t#S256"`
	}
	if err := json.Unmarshal([]byte(claim), &cnf); err != nil {
		return ""
	}
	switch {
	case cnf.Key != "":
		return "jkt:" + cnf.Key
	case cnf.Certificate != "":
		return "x5t#S256:" + cnf.Certificate
	}
	return ""
}
