package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRunIsTheFirstProcess: in a container "narrowcast run" is process 1. Orphans of
// the job become its children, and nobody else takes their exit codes; signals reach
// the job, whose exit code is that of the container.
func TestRunIsTheFirstProcess(t *testing.T) {
	h := newKillHome(t)
	serve := h.start(t)
	defer serve.kill(t)
	dir := t.TempDir()
	process := exec.CommandContext(t.Context(), "narrowcast", "run", "--home", h.dir, "--for", "payments",
		"--credential", filepath.Join(h.dir, credentialsDir, "checkout.json"), "--label", "container", "--", "sh", "-c", orphaning)
	process.Dir, process.SysProcAttr = dir, firstProcess()
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatalf("this machine lets us make no process namespace, which root may, or everybody where user namespaces are allowed: %v", err)
	}
	defer func() { _ = process.Process.Kill() }() // it is over already unless the test failed
	within(t, 20*time.Second, "the orphan ends and is gone", func() error {
		if _, err := os.Stat(filepath.Join(dir, "orphan")); err != nil {
			return err
		}
		children, zombies := childrenOf(t, process.Process.Pid)
		if children != 1 || zombies != 0 {
			return fmt.Errorf("process 1 has %d children, of which %d are zombies", children, zombies)
		}
		return nil
	})
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := process.Wait()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 9 {
		t.Errorf("after SIGTERM: %v\n%s", err, said.String())
	}
	if text, err := os.ReadFile(filepath.Join(dir, "first")); err != nil || strings.TrimSpace(string(text)) != "1" {
		t.Errorf("the parent of the job is process %q: %v", text, err)
	}
	if out, err := h.command(t, "task", "list", "--all"); err != nil || !strings.Contains(out, "ended (failed)") {
		t.Errorf("task list: %v\n%s", err, out)
	}
}

// orphaning is a job whose grandchild loses its parent, lives a little longer, and
// ends. The job itself stays, at most for a minute, and asks nobody how it ended.
const orphaning = `echo $PPID > first
trap 'exit 9' TERM
sh -c '(sleep 0.3; echo > orphan) & exit 0'
n=0; while [ $n -lt 1200 ]; do sleep 0.05; n=$((n+1)); done`

// firstProcess makes a process the first one of a namespace. Root needs nothing else
// for that; others need a namespace of users too.
func firstProcess() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if id := os.Geteuid(); id != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// childrenOf counts the children of a process, as seen from outside.
func childrenOf(t *testing.T, parent int) (children, zombies int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid; a name may hold spaces and brackets
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		children++
		if fields[0] == "Z" {
			zombies++
		}
	}
	return children, zombies
}
