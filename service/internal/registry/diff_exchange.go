package registry

import (
	"slices"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/policy"
)

// delegation tells how tokens are handed on and called back.
func (d *differ) delegation(id string, was, is *Resource, change func(kind, what, before, after string, widens bool)) {
	change(DelegationMoved, "delegation", strconv.Itoa(was.Delegation), strconv.Itoa(is.Delegation), is.Delegation > was.Delegation)
	change(SingleUseChanged, "single_use", onOff(was.SingleUse), onOff(is.SingleUse), was.SingleUse)
	change(StatusChanged, "status_list", onOff(was.StatusList), onOff(is.StatusList), was.StatusList)
	change(StaleChanged, "when stale", lag(was.Stale), lag(is.Stale), is.Stale.Looser(was.Stale))
	change(DoorChanged, "authorization_details", strings.Join(was.Details, ", "), strings.Join(is.Details, ", "), false)
}

func onOff(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func lag(s policy.Stale) string { return string(s.When) + " after " + life(s.After) }

// mayAct tells who gains that the tokens of a caller may be exchanged. That a
// caller comes or goes is told as reach.
func (d *differ) mayAct(id string, was, is *Resource) {
	for _, c := range is.Callers {
		i := slices.IndexFunc(was.Callers, func(old Caller) bool { return old.Client == c.Client })
		before := narrowcast.ClientID("")
		if i >= 0 {
			before = was.Callers[i].MayAct
		}
		if before == c.MayAct {
			continue
		}
		text := "tokens of " + string(c.Client) + " for " + is.Name + " may be exchanged by every server of it, and no longer by " + string(before) + " alone"
		if c.MayAct != "" {
			text = "tokens of " + string(c.Client) + " for " + is.Name + " may be exchanged by " + string(c.MayAct) + " alone"
			if before != "" {
				text += ", and no longer by " + string(before)
			}
		}
		d.add(Change{Kind: MayActChanged, Door: id, Client: string(c.Client), Before: string(before), After: string(c.MayAct),
			Position: c.Position, Widens: before != "", Text: text})
	}
}
