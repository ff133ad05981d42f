package runner

import (
	"os"
	"strings"
	"syscall"
)

// heardAlready reports a signal that the terminal sends to its whole foreground
// group, and so to the command itself. Two of them mean something else to many
// programs than one.
func heardAlready(s os.Signal) bool {
	if s != syscall.SIGINT && s != syscall.SIGQUIT {
		return false
	}
	text, err := os.ReadFile("/proc/self/stat") // proc(5): pid (name) state ppid pgrp session tty_nr tpgid
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
	fields := strings.Fields(rest)
	return len(fields) > 5 && fields[2] == fields[5]
}
