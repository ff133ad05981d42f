package issuer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast/service/internal/issuer"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// spy sees what an entry uses up.
type spy struct {
	issuer.Ledger
	once *[]store.Once
}

func (s spy) Append(ctx context.Context, e store.Entry) (store.Record, error) {
	*s.once = e.Once
	return s.Ledger.Append(ctx, e)
}

// tickets is a quota of so many.
type tickets struct{ left, asked int }

func (q *tickets) Take(time.Time) bool {
	q.asked++
	q.left--
	return q.left >= 0
}

func TestAQuotaThatIsUsedUp(t *testing.T) {
	q := &tickets{left: 1}
	b := openBank(t, either, func(c *issuer.Config) { c.Quota = q })
	if _, err := b.Grant(t.Context(), ask("checkout a0", "proof 0")); err != nil {
		t.Fatalf("control: %v", err)
	}
	for i := range 1000 {
		if _, err := b.Grant(t.Context(), ask(fmt.Sprint("checkout b", i), "proof 1")); ground(t, err) != issuer.TooMany {
			t.Fatal(err)
		}
	}
	if b.proofs.asked != 1 {
		t.Errorf("%d proofs were looked at beyond the quota", b.proofs.asked-1)
	}
	if c := b.Counts(); len(b.book.events) != 1+10 || c.Refused != 1000 || c.Unrecorded != 990 {
		t.Errorf("%d records, counts = %+v", len(b.book.events), c)
	}
	if e := b.book.events[1]; e.Refusal != "temporarily_unavailable" || e.Token.Client != "checkout" || !e.Genuine {
		t.Errorf("event = %+v, %+v", e, e.Token)
	}
	// Nothing was used up: the same request goes through when there is room.
	q.left = 1
	if _, err := b.Grant(t.Context(), ask("checkout b7", "proof 1")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	b.now = b.now.Add(time.Second)
	if _, err := b.Grant(t.Context(), ask("checkout c", "proof 2")); ground(t, err) != issuer.TooMany {
		t.Error(err)
	}
	if e := b.book.events[len(b.book.events)-1]; !strings.Contains(e.Detail, "990 more before this one") {
		t.Errorf("detail = %s", e.Detail)
	}
}

// Strangers use up nobody's quota.
func TestAQuotaIsForThoseWhoProvedWhoTheyAre(t *testing.T) {
	q := &tickets{}
	b := openBank(t, either, func(c *issuer.Config) {
		c.Quota, c.Authenticator = q, who{err: &issuer.Refusal{Ground: issuer.Unauthenticated}}
	})
	if _, err := b.Grant(t.Context(), ask("x y")); ground(t, err) != issuer.Unauthenticated || q.asked != 0 {
		t.Errorf("%v, asked %d times", err, q.asked)
	}
}
