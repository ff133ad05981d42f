package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxInput bounds what is read as one token.
const maxInput = 64 << 10

// readToken reads one token from standard input or a file. A token on the
// command line would end up in the shell's history and in the process list, so
// it is refused without being repeated.
func (a *app) readToken(source string) (string, error) {
	var raw []byte
	var err error
	switch {
	case source == "-":
		raw, err = io.ReadAll(io.LimitReader(a.in, maxInput+1))
	case redact(source) != source:
		return "", usage(errors.New("do not put a token on the command line, it stays in the shell's history: pass - and send it on standard input"))
	default:
		raw, err = readBounded(source, maxInput)
	}
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	if len(raw) > maxInput {
		return "", usage(fmt.Errorf("reading the token: more than %d bytes", maxInput))
	}
	text := strings.TrimSpace(string(raw))
	if scheme, rest, found := strings.Cut(text, " "); found && strings.EqualFold(scheme, "bearer") {
		text = strings.TrimSpace(rest)
	}
	if text == "" {
		return "", usage(errors.New("reading the token: nothing on standard input"))
	}
	return text, nil
}

// readBounded reads a file that must not be longer than limit.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return raw, err
}
