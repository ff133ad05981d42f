package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cluster is a PostgreSQL server of this run alone, on loopback, with a
// directory of its own and every setting that matters for durability as it comes.
type cluster struct {
	programs, dir, data string
	port                string
	as                  *syscall.SysProcAttr
	uid, gid            int
	server              *exec.Cmd
}

// newCluster makes a cluster with a role and a database named narrowcast and
// starts it. PostgreSQL does not run as root; root lets it run as postgres.
func newCluster() (*cluster, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // a constant pattern
	if len(found) == 0 {
		return nil, errors.New("the PostgreSQL server is missing: install the Debian package postgresql")
	}
	c := &cluster{programs: filepath.Dir(slices.Max(found)), uid: os.Getuid(), gid: os.Getgid()}
	if os.Getuid() == 0 {
		if err := c.becomePostgres(); err != nil {
			return nil, err
		}
	}
	var err error
	if c.dir, err = os.MkdirTemp("", "narrowcast-bench-pg-"); err != nil {
		return nil, err
	}
	c.data = filepath.Join(c.dir, "data")
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cluster) becomePostgres() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	c.uid, c.gid = uid, gid
	c.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return errors.Join(err1, err2)
}

func (c *cluster) start() error {
	password := rand.Text()
	theirs := filepath.Join(c.dir, "initial")
	if err := errors.Join(
		os.WriteFile(c.passwordFile(), []byte(password+"\n"), 0o600), os.WriteFile(theirs, []byte(password+"\n"), 0o600),
		os.Chown(c.dir, c.uid, c.gid), os.Chown(theirs, c.uid, c.gid),
	); err != nil {
		return err
	}
	if err := c.run("", "initdb", "-D", c.data, "-U", "postgres", "--pwfile="+theirs, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	roles := "CREATE ROLE narrowcast LOGIN PASSWORD '" + password + "'\nCREATE DATABASE narrowcast OWNER narrowcast\n"
	if err := c.run(roles, "postgres", "--single", "-D", c.data, "postgres"); err != nil {
		return err
	}
	address, _, err := freeAddresses()
	if err != nil {
		return err
	}
	_, c.port, _ = strings.Cut(address, ":")
	return c.launch()
}

func (c *cluster) launch() error {
	c.server = c.command("postgres", "-D", c.data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+c.port, "-c", "unix_socket_directories=")
	if err := c.server.Start(); err != nil {
		return err
	}
	return c.await()
}

// kill ends the server without a word, as a crash does.
func (c *cluster) kill() error {
	err := c.server.Process.Kill()
	_ = c.server.Wait() // it was killed
	return err
}

// resume starts the server that was killed, on its data and at its port. Until the
// last child of the old one has noticed, the new one refuses to start.
func (c *cluster) resume() error {
	return within(30*time.Second, "PostgreSQL is back", c.launch)
}

// await waits for the line that the server writes when clients may come.
func (c *cluster) await() error {
	own := strconv.Itoa(c.server.Process.Pid)
	for late := time.Now().Add(30 * time.Second); time.Now().Before(late); time.Sleep(50 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(c.data, "postmaster.pid")) // not there yet
		if lines := strings.Split(string(text), "\n"); len(lines) > 7 && lines[0] == own && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
		if c.ended() {
			return errors.New("PostgreSQL does not start")
		}
	}
	return errors.New("PostgreSQL does not get ready")
}

// ended reports whether the server is no process any more, or a dead one.
func (c *cluster) ended() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.server.Process.Pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	if err == nil && !strings.HasPrefix(rest, "Z") {
		return false
	}
	_ = c.server.Wait() // it has ended
	return true
}

func (c *cluster) passwordFile() string { return filepath.Join(c.dir, "password") }

func (c *cluster) url() string { return "postgres://narrowcast@127.0.0.1:" + c.port + "/narrowcast" }

// cpu is the processor time of all processes of the server.
func (c *cluster) cpu() (time.Duration, error) { return familyCPU(c.server.Process.Pid) }

func (c *cluster) close() error {
	if c.server != nil && c.server.Process != nil {
		_ = c.server.Process.Signal(syscall.SIGQUIT) // at once: nothing is needed any more
		_ = c.server.Wait()
	}
	return os.RemoveAll(c.dir)
}

func (c *cluster) run(input, program string, args ...string) error {
	cmd := c.command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.programs, program), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = c.dir, []string{"PATH=" + c.programs + ":/usr/bin:/bin", "LC_ALL=C"}, c.as
	return cmd
}
