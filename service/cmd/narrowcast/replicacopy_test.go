//go:build !fast

package main

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/settings"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
	"github.com/narrowcast-io/narrowcast/service/internal/store/postgres/pgtest"
)

// past is what an issuer did before it moved.
type past struct {
	used   url.Values // a request whose assertion is used up
	tokens []string
	ids    []narrowcast.TokenID
}

// TestStoreMovesToPostgreSQL: an issuer with a past goes from a file into a
// database and from there into another schema. Nothing of the past is lost, and
// nothing that was used up can be used again.
func TestStoreMovesToPostgreSQL(t *testing.T) {
	server := pgtest.Start(t)
	h := newKillHome(t)
	serve := h.start(t)
	var p past
	p.grow(t, h)
	to := []string{"--to", server.URL(), "--password-file", server.PasswordFile}
	h.mustNotCopy(t, exitFailed, "open; end the issuer first", append(to, "--schema", "first")...)
	serve.kill(t) // what it wrote last is in the log beside the file only

	file := h.kept(t)
	h.moveTo(t, file, append(to, "--schema", "first"))
	serve = h.start(t)
	p.mustBeThere(t, h)
	p.grow(t, h)

	// A running issuer is noticed here too, and a full schema is left alone.
	h.mustNotCopy(t, exitFailed, "something answers at "+h.address, append(to, "--schema", "second")...)
	serve.kill(t)
	h.mustNotCopy(t, exitUsage, "there is something in this schema already", append(to, "--schema", "first")...)

	// The rest of an attempt that failed is in nobody's way.
	h.makeEmpty(t, server, "second")
	h.moveTo(t, h.kept(t), append(to, "--schema", "second"))
	serve = h.start(t)
	p.mustBeThere(t, h)
	serve.kill(t)
}

// grow lets time pass: tokens, and a refusal.
func (p *past) grow(t *testing.T, h *killHome) {
	t.Helper()
	for range 3 {
		p.used = h.fresh(t, payDoor)
		g := h.mustSay(t, p.used, "", http.StatusOK, "")
		p.tokens, p.ids = append(p.tokens, g.Token), append(p.ids, narrowcast.TokenID(g.said.TokenID))
	}
	h.mustSay(t, p.used, "", http.StatusUnauthorized, "invalid_client")
	h.mustSay(t, h.fresh(t, shipDoor), "", http.StatusBadRequest, "invalid_target")
}

// mustBeThere looks for the past in an issuer that has moved.
func (p *past) mustBeThere(t *testing.T, h *killHome) {
	t.Helper()
	door := doorOf(t, &replica{killHome: h})
	g := h.mustSay(t, h.fresh(t, payDoor), "", http.StatusOK, "")
	for _, text := range append(p.tokens, g.Token) {
		token, err := door.Verify(t.Context(), text, narrowcast.Presentation{})
		if err != nil || token.KeyID() == "" || string(token.KeyID()) != g.said.KeyID {
			t.Errorf("a token from before is not taken, or another key signs now: %v", err)
		}
	}
	h.mustSay(t, p.used, "", http.StatusUnauthorized, "invalid_client")
	for _, id := range p.ids {
		if out, err := h.command(t, "ledger", "get", string(id)); err != nil || !strings.Contains(out, "issued") {
			t.Errorf("ledger get: %v\n%s", err, out)
		}
	}
	if out, err := h.command(t, "ledger", "verify"); err != nil || !strings.Contains(out, "the chain is intact") {
		t.Errorf("ledger verify: %v\n%s", err, out)
	}
}

// mustNotCopy wants store copy to end with an exit code and a sentence.
func (h *killHome) mustNotCopy(t *testing.T, code int, say string, args ...string) {
	t.Helper()
	copying := exec.CommandContext(t.Context(), "narrowcast", append([]string{"store", "copy", "--home", h.dir}, args...)...)
	out, _ := copying.CombinedOutput() // the exit code is what counts
	if copying.ProcessState.ExitCode() != code || !strings.Contains(string(out), say) {
		t.Errorf("exit code %d, want %d with %q:\n%s", copying.ProcessState.ExitCode(), code, say, out)
	}
}

// moveTo copies the store, puts the printed lines into the settings, and looks
// for every record of the old store in the new one.
func (h *killHome) moveTo(t *testing.T, old store.Source, args []string) {
	t.Helper()
	before := everything(t, old)
	if err := old.(store.Store).Close(); err != nil {
		t.Fatal(err)
	}
	out, err := h.command(t, append([]string{"store", "copy"}, args...)...)
	if err != nil || !strings.Contains(out, "the chain is intact in the copy") {
		t.Fatalf("store copy: %v\n%s", err, out)
	}
	_, lines, _ := strings.Cut(out, "\n\npostgres:\n")
	lines, _, found := strings.Cut(lines, "\n\n")
	if !found {
		t.Fatalf("no settings in:\n%s", out)
	}
	h.editSettings(t, func(text string) string {
		return withoutStore(text) + "postgres:\n" + lines + "\n"
	})
	after := everything(t, h.kept(t))
	if len(before) == 0 || len(after) != len(before) {
		t.Fatalf("%d records became %d", len(before), len(after))
	}
	for i := range before {
		if before[i].Number != after[i].Number || before[i].Hash != after[i].Hash || !bytes.Equal(before[i].Encoded, after[i].Encoded) ||
			!before[i].Received.Equal(after[i].Received) {
			t.Errorf("record %d is another one", before[i].Number)
		}
	}
}

// withoutStore takes the lines out that name the store.
func withoutStore(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "database:") && !strings.HasPrefix(line, "postgres:") && !strings.HasPrefix(line, "  ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func everything(t *testing.T, book store.Book) (all []store.Record) {
	t.Helper()
	for r, err := range book.Find(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// makeEmpty makes a schema with nothing in it, as a copy leaves it that failed.
func (h *killHome) makeEmpty(t *testing.T, server *pgtest.Server, schema string) {
	t.Helper()
	s, err := settings.LoadIssuer(filepath.Join(h.dir, settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	s.Postgres.Schema = schema
	empty, err := command(h.dir).createStore(t.Context(), s)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCopyNoticesWhoComes: an issuer opens the source while it is copied. The copy
// is not kept.
func TestCopyNoticesWhoComes(t *testing.T) {
	h := newKillHome(t)
	path := filepath.Join(t.TempDir(), "copy.db")
	a := command(h.dir)
	from, err := a.issuerSettings()
	if err != nil {
		t.Fatal(err)
	}
	to, err := storeSettings(from, "database: "+path+"\n")
	if err != nil {
		t.Fatal(err)
	}
	var late *life
	a.errs = onWrite(func() {
		if late == nil {
			late = h.start(t)
		}
	})
	// It is noticed by what it writes, or at the end because it is there.
	if _, err := a.copyStore(t.Context(), from, to); err == nil ||
		!strings.Contains(err.Error(), "was written to meanwhile") && !strings.Contains(err.Error(), "must not be used") {
		t.Errorf("an issuer started while its store was copied: %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the copy was kept: %v", err)
	}
	late.kill(t)
	a.errs = onWrite(func() {})
	if r, err := a.copyStore(t.Context(), from, to); err != nil || r.Records == 0 {
		t.Errorf("with nobody there: %+v, %v", r, err)
	}
}

type onWrite func()

func (do onWrite) Write(p []byte) (int, error) {
	do()
	return len(p), nil
}
