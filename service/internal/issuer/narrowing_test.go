package issuer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
)

// Whatever is asked in whatever order, a token that came from another one ends no
// later, keeps its subject and its root, has one actor more and no scope that the
// other did not have; and only the addressee gets one.
func TestNoSequenceOfExchangesWidens(t *testing.T) {
	clients, doors := []string{"job", "orch", "store", "other"}, []string{orch, data, crm, us}
	addressee := map[string]string{orch: "orch", data: "store"}
	exchanged := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := openWorks(t)
		held := []string{w.grant(asking("job", orch)).Token, w.grant(asking("other", data)).Token, w.grant(asking("job", us)).Token}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			parent := rapid.SampledFrom(held).Draw(rt, "token")
			client := rapid.SampledFrom(clients).Draw(rt, "client")
			r := exchanging(client, parent, rapid.SampledFrom(doors).Draw(rt, "door"))
			r.Scope = rapid.SampledFrom([]string{"", "read", "write", "plan", "admin", "plan read"}).Draw(rt, "scope")
			r.Lifetime = rapid.SampledFrom([]string{"", "1", "100", "300", "600"}).Draw(rt, "lifetime")
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "later")) * time.Second)
			answer, err := w.Grant(t.Context(), r)
			if err != nil {
				if refusal := new(issuer.Refusal); !errors.As(err, &refusal) || refusal.Ground == issuer.Broken {
					rt.Fatal(err)
				}
				continue
			}
			exchanged++
			was, is := claims(t, parent), claims(t, answer.Token)
			before, _ := narrowcast.ParseScope(was.Scope)
			after, _ := narrowcast.ParseScope(is.Scope)
			switch {
			case is.Expires.After(was.Expires), !before.Covers(after), after.IsZero():
				rt.Fatalf("%+v became %+v", was, is)
			case is.Subject != was.Subject, is.Parent != was.TokenID, is.Lineage != was.Lineage, is.Task != was.Task:
				rt.Fatalf("%+v became %+v", was, is)
			case was.Audience[0] == us: // its holder narrows what is his own
				if client != "job" || len(is.Actors) != 0 {
					rt.Fatalf("%s: %+v became %+v", client, was, is)
				}
			case len(is.Actors) != len(was.Actors)+1, is.Actors[0] != client, !slices.Equal(is.Actors[1:], was.Actors):
				rt.Fatalf("%+v became %+v", was, is)
			case addressee[was.Audience[0]] != client:
				rt.Fatalf("%s exchanged %+v", client, was)
			}
			held = append(held, answer.Token)
		}
	})
	if exchanged == 0 {
		t.Error("nothing was exchanged, so nothing was tried")
	}
}
