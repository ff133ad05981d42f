package statuslist_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/statuslist"
)

// TestExamplesOfSection4 are the two lists that the draft writes out, with their
// bytes.
func TestExamplesOfSection4(t *testing.T) {
	for _, example := range []struct {
		bits   int
		values []statuslist.Value
		bytes  string
		lst    string
	}{
		{1, []statuslist.Value{1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1}, "\xb9\xa3", "eNrbuRgAAhcBXQ"},
		{2, []statuslist.Value{1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3}, "\xc9\x44\xf9", "eNo76fITAAPfAgc"},
	} {
		list, err := statuslist.Decode(example.bits, example.lst)
		if err != nil || !slices.Equal(values(t, list), example.values) {
			t.Errorf("%d bits: %v, %v", example.bits, values(t, list), err)
		}
		ours := listOf(t, example.bits, len(example.values), example.values)
		if got := unpacked(t, encode(t, ours)); got != example.bytes {
			t.Errorf("%d bits: our bytes are %x, want %x", example.bits, got, example.bytes)
		}
	}
}

// TestVectorsOfTheDraft are those of its appendix: lists of 2^20 places, with
// every place that is not Valid.
func TestVectorsOfTheDraft(t *testing.T) {
	for _, bits := range []int{1, 2, 4, 8} {
		lst := strings.TrimSpace(file(t, fmt.Sprintf("testdata/%d.lst", bits)))
		theirs, err := statuslist.Decode(bits, lst)
		if err != nil || theirs.Len() != 1<<20 || theirs.Bits() != bits {
			t.Fatalf("%d bits: %v", bits, err)
		}
		ours := listOf(t, bits, 1<<20, nil)
		for line := range strings.Lines(file(t, fmt.Sprintf("testdata/%d.txt", bits))) {
			var index uint64
			var value statuslist.Value
			if _, err := fmt.Sscan(line, &index, &value); err != nil {
				t.Fatal(err)
			}
			if got, err := theirs.Get(index); err != nil || got != value {
				t.Errorf("%d bits: place %d is %d, %v, want %d", bits, index, got, err, value)
			}
			if err := ours.Set(index, value); err != nil {
				t.Fatal(err)
			}
		}
		if unpacked(t, encode(t, ours)) != unpacked(t, lst) {
			t.Errorf("%d bits: our bytes are others than those of the draft", bits)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, bits := range []int{1, 2, 4, 8} {
		for _, size := range []int{1, 7, 8, 9, 1000, 65536} {
			want := make([]statuslist.Value, size)
			for i := range want {
				want[i] = statuslist.Value(random.UintN(1 << bits))
			}
			list := listOf(t, bits, size, want)
			for i := range want { // over old values too
				want[i] = statuslist.Value(random.UintN(1 << bits))
				if err := list.Set(uint64(i), want[i]); err != nil {
					t.Fatal(err)
				}
			}
			back, err := statuslist.Decode(bits, encode(t, list))
			if err != nil || !slices.Equal(values(t, back)[:size], want) {
				t.Errorf("%d bits, %d places: %v", bits, size, err)
			}
		}
	}
}

func TestBoundsOfAList(t *testing.T) {
	list := listOf(t, 2, 4, nil)
	if err := list.Set(3, 3); err != nil {
		t.Errorf("the last place: %v", err)
	}
	if _, err := list.Get(4); !errors.Is(err, statuslist.ErrIndex) {
		t.Errorf("one place further: %v", err)
	}
	if err := list.Set(1<<63, 1); !errors.Is(err, statuslist.ErrIndex) {
		t.Errorf("far away: %v", err)
	}
	if err := list.Set(0, 4); err == nil {
		t.Error("a status that needs three bits fits into two")
	}
	for _, wrong := range [][2]int{{0, 8}, {3, 8}, {16, 8}, {-1, 8}, {1, 0}, {1, -1}, {8, statuslist.MaxBytes + 1}} {
		if _, err := statuslist.New(wrong[0], wrong[1]); err == nil {
			t.Errorf("a list of %d places of %d bits is made", wrong[1], wrong[0])
		}
	}
	if _, err := statuslist.New(8, statuslist.MaxBytes); err != nil {
		t.Errorf("the longest list: %v", err)
	}
	var zero statuslist.List
	if _, err := zero.Get(0); !errors.Is(err, statuslist.ErrIndex) || zero.Len() != 0 {
		t.Errorf("the zero list: %v", err)
	}
	if _, err := zero.Encode(); err == nil {
		t.Error("the zero list is packed")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, listOf(t, 1, 64, []statuslist.Value{1}))
	if _, err := statuslist.Decode(1, good); err != nil {
		t.Fatal(err)
	}
	stream, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for name, lst := range map[string]string{
		"nothing": "", "padding": good + "=", "a line break": good[:4] + "\n" + good[4:], "the other alphabet": "+/+/",
		"something behind": b64(append(bytes.Clone(stream), 0)), "cut off": b64(stream[:len(stream)-1]),
		"a wrong checksum": b64(append(bytes.Clone(stream[:len(stream)-1]), stream[len(stream)-1]^1)),
		"raw deflate":      b64(stream[2 : len(stream)-4]), "gzip": b64([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}),
		"no places": packed(t, 0), "a bomb": packed(t, statuslist.MaxBytes+1),
	} {
		if list, err := statuslist.Decode(1, lst); err == nil {
			t.Errorf("%s: %d places", name, list.Len())
		}
	}
	if _, err := statuslist.Decode(1, packed(t, statuslist.MaxBytes)); err != nil {
		t.Errorf("the longest list: %v", err)
	}
	if _, err := statuslist.Decode(3, good); err == nil {
		t.Error("three bits are read")
	}
}

// TestSizeOfAMillionPlaces keeps the promise of docs: what one list of a million
// tokens weighs.
func TestSizeOfAMillionPlaces(t *testing.T) {
	for _, size := range []struct {
		bits, dead, most int
	}{{1, 1_000, 3_000}, {1, 10_000, 15_000}, {2, 10_000, 18_000}} {
		list := listOf(t, size.bits, 1_000_000, nil)
		random := rand.New(rand.NewPCG(3, 4))
		for range size.dead {
			if err := list.Set(random.Uint64N(1_000_000), statuslist.Invalid); err != nil {
				t.Fatal(err)
			}
		}
		stream, err := base64.RawURLEncoding.DecodeString(encode(t, list))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d bits, %d of 1 000 000 dead: %d bytes of ZLIB", size.bits, size.dead, len(stream))
		if len(stream) > size.most {
			t.Errorf("%d bits, %d dead: %d bytes, want %d at most", size.bits, size.dead, len(stream), size.most)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(1, "eNrbuRgAAhcBXQ")
	f.Add(2, "eNo76fITAAPfAgc")
	f.Fuzz(func(t *testing.T, bits int, lst string) {
		list, err := statuslist.Decode(bits, lst)
		if err != nil {
			return
		}
		again, err := statuslist.Decode(bits, encode(t, list))
		if err != nil || again.Len() != list.Len() || list.Len() == 0 {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		last := uint64(list.Len() - 1)
		one, _ := list.Get(last)
		if other, err := again.Get(last); err != nil || one != other {
			t.Fatalf("the last place is %d and then %d, %v", one, other, err)
		}
	})
}

func listOf(t testing.TB, bits, size int, values []statuslist.Value) *statuslist.List {
	t.Helper()
	list, err := statuslist.New(bits, size)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if err := list.Set(uint64(i), v); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func values(t testing.TB, list *statuslist.List) (all []statuslist.Value) {
	t.Helper()
	for i := range list.Len() {
		v, err := list.Get(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func encode(t testing.TB, list *statuslist.List) string {
	t.Helper()
	lst, err := list.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return lst
}

// unpacked reads a list with the standard library alone.
func unpacked(t testing.TB, lst string) string {
	t.Helper()
	stream, err := base64.RawURLEncoding.DecodeString(lst)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// packed is a list of n zero bytes.
func packed(t testing.TB, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
