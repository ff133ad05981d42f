package keyring

import (
	"context"
	"crypto"
	"errors"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

func testSeal(t *testing.T) *seal {
	t.Helper()
	master := make([]byte, MasterBytes)
	master[0] = 1
	s, err := newSeal(master)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each of these is also caught by a second check; here the first stands alone.
func TestBoxIsBoundToItsKey(t *testing.T) {
	s := testSeal(t)
	box := s.close(software, "a", narrowcast.ES256, []byte("private"))
	if what, got, err := s.open("a", narrowcast.ES256, box); err != nil || string(got) != "private" || what != software {
		t.Fatalf("the control: %v", err)
	}
	if _, _, err := s.open("b", narrowcast.ES256, box); !errors.Is(err, ErrAltered) {
		t.Errorf("under another id: %v", err)
	}
	if _, _, err := s.open("a", narrowcast.ES384, box); !errors.Is(err, ErrAltered) {
		t.Errorf("under another algorithm: %v", err)
	}
	renamed := append([]byte{byte(reference)}, box[1:]...)
	if _, _, err := s.open("a", narrowcast.ES256, renamed); !errors.Is(err, ErrAltered) {
		t.Errorf("as a reference: %v", err)
	}
	if again := s.close(software, "a", narrowcast.ES256, []byte("private")); string(again) == string(box) {
		t.Error("two boxes are alike: the nonce repeats")
	}
}

func TestHalvesBelongTogether(t *testing.T) {
	s := testSeal(t)
	pair := func() (store.Key, crypto.PublicKey) {
		k, err := newKey(context.Background(), narrowcast.ES256, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		public, err := publicHalf(k)
		if err != nil {
			t.Fatal(err)
		}
		return k, public.Public()
	}
	a, publicA := pair()
	_, publicB := pair()
	unseal := func(k store.Key, public crypto.PublicKey) error {
		_, err := (&Ring{seal: s}).unseal(context.Background(), k, public, time.Time{})
		return err
	}
	if err := unseal(a, publicA); err != nil {
		t.Fatalf("the control: %v", err)
	}
	if err := unseal(a, publicB); !errors.Is(err, ErrAltered) {
		t.Errorf("with another public half: %v", err)
	}
}
