package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// town is the processes and files of one run. close ends and removes them all.
type town struct {
	dir    string
	binary string

	mu        sync.Mutex
	processes []*exec.Cmd
	besides   func() error // ends what is no process of its own; nil when there is nothing
}

// newTown builds the program under test, unless NARROWCAST_BINARY names one that
// is there already, such as one that was built to be profiled.
func newTown() (*town, error) {
	dir, err := os.MkdirTemp("", "narrowcast-bench-")
	if err != nil {
		return nil, err
	}
	t := &town{dir: dir, binary: filepath.Join(dir, "narrowcast")}
	t.endEarly()
	if given := os.Getenv("NARROWCAST_BINARY"); given != "" {
		t.binary = given
		return t, nil
	}
	if out, err := command("go", "-C", "../service", "build", "-o", t.binary, "./cmd/narrowcast").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("building: %w\n%s", err, out), t.close())
	}
	return t, nil
}

func (t *town) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.processes {
		_ = p.Process.Kill() // started here, and done with
		_ = p.Wait()
	}
	t.processes = nil
	return os.RemoveAll(t.dir)
}

// endEarly leaves nothing behind when somebody loses patience.
func (t *town) endEarly() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		_ = t.close() // there is nobody left to tell
		if t.besides != nil {
			_ = t.besides()
		}
		os.Exit(1)
	}()
}

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "GOWORK=off")
	return c
}

// run runs the program under test to its end.
func (t *town) run(args ...string) error {
	if out, err := command(t.binary, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("narrowcast %s: %w\n%s", args[0], err, out)
	}
	return nil
}

func (t *town) launch(c *exec.Cmd) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := c.Start(); err != nil {
		return err
	}
	t.processes = append(t.processes, c)
	return nil
}

// floor starts this program again as a bare server.
func (t *town) floor(name string, s floorSettings) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	told, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	c := command(self, "floor", "127.0.0.1:0")
	c.Env = append(c.Env, "FLOOR="+string(told))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := t.launch(c); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return nil, fmt.Errorf("%s did not start", name)
	}
	scheme := "http"
	if s.Identity != "" {
		scheme = "https"
	}
	return &target{name: name, endpoint: scheme + "://" + lines.Text() + "/token", cpu: cpuOfCommand(c)}, nil
}

func cpuOfCommand(c *exec.Cmd) func() (time.Duration, error) {
	return func() (time.Duration, error) { return cpuOf(c.Process.Pid) }
}

// home is an issuer's directory.
type home struct {
	town   *town
	dir    string
	issuer string // its identifier
}

// home makes an issuer's directory. Further arguments are those of init.
func (t *town) home(name, scheme string, args ...string) (*home, error) {
	address, operations, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	h := &home{town: t, dir: filepath.Join(t.dir, name), issuer: scheme + "://" + address}
	return h, t.run(append([]string{"init", h.dir, "--issuer", h.issuer, "--listen", address, "--operations", operations}, args...)...)
}

// serve starts the issuer and returns a way to ask it.
func (h *home) serve(log *os.File) (*target, error) {
	c := command(h.town.binary, "serve", "--home", h.dir)
	c.Stderr = log
	return &target{endpoint: h.issuer + "/token", cpu: cpuOfCommand(c)}, h.town.launch(c)
}

// write puts a file into the directory.
func (h *home) write(name string, content []byte) error {
	path := filepath.Join(h.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// settle adds lines to the settings.
func (h *home) settle(lines string) error {
	f, err := os.OpenFile(filepath.Join(h.dir, "narrowcast.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(lines)
	return errors.Join(err, f.Close())
}

func freeAddresses() (first, second string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}
