package outside_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/statuslist"
)

const listBase = "https://issuer.example.test/status"

// toldList is what an outside reader shall find in a list.
type toldList struct {
	URI    string                      `json:"uri,omitempty"`
	Bits   int                         `json:"bits"`
	Places int                         `json:"places,omitempty"`
	List   string                      `json:"lst,omitempty"`
	Values map[uint64]statuslist.Value `json:"values"`
}

type toldSite struct {
	Name  string `json:"name"`
	Index string `json:"index"`
	From  string `json:"from"`
}

// told is everything that the reader needs.
type told struct {
	Base    string          `json:"base"`
	Keys    json.RawMessage `json:"keys"`
	Sites   []toldSite      `json:"sites"`
	Lists   []toldList      `json:"lists"`
	Vectors []toldList      `json:"vectors"`
	Token   string          `json:"token"`
	Index   uint64          `json:"idx"`
}

// TestStatusLists: a reader that others wrote reads our lists, from a server that
// knows what they are and from a directory behind one that does not, and reads the
// vectors of the draft as we do.
func TestStatusLists(t *testing.T) {
	if !hasNode(t) {
		return
	}
	press, keys := listKey(t)
	dir, all := t.TempDir(), told{Base: listBase, Keys: keys, Index: 3}
	var names []string
	for _, bits := range []int{1, 2, 4, 8} {
		name := fmt.Sprintf("list%d", bits)
		list := toldList{URI: listBase + "/" + name, Bits: bits, Places: 1 << 16, Values: map[uint64]statuslist.Value{0: 1, 3: statuslist.Value(1<<bits - 1), 1<<16 - 1: 1}}
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(writeList(t, press, list)), 0o600))
		all.Lists, names = append(all.Lists, list), append(names, list.URI)
		all.Vectors = append(all.Vectors, vector(t, bits))
	}
	index, err := statuslist.MarshalAggregation(names)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "index.json"), index, 0o600))
	directory := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer directory.Close()
	served := httptest.NewServer(listServer(dir, index))
	defer served.Close()
	all.Sites = []toldSite{
		{"served", served.URL + "/status", served.URL + "/status"},
		{"directory", directory.URL + "/index.json", directory.URL},
	}
	all.Token = tokenWithStatus(t, press, all.Lists[0].URI, all.Index)
	var want strings.Builder
	for _, site := range all.Sites {
		fmt.Fprintf(&want, "%s: aggregation ok\n", site.Name)
		for _, list := range all.Lists {
			fmt.Fprintf(&want, "%s: %d bits ok\n", site.Name, list.Bits)
		}
	}
	for _, v := range all.Vectors {
		fmt.Fprintf(&want, "vector of %d bits ok\n", v.Bits)
	}
	want.WriteString("referenced token ok\n")
	if got, err := readOutside(t, all); err != nil || got != want.String() {
		t.Errorf("the reader: %v, printed %q, want %q\n%s", err, got, want.String(), problems(err))
	}
	// The control: the reader sees when a list says something else.
	all.Lists[1].Values[7] = 1
	if got, err := readOutside(t, all); err == nil {
		t.Errorf("the reader finds what is not there: %q", got)
	}
}

func readOutside(t *testing.T, all told) (string, error) {
	t.Helper()
	text, err := json.Marshal(all)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader := exec.CommandContext(ctx, "node", "node/statuslist.mjs")
	reader.Stdin = bytes.NewReader(text)
	out, err := reader.Output()
	return string(out), err
}

// listServer serves lists with their media type, to those alone who ask for it.
func listServer(dir string, index []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(index)
	})
	mux.HandleFunc("GET /status/{name}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != statuslist.MediaType {
			http.Error(w, "not acceptable", http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Type", statuslist.MediaType)
		http.ServeFile(w, r, filepath.Join(dir, r.PathValue("name")))
	})
	return mux
}

func listKey(t *testing.T) (*mint.Press, json.RawMessage) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	key, err := narrowcast.NewKey(narrowcast.KeyConfig{ID: "k1", Algorithm: narrowcast.ES256, Public: &private.PublicKey})
	must(t, err)
	set, err := jwks.Marshal([]narrowcast.Key{key})
	must(t, err)
	press, err := mint.New(mint.Config{Issuer: narrowcast.MustIssuer("https://issuer.example.test"), KeyID: "k1", Algorithm: narrowcast.ES256, Signer: private})
	must(t, err)
	return press, set
}

func writeList(t *testing.T, press *mint.Press, what toldList) string {
	t.Helper()
	list, err := statuslist.New(what.Bits, what.Places)
	must(t, err)
	for index, value := range what.Values {
		must(t, list.Set(index, value))
	}
	text, err := statuslist.Write(press, statuslist.Letter{
		URI: what.URI, List: list, IssuedAt: time.Now(), Lifetime: 5 * time.Minute, TTL: 30 * time.Second, Aggregation: listBase,
	})
	must(t, err)
	return text
}

// vector is one of the draft, as the library keeps it.
func vector(t *testing.T, bits int) toldList {
	t.Helper()
	read := func(ending string) string {
		text, err := os.ReadFile(fmt.Sprintf("../../statuslist/testdata/%d.%s", bits, ending))
		must(t, err)
		return string(text)
	}
	v := toldList{Bits: bits, List: strings.TrimSpace(read("lst")), Values: map[uint64]statuslist.Value{}}
	for line := range strings.Lines(read("txt")) {
		var index uint64
		var value statuslist.Value
		_, err := fmt.Sscan(line, &index, &value)
		must(t, err)
		v.Values[index] = value
	}
	return v
}

func tokenWithStatus(t *testing.T, press *mint.Press, uri string, index uint64) string {
	t.Helper()
	text, err := press.Mint(mint.Letter{
		Audience: narrowcast.MustAudience("https://pay.example.test"), Subject: "checkout", Client: "checkout", ID: mint.NewTokenID(),
		IssuedAt: time.Now(), Lifetime: time.Minute, Status: mint.Status{URI: uri, Index: index},
	})
	must(t, err)
	return text
}
