package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// feedBench counts what followers cost, or looks for faults for a while.
func feedBench(p plan) (*paper, error) {
	if p.minutes > 0 {
		return faultsBench(p)
	}
	return fanBench(p)
}

// thief gets tokens and calls them back.
type thief struct {
	home  *home
	desk  *http.Client // the door of administrators
	token func(context.Context) (string, error)
}

func (h *home) thief() (*thief, error) {
	desk, err := h.caller("admin", "admin", "read revoke", "")
	if err != nil {
		return nil, err
	}
	checkout, err := h.source("checkout", "")
	if err != nil {
		return nil, err
	}
	return &thief{home: h, desk: desk, token: func(ctx context.Context) (string, error) {
		token, err := checkout.TokenFor(ctx, narrowcast.MustAudience(benchResource), narrowcast.Scope{}, "")
		if err != nil {
			return "", err
		}
		return token.Secret(), nil
	}}, nil
}

// revoke calls the token with an id back and returns the number of the record.
func (t *thief) revoke(jti string) (number uint64, err error) {
	var answer struct{ Number uint64 }
	err = t.ask(http.MethodPost, "/admin/v1/revocations", map[string]string{"kind": "token", "id": jti, "reason": "bench"}, &answer)
	if err == nil && answer.Number == 0 {
		err = errors.New("the answer has no number")
	}
	return answer.Number, err
}

// confirmation is what the issuer says about who goes by a revocation.
type confirmation struct {
	Confirmed int
	Of        int
	Verifiers []struct{ Name, Standing string }
}

func (t *thief) confirmations(number uint64) (c confirmation, err error) {
	err = t.ask(http.MethodGet, "/admin/v1/revocations/"+strconv.FormatUint(number, 10), nil, &c)
	return c, err
}

func (t *thief) ask(method, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, t.home.issuer+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := t.desk.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: status %d: %.200s", method, path, resp.StatusCode, text)
	}
	return json.Unmarshal(text, answer)
}

func idOf(token string) (string, error) {
	said, err := narrowcast.Inspect(token)
	return said.TokenID, err
}

// residentOf is the memory of a process, in MiB (Linux only).
func residentOf(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("the system does not say how much memory a process has")
}

// pause lets a while pass.
func pause(d time.Duration) { time.Sleep(d) }
