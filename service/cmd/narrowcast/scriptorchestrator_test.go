package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
)

// orchestrator is a service that needs another one to answer. It asks its guard
// about each request, as a web server with auth_request does, and exchanges the
// token that came in for one that is addressed to the next.
type orchestrator struct {
	guard   string
	next    string
	keep    string
	door    narrowcast.Audience
	source  *client.Source
	errands *http.Client
}

// orchestratorMain is the command "orchestrator" of the scripts. With -keep it
// leaves the token that it got in a file, as a careless one would.
func orchestratorMain(args []string) int {
	o := &orchestrator{errands: &http.Client{Timeout: 10 * time.Second}}
	var listen, file string
	f := flag.NewFlagSet("orchestrator", flag.ContinueOnError)
	f.StringVar(&listen, "listen", "", "address")
	f.StringVar(&o.guard, "guard", "", "the guard that answers with x-original")
	f.StringVar(&file, "credential", "", "who it is at the issuer")
	f.StringVar(&o.keep, "keep", "", "where the exchanged token is left")
	f.StringVar(&o.next, "next", "", "address of the next service")
	f.Func("for", "the id of the next service", func(s string) (err error) {
		o.door, err = narrowcast.ParseAudience(s)
		return err
	})
	if f.Parse(args) != nil || listen == "" {
		return 2
	}
	who, err := credential.Read(file)
	if err == nil {
		o.source, err = tokenSource(who, time.Now)
	}
	if err == nil {
		err = serveUntilTold(listen, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveUntilTold(listen string, handler http.Handler) error {
	server := &http.Server{Addr: listen, ReadHeaderTimeout: 5 * time.Second, Handler: handler}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (o *orchestrator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	authorization := r.Header.Get("Authorization")
	verdict, err := o.send(r.Context(), o.guard, authorization, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer verdict.Body.Close()
	if verdict.StatusCode != http.StatusOK {
		handBack(w, verdict)
		return
	}
	answer, err := o.work(r, strings.TrimPrefix(authorization, "Bearer "))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	handBack(w, answer)
}

// work asks the next service in the name of whom the token speaks of.
func (o *orchestrator) work(r *http.Request, inbound string) (*http.Response, error) {
	token, err := o.source.Exchange(r.Context(), inbound, o.door, narrowcast.Scope{})
	if err != nil {
		return nil, err
	}
	if o.keep != "" {
		if err := os.WriteFile(o.keep, []byte(token.Secret()), 0o600); err != nil {
			return nil, err
		}
	}
	return o.send(r.Context(), o.next+r.URL.Path, "Bearer "+token.Secret(), r)
}

func (o *orchestrator) send(ctx context.Context, address, authorization string, about *http.Request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", authorization)
	req.Header.Set("X-Original-Method", about.Method)
	req.Header.Set("X-Original-Uri", about.URL.RequestURI())
	return o.errands.Do(req)
}

func handBack(w http.ResponseWriter, r *http.Response) {
	for _, name := range []string{"Www-Authenticate", "Narrowcast-Decision"} {
		if value := r.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(r.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(r.Body, 1<<20))
}
