package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer that will not change however often the batch is sent.
type refusal struct{ status int }

func (r refusal) Error() string {
	return fmt.Sprintf("the issuer refused events with status %d", r.status)
}

// later is an answer after which to try again, not before the given time.
type later struct {
	status int
	wait   time.Duration
}

func (l later) Error() string { return fmt.Sprintf("the issuer answered with status %d", l.status) }

// send delivers one batch. A nil error means that the issuer has it.
func (r *Reporter) send(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithTimeout(ctx, r.limits.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(b.body()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Accept", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("sending events: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("reading the issuer's answer: %w", err)
	}
	return r.judge(res, answer)
}

// judge reads the answer. Only what says that the events themselves are wrong
// counts as a refusal: a missing right, a wrong path or a proxy in between can be
// mended without losing them.
func (r *Reporter) judge(res *http.Response, answer []byte) error {
	switch status := res.StatusCode; {
	case status >= 200 && status < 300:
		return receipt(answer)
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		return refusal{status}
	default:
		return later{status, r.retryAfter(res.Header.Get("Retry-After"))}
	}
}

// receipt demands that the issuer says so. A 200 of something in between must
// not make events vanish.
func receipt(answer []byte) error {
	var said struct {
		Kept *int `json:"kept"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Kept == nil {
		return errors.New("the answer is not a receipt of an issuer")
	}
	return nil
}

func (r *Reporter) retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, r.limits.patience)
}
