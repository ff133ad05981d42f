package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// headers collects repeated -H flags.
type headers []string

func (h *headers) String() string     { return strings.Join(*h, ", ") }
func (h *headers) Set(s string) error { *h = append(*h, s); return nil }

// httpMain is the command "http" of the scripts: it sends one request and prints
// the status line, the headers in order of name, an empty line and the body.
// With -status it fails unless the status is that one. With -token the content
// of a file goes into the Authorization header.
func httpMain(args []string) int {
	f := flag.NewFlagSet("http", flag.ContinueOnError)
	var h headers
	f.Var(&h, "H", "header")
	method := f.String("X", http.MethodGet, "method")
	body := f.String("d", "", "body")
	token := f.String("token", "", "file with a token")
	user := f.String("u", "", "id:secret for HTTP Basic")
	host := f.String("host", "", "Host header")
	status := f.Int("status", 0, "expected status")
	if f.Parse(args) != nil || f.NArg() != 1 {
		return 2
	}
	req, err := http.NewRequest(*method, f.Arg(0), strings.NewReader(*body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	for _, line := range h {
		name, value, _ := strings.Cut(line, ":")
		req.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if *host != "" {
		req.Host = *host
	}
	if *token != "" {
		raw, err := os.ReadFile(*token)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		req.Header.Add("Authorization", "Bearer "+strings.TrimSpace(string(raw)))
	}
	if id, secret, ok := strings.Cut(*user, ":"); ok {
		req.SetBasicAuth(id, secret)
	}
	if *body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return send(req, *status)
}

func send(req *http.Request, want int) int {
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer resp.Body.Close()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "%s %s\n", resp.Proto, resp.Status)
	_ = resp.Header.Write(crlfToLF{out})
	fmt.Fprintln(out)
	_, _ = io.Copy(out, io.LimitReader(resp.Body, 1<<20))
	fmt.Fprintln(out)
	if want != 0 && resp.StatusCode != want {
		fmt.Fprintf(os.Stderr, "status %d, want %d\n", resp.StatusCode, want)
		return 1
	}
	return 0
}

type crlfToLF struct{ w io.Writer }

func (c crlfToLF) Write(p []byte) (int, error) {
	_, err := io.WriteString(c.w, strings.ReplaceAll(string(p), "\r\n", "\n"))
	return len(p), err
}

// upstreamMain is the command "upstream" of the scripts: a service without any
// check of its own, which prints what reached it.
func upstreamMain(args []string) int {
	f := flag.NewFlagSet("upstream", flag.ContinueOnError)
	listen := f.String("listen", "", "address")
	if f.Parse(args) != nil || *listen == "" {
		return 2
	}
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "upstream saw %s %s\n", r.Method, r.URL.Path)
		_ = r.Header.Write(crlfToLF{w})
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
