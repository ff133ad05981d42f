package forge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/forge"
)

func world(t *testing.T) *forge.World {
	t.Helper()
	w, err := forge.Published()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCatalogueIsLargeAndItsNamesAreDistinct(t *testing.T) {
	faults := forge.Faults()
	if len(faults) < 110 {
		t.Errorf("%d faults; at least 110 are promised", len(faults))
	}
	seen := map[string]bool{}
	for _, f := range faults {
		name := strings.ToLower(f.ID)
		if seen[name] || name != f.ID {
			t.Errorf("%s: not distinct, or not in small letters", f.ID)
		}
		seen[name] = true
		if f.Title == "" || f.Source == "" || f.Reason == 0 || !strings.HasPrefix(f.ID, f.Group+".") {
			t.Errorf("%s: incomplete: %+v", f.ID, f)
		}
	}
}

func TestEveryControlExists(t *testing.T) {
	rights := map[string]forge.Right{}
	for _, r := range forge.Rights() {
		rights[r.ID] = r
	}
	for _, f := range forge.Faults() {
		if _, found := rights[f.Control]; !found {
			t.Errorf("%s: there is no control %q", f.ID, f.Control)
		}
	}
}

func TestTokensComeOutTheSameEveryTime(t *testing.T) {
	one, two := world(t), world(t)
	for _, f := range forge.Faults() {
		a, errA := one.Wrong(f)
		b, errB := two.Wrong(f)
		if errA != nil || errB != nil || a != b {
			t.Errorf("%s: differs, or failed: %v, %v", f.ID, errA, errB)
		}
	}
}

func TestNoWrongTokenIsItsControl(t *testing.T) {
	w := world(t)
	for _, f := range forge.Faults() {
		wrong, err := w.Wrong(f)
		if err != nil {
			t.Fatal(err)
		}
		right, err := w.Right(f.Control)
		if err != nil {
			t.Fatal(err)
		}
		surroundings := slices.ContainsFunc(f.Needs, func(n forge.Need) bool {
			return n == forge.KeysUnreachable || n == forge.StaleFeed || n == forge.ProofInvalid || n == forge.ProofReplayed ||
				n == forge.NoRequest || n == forge.UsedUp || n == forge.UsesUnknown || n == forge.NoUses
		})
		if wrong == right && !surroundings {
			t.Errorf("%s is a right token", f.ID)
		}
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	w := world(t)
	if _, err := w.Wrong(forge.Fault{ID: "audience.nonsense"}); err == nil {
		t.Error("a fault outside the catalogue was forged")
	}
	if _, err := w.Right("right.nonsense"); err == nil {
		t.Error("a right token outside the catalogue was written")
	}
	if _, err := forge.Find("audience.prefix"); err != nil {
		t.Error(err)
	}
}

func TestFaultsThatCannotBeExpressedSaySo(t *testing.T) {
	w := world(t)
	w.Keys.Second = nil
	f, err := forge.Find("key.of-second-issuer")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Wrong(f); !errors.Is(err, forge.ErrNotApplicable) {
		t.Errorf("err = %v", err)
	}
}
