package issuer_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// calledBack knows one client whose tokens were called back.
type calledBack struct{ client string }

func (d *calledBack) Judge(t event.Token) narrowcast.Reason {
	if t.Client == d.client {
		return narrowcast.Revoked
	}
	return narrowcast.Stale // nobody knows; that is for the doors to say
}

// A token that would be dead where it is shown is not handed over; the client may
// ask again as it is.
func TestATokenIsNotBornDead(t *testing.T) {
	d := &calledBack{client: "job"}
	w := openWorks(t, func(c *issuer.Config) { c.Deaths = d })
	_, err := w.Grant(t.Context(), asking("job", orch))
	if ground(t, err) != issuer.Unavailable {
		t.Error(err)
	}
	if e := w.last(); e.Type != event.Refused || e.Refusal != "temporarily_unavailable" {
		t.Errorf("event = %+v", e)
	}
	w.grant(asking("other", data)) // the control
	d.client = ""
	w.grant(asking("job", orch))
}
