package probe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast/internal/forge"
)

// visit is one run: the answers so far, and whether to go on.
type visit struct {
	ctx      context.Context
	p        *Prober
	w        *forge.World
	report   *Report
	doorstep doorstep
	trouble  int // requests in a row that the door could not cope with
}

// maxTrouble ends a visit: a door that fails is left alone.
const maxTrouble = 5

// maxBody bounds what is read of an answer. Nothing of it is kept.
const maxBody = 64 << 10

// ask sends one request and returns the status, or 0 when there was no answer.
// An empty token means a request without one.
func (v *visit) ask(token string) int {
	if v.report.Stopped != "" || !v.pause() {
		return 0
	}
	req, err := http.NewRequestWithContext(v.ctx, http.MethodGet, v.p.target.address, nil)
	if err != nil {
		return 0
	}
	req.Header.Set("User-Agent", nobody)
	req.Header.Set("Cache-Control", "no-store")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	v.report.Requests++
	resp, err := v.p.client.Do(req)
	if err != nil {
		v.count(0)
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)) // only so that the connection can be used again
	v.count(resp.StatusCode)
	return resp.StatusCode
}

// pause waits between two requests. It reports whether the visit goes on.
func (v *visit) pause() bool {
	if wait := v.p.config.Pause; wait > 0 && v.report.Requests > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-v.ctx.Done():
		}
	}
	if v.ctx.Err() != nil {
		v.report.Stopped = "the visit was cancelled"
		return false
	}
	return true
}

// count notices a door in trouble.
func (v *visit) count(status int) {
	if status != 0 && status < http.StatusInternalServerError && status != http.StatusTooManyRequests {
		v.trouble = 0
		return
	}
	if v.trouble++; v.trouble == maxTrouble && v.report.Stopped == "" {
		v.report.Stopped = "the door failed or stayed silent several times in a row"
	}
}

// right sends a fresh right token.
func (v *visit) right(id string) (int, error) {
	v.w.Now = v.p.config.Now()
	token, err := v.w.Right(id)
	if err != nil {
		return 0, err
	}
	return v.ask(token), nil
}

// batch tries some faults between two right tokens.
func (v *visit) batch(trials []trial) error {
	before, err := v.right(trials[0].control)
	if err != nil {
		return err
	}
	statuses := make([]int, len(trials))
	for i, t := range trials {
		if statuses[i], err = v.wrong(t.fault); err != nil {
			return err
		}
	}
	after, err := v.right(trials[0].control)
	if err != nil {
		return err
	}
	for i, t := range trials {
		verdict, premise := v.verdict(t, statuses[i], before, after)
		v.report.Findings = append(v.report.Findings, t.finding(verdict, max(0, statuses[i]), premise))
	}
	return nil
}

// notApplicable stands in place of a status for a fault that has no form here.
const notApplicable = -1

func (v *visit) wrong(f forge.Fault) (int, error) {
	token, err := v.w.Wrong(f)
	if errors.Is(err, forge.ErrNotApplicable) {
		return notApplicable, nil
	}
	if err != nil {
		return 0, err
	}
	return v.ask(token), nil
}
