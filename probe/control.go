package probe

import (
	"fmt"
	"net/http"
	"strings"
)

// Control is a request whose outcome must be known before any fault can show.
type Control struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status int    `json:"status"` // 0 without an answer
	Passed bool   `json:"passed"`
	Says   string `json:"says,omitempty"` // what it means that it did not pass
}

// controls makes the three requests that everything rests on.
func (v *visit) controls() error {
	v.doorstep.noToken = v.ask("")
	v.doorstep.garbage = v.ask("not-a-token")
	v.report.Controls = append(v.report.Controls,
		refused("control.no-token", "a request without a token is refused", v.doorstep.noToken, "the door lets in requests without a token"),
		refused("control.garbage", "a request with garbage for a token is refused", v.doorstep.garbage, "the door lets in any token"),
	)
	status, err := v.right("right." + v.baseName())
	if err != nil {
		return err
	}
	c := Control{ID: "control.right", Title: "the right token is accepted", Status: status, Passed: v.letIn(status)}
	if !c.Passed {
		c.Says = "the right token is refused, so that refusing a wrong one shows nothing"
	}
	v.report.Controls = append(v.report.Controls, c)
	return nil
}

func (v *visit) baseName() string {
	if v.p.config.Algorithm == "" {
		return "es256"
	}
	return strings.ToLower(string(v.p.config.Algorithm))
}

func refused(id, title string, status int, otherwise string) Control {
	c := Control{ID: id, Title: title, Status: status}
	switch {
	case success(status):
		c.Says = otherwise
	case status == http.StatusUnauthorized || status == http.StatusBadRequest || status == http.StatusForbidden:
		c.Passed = true
	default:
		c.Says = fmt.Sprintf("the answer %d is neither a refusal nor an acceptance", status)
	}
	return c
}
