//go:build !fast

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownCPU is the processor time of this process: clients and store together.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverProcess finds the first process of the server: the parent of the one
// that serves a connection.
func serverProcess(b *testing.B) int {
	b.Helper()
	conn := serverConn(b, "public")
	var backend int
	if err := conn.QueryRow(context.Background(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		b.Fatal(err)
	}
	fields, err := statOf(backend)
	if err != nil {
		b.Fatal(err)
	}
	return fields[1]
}

// familyCPU is the processor time of the server: of its first process, of its
// children, and of those that ended.
func familyCPU(b *testing.B, server int) time.Duration {
	b.Helper()
	fields, err := statOf(server)
	if err != nil {
		b.Fatal(err)
	}
	ticks := fields[11] + fields[12] + fields[13] + fields[14]
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", server, server))
	if err != nil {
		b.Fatal(err)
	}
	for _, child := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			b.Fatal(err)
		}
		if own, err := statOf(pid); err == nil { // else it ended just now
			ticks += own[11] + own[12]
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}

// statOf reads the numbers of /proc/PID/stat behind the name: 1 is the parent,
// 11 to 14 are utime, stime, cutime and cstime.
func statOf(pid int) ([]int, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	numbers := make([]int, 15)
	for i, field := range strings.Fields(rest)[:15] {
		numbers[i], _ = strconv.Atoi(field) // 0 is the state, a letter
	}
	return numbers, nil
}
