package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

// agents are trust domains, each with an agent, and the sockets of their
// workloads by the name of the file.
type agents struct {
	authorities map[string]*spiffetest.Authority
	sockets     map[string]*spiffetest.Socket
}

// agentsMain is the command "agents" of the scripts: trust domains whose agents
// serve the Workload API. What happens to them comes by POST to the control
// address: /DOMAIN/rotate, /DOMAIN/retire, /DOMAIN/revoke and /SOCKET/stop,
// /SOCKET/start, /SOCKET/hang, /SOCKET/resume. GET /DOMAIN is the bundle.
func agentsMain(args []string) int {
	a := agents{map[string]*spiffetest.Authority{}, map[string]*spiffetest.Socket{}}
	var workloads []string
	f := flag.NewFlagSet("agents", flag.ContinueOnError)
	control := f.String("control", "", "address of the control")
	federated := f.Bool("federated", false, "each agent knows the bundles of all domains")
	f.Func("domain", "a trust domain", func(name string) (err error) {
		a.authorities[name], err = spiffetest.NewAuthority(name, time.Now)
		return err
	})
	f.Func("workload", "PATH=ID of a workload", func(s string) error { workloads = append(workloads, s); return nil })
	if f.Parse(args) != nil || *control == "" {
		return 2
	}
	for _, workload := range workloads {
		if err := a.listen(workload, *federated); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{name}", a.bundle)
	mux.HandleFunc("POST /{name}/{word}", a.obey)
	server := &http.Server{Addr: *control, ReadHeaderTimeout: 5 * time.Second, Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (a agents) listen(workload string, federated bool) error {
	path, id, _ := strings.Cut(workload, "=")
	domain, _, _ := strings.Cut(strings.TrimPrefix(id, "spiffe://"), "/")
	own := a.authorities[domain]
	if own == nil {
		return fmt.Errorf("no domain for %s", workload)
	}
	var others []*spiffetest.Authority
	for name, authority := range a.authorities {
		if federated && name != domain {
			others = append(others, authority)
		}
	}
	socket, err := spiffetest.NewAgent(own, others...).Listen(path, id)
	a.sockets[filepath.Base(path)] = socket
	return err
}

func (a agents) bundle(w http.ResponseWriter, r *http.Request) {
	authority := a.authorities[r.PathValue("name")]
	if authority == nil {
		http.NotFound(w, r)
		return
	}
	document, err := authority.Document()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(document)
}

func (a agents) obey(w http.ResponseWriter, r *http.Request) {
	authority, socket := a.authorities[r.PathValue("name")], a.sockets[r.PathValue("name")]
	var err error
	switch word := r.PathValue("word"); {
	case authority != nil && word == "rotate":
		err = errors.Join(authority.RotateX509(), authority.RotateJWT())
	case authority != nil && word == "retire":
		authority.Retire()
	case authority != nil && word == "revoke":
		authority.Revoke()
	case socket != nil && word == "stop":
		socket.Stop()
	case socket != nil && word == "start":
		err = socket.Start()
	case socket != nil && word == "hang":
		socket.Hang()
	case socket != nil && word == "resume":
		socket.Resume()
	default:
		err = errors.New("no such word")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// workloadMain is the command "workload" of the scripts: what a workload does
// with the real client of the Workload API. It writes svid.pem, svid.key and, for
// the audiences given, svid.jwt into a directory.
func workloadMain(args []string) int {
	f := flag.NewFlagSet("workload", flag.ContinueOnError)
	socket := f.String("socket", "", "path of the Workload API")
	dir := f.String("dir", ".", "where the files go")
	var audiences []string
	f.Func("audience", "whom a JWT-SVID is for; repeat for several", func(s string) error { audiences = append(audiences, s); return nil })
	if f.Parse(args) != nil || *socket == "" {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := fetchSVIDs(ctx, *socket, *dir, audiences); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func fetchSVIDs(ctx context.Context, socket, dir string, audiences []string) error {
	client, err := workloadapi.New(ctx, workloadapi.WithAddr("unix://"+socket))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	svid, err := client.FetchX509SVID(ctx)
	if err != nil {
		return err
	}
	certificate, key, err := svid.Marshal()
	if err != nil {
		return err
	}
	files := map[string][]byte{"svid.pem": certificate, "svid.key": key}
	if len(audiences) > 0 {
		token, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audiences[0], ExtraAudiences: audiences[1:]})
		if err != nil {
			return err
		}
		files["svid.jwt"] = []byte(token.Marshal())
	}
	errs := []error{os.MkdirAll(dir, 0o700)}
	for name, text := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return errors.Join(errs...)
}
