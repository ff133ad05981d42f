package forge

import (
	"fmt"
	"strings"

	"github.com/narrowcast-io/narrowcast"
)

// furtherRights carry claims that most tokens do not have, in their right form.
func furtherRights() []allowed {
	return []allowed{
		good("actor", "somebody acts for the subject", claim("act", `{"sub":"orchestrator"}`)),
		good("actors", "as many act one after the other as may", claim("act", actors(narrowcast.MaxActors))),
		good("may-act", "somebody may act for the subject", claim("may_act", `{"sub":"orchestrator"}`)),
		good("parent", "exchanged for another token", edit(func(l *letter) {
			l.payload.set("lineage", `"token-root"`)
			l.payload.set("parent", `"token-above"`)
		})),
		good("status", "has a place in a status list", claim("status", statusAt("7"))),
		good("reusable", "says that it is not for one use", claim("single_use", "false")),
		good("details", "has a detail that is for the application", claim(details, paymentDetail)),
	}
}

// actors writes a chain of n parties.
func actors(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(`,"act":`)
		}
		fmt.Fprintf(&b, `{"sub":"actor-%d"`, i+1)
	}
	return b.String() + strings.Repeat("}", n)
}

func statusAt(index string) string {
	return `{"status_list":{"idx":` + index + `,"uri":"https://issuer.example.test/status/1"}}`
}

// delegations are tokens that do not say clearly who acts, what they are for or
// where their status stands.
func delegations() []wrong {
	const act, may, status = "RFC 8693 §4.1", "RFC 8693 §4.4", "draft-ietf-oauth-status-list §6"
	const once, parent = "law 4", "law 4"
	in := func(id, title, source, name, value, control string) wrong {
		return bad(id, title, narrowcast.ClaimMalformed, source, claim(name, value)).against(control).strict()
	}
	return []wrong{
		in("actor.list", "act is a list", act, "act", `[{"sub":"orchestrator"}]`, "actor"),
		in("actor.string", "act is a string", act, "act", `"orchestrator"`, "actor"),
		in("actor.null", "act is null", act, "act", "null", "actor"),
		in("actor.empty", "act names nobody", act, "act", "{}", "actor"),
		in("actor.no-subject", "act has no sub", act, "act", `{"client_id":"orchestrator"}`, "actor"),
		in("actor.empty-subject", "the actor is empty", act, "act", `{"sub":""}`, "actor"),
		in("actor.number-subject", "the actor is a number", act, "act", `{"sub":1}`, "actor"),
		in("actor.list-subject", "the actor is a list", act, "act", `{"sub":["orchestrator"]}`, "actor"),
		in("actor.other-issuer", "the actor is somebody of another issuer", act, "act", `{"sub":"orchestrator","iss":"https://second.example.test"}`, "actor"),
		in("actor.inner-list", "the actor before is in a list", act, "act", `{"sub":"orchestrator","act":[{"sub":"agent"}]}`, "actors"),
		in("actor.inner-null", "the actor before is null", act, "act", `{"sub":"orchestrator","act":null}`, "actors"),
		in("actor.inner-nobody", "the actor before has no sub", act, "act", `{"sub":"orchestrator","act":{}}`, "actors"),
		in("actor.too-many", "one more acts than may", "RFC 8693 §4.1; limits of RFC 8725 §3", "act", actors(narrowcast.MaxActors+1), "actors"),
		in("may-act.list", "may_act is a list", may, "may_act", `[{"sub":"orchestrator"}]`, "may-act"),
		in("may-act.string", "may_act is a string", may, "may_act", `"orchestrator"`, "may-act"),
		in("may-act.null", "may_act is null", may, "may_act", "null", "may-act"),
		in("may-act.no-subject", "may_act has no sub", may, "may_act", `{"client_id":"orchestrator"}`, "may-act"),
		in("may-act.further-member", "may_act has a limit that nobody knows", may, "may_act", `{"sub":"orchestrator","exp":1}`, "may-act"),
		in("may-act.nested", "may_act has a chain", may, "may_act", `{"sub":"orchestrator","act":{"sub":"agent"}}`, "may-act"),
		in("parent.number", "the parent is a number", parent, "parent", "1", "parent"),
		in("parent.list", "the parent is a list", parent, "parent", `["token-above"]`, "parent"),
		in("status.string", "the status is a string", status, "status", `"valid"`, "status"),
		in("status.empty", "the status says nothing", status, "status", "{}", "status"),
		in("status.another", "a second mechanism beside the list", status, "status", strings.TrimSuffix(statusAt("7"), "}")+`,"cascade":1}`, "status"),
		in("status.no-list", "the list has no address", status, "status", `{"status_list":{"idx":7}}`, "status"),
		in("status.no-index", "the list is named without a place", status, "status", `{"status_list":{"uri":"https://issuer.example.test/status/1"}}`, "status"),
		in("status.negative", "the place is negative", status, "status", statusAt("-1"), "status"),
		in("status.fraction", "the place is a fraction", status, "status", statusAt("1.5"), "status"),
		in("status.string-index", "the place is a string", status, "status", statusAt(`"7"`), "status"),
		in("status.huge", "the place is beyond every list", status, "status", statusAt("18446744073709551616"), "status"),
		in("single-use.string", "single_use is a string", once, "single_use", `"true"`, "reusable"),
		in("single-use.number", "single_use is a number", once, "single_use", "1", "reusable"),
		in("single-use.null", "single_use is null", once, "single_use", "null", "reusable"),
		in("single-use.list", "single_use is a list", once, "single_use", "[true]", "reusable"),
	}
}
