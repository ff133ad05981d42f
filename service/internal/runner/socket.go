package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// SocketVariable names the environment variable that tells a command where its
// socket is. It is a path and no secret.
const SocketVariable = "NARROWCAST_SOCKET"

// Issued is a token on its way to the command. It is a secret.
type Issued struct {
	Token    string    `json:"access_token"`
	Resource string    `json:"resource"`
	Scope    string    `json:"scope,omitempty"`
	Expires  time.Time `json:"expires"`
	Survival *Survival `json:"worst_case_survival,omitempty"`
}

// Survival is for how many seconds a token may be accepted at most after its task
// has ended: by verifiers that follow the feed, by those that were cut off from it,
// and by those that never followed it.
type Survival struct {
	Connected int64 `json:"connected"`
	Stale     int64 `json:"stale"`
	Offline   int64 `json:"offline"`
}

// String names the token without it.
func (i Issued) String() string { return "token for " + i.Resource }

// GoString is String.
func (i Issued) GoString() string { return i.String() }

// Tokens fetches the tokens of a task.
type Tokens interface {
	// Token returns a token for one of the names that the task was opened for. It
	// returns ErrNotInTask for any other.
	Token(ctx context.Context, name, scope string) (Issued, error)
}

// ErrNotInTask: the task was not opened for this resource.
var ErrNotInTask = errors.New("the task was not opened for this resource")

// Socket hands out the tokens of one task to the processes of one user:
//
//	curl --unix-socket $NARROWCAST_SOCKET 'http://task/token?for=payments'
type Socket struct {
	dir      string
	server   *http.Server
	listener net.Listener
	done     chan struct{}
}

// ServeSocket makes a socket in a directory of its own, which only this user may
// enter, and answers there until Close.
func ServeSocket(tokens Tokens, log *slog.Logger) (*Socket, error) {
	dir, err := socketDir()
	if err != nil {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, socketName))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the socket: %w", err), os.RemoveAll(dir))
	}
	s := &Socket{dir: dir, listener: own{listener}, done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("GET /token", desk{tokens, log})
	s.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 60 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.listener) // ends with Close
	}()
	return s, nil
}

// longestPath is how long the path of a socket may be everywhere: BSD and macOS have
// room for 104 bytes with the end of the text, Linux for 108.
const longestPath = 103

const socketName = "socket"

// socketDir makes a directory for one socket. That for temporary files may lie too
// deep; then it is the one that every Unix system has.
func socketDir() (string, error) {
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		dir, err := os.MkdirTemp(parent, "narrowcast-task-")
		if err != nil {
			return "", err
		}
		if len(filepath.Join(dir, socketName)) <= longestPath {
			return dir, nil
		}
		if err := os.Remove(dir); err != nil {
			return "", err
		}
	}
	return "", errors.New("the path of the directory for temporary files is too long")
}

// Path is where the socket is.
func (s *Socket) Path() string { return filepath.Join(s.dir, socketName) }

// Close ends the socket and removes it.
func (s *Socket) Close() error {
	err := s.server.Close()
	<-s.done
	return errors.Join(err, os.RemoveAll(s.dir))
}

// own turns away processes of other users, where the system tells whose they
// are. The directory does the same; this is for a directory that was opened up.
type own struct{ net.Listener }

func (l own) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || sameUser(conn) {
			return conn, err
		}
		_ = conn.Close()
	}
}

type desk struct {
	tokens Tokens
	log    *slog.Logger
}

// ServeHTTP answers with the text of the token alone, or with everything about
// it for those who accept JSON.
func (d desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if len(q["for"]) != 1 || len(q["scope"]) > 1 {
		http.Error(w, "name one resource: /token?for=NAME", http.StatusBadRequest)
		return
	}
	issued, err := d.tokens.Token(r.Context(), q.Get("for"), q.Get("scope"))
	switch {
	case errors.Is(err, ErrNotInTask):
		http.Error(w, "not_in_task: the task was not opened for this resource", http.StatusForbidden)
		return
	case err != nil:
		d.log.Warn("no token for the command", "error", err.Error())
		http.Error(w, "the issuer gave no token", http.StatusBadGateway)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if slices.Contains(r.Header.Values("Accept"), "application/json") {
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(issued) // the command is gone
		return
	}
	h.Set("Content-Type", "text/plain")
	_, _ = w.Write([]byte(issued.Token)) // the same
}
