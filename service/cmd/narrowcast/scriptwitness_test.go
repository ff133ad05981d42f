package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// witnessMain is the command "witness" of the scripts: a host that nobody has a
// reason to call, and a proxy that sees every call to the world outside. It
// writes one line for each request into a file and answers 404.
func witnessMain(args []string) int {
	f := flag.NewFlagSet("witness", flag.ContinueOnError)
	listen := f.String("listen", "", "address")
	file := f.String("file", "", "where requests are written down")
	if f.Parse(args) != nil || *listen == "" || *file == "" {
		return 2
	}
	book, err := os.OpenFile(*file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(book, "%s %s\n", r.Method, r.URL)
		w.WriteHeader(http.StatusNotFound)
	})}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
