package outside_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narrowcast-io/narrowcast"
)

const listTTL = 5 * time.Second

// lists is a running issuer that publishes status lists, and where they are.
type lists struct {
	binary
	issuer, second string // addresses; the second replica speaks for the issuer too
	listen         []string
	credential     string // of the client reporting
	secret         string // of the client nightly
	export         string // the directory
	static         string // the address at which a web server shows it
	log            *diary
}

// statusLists: the tokens of the real issuer, through restarts and by two replicas,
// and what a reader that others wrote finds out about them, at the issuer and in a
// directory behind a web server that others wrote too.
func statusLists(t *testing.T, program string) {
	l := prepareLists(t, program)
	var held []tokenToRead
	t.Run("before a restart", func(t *testing.T) {
		l.serve(t)
		held = append(held, tokenToRead{Name: "old", Text: l.token(t, ledger)})
	})
	l.serve(t)
	l.awaitProblem(t)
	strangers := l.makeExport(t)
	l.serveStatic(t)
	l.serveSecond(t)

	paused, ended := l.openTask(t), l.openTask(t)
	job := l.startJob(t)
	held = append(held,
		tokenToRead{Name: "kept", Text: l.token(t, ledger)}, tokenToRead{Name: "plain", Text: l.token(t, stock)},
		tokenToRead{Name: "second", Text: l.tokenOfSecond(t)},
		tokenToRead{Name: "revoked", Text: l.token(t, ledger)}, tokenToRead{Name: "paused", Text: l.token(t, ledger, "--task", paused)},
		tokenToRead{Name: "ended", Text: l.token(t, ledger, "--task", ended)}, tokenToRead{Name: "job", Text: job.token})
	l.read(t, held, map[string]int{})

	l.revoke(t, held[4].Text)
	l.run(t, "task", "pause", paused)
	l.run(t, "task", "end", ended, "--credential", l.credential, "--key", l.key())
	job.end(t)
	l.read(t, held, map[string]int{"revoked": 1, "paused": 2, "ended": 1, "job": 1})

	l.run(t, "task", "resume", paused)
	l.read(t, held, map[string]int{"revoked": 1, "ended": 1, "job": 1})
	l.strangersStay(t, strangers)
}

// prepareLists makes the home of an issuer whose directory for lists is not there.
func prepareLists(t *testing.T, program string) *lists {
	t.Helper()
	dir, free := t.TempDir(), freeAddresses(t, 2)
	l := &lists{
		binary: binary{program: program, home: filepath.Join(dir, "home")}, issuer: "http://" + free[0], listen: free,
		credential: filepath.Join(dir, "reporting.json"), export: filepath.Join(dir, "public"),
	}
	l.run(t, "init", l.home, "--issuer", l.issuer, "--listen", free[0], "--operations", free[1])
	l.run(t, "client", "add", "reporting", "--owner", "team-data", "--kind", "job", "--credential", l.credential)
	var made struct{ Secret, Argon2id string }
	must(t, json.Unmarshal(l.run(t, "client", "secret", "--json"), &made))
	l.secret = made.Secret
	text := "clients:" + registered("nightly", `client_secret_basic: {argon2id: "`+made.Argon2id+`"}`) +
		"\nresources:" + guarded(ledger, "{status_list: true}", "reporting", "nightly") + guarded(stock, "{sender: preferred}", "reporting") + "\n"
	must(t, os.WriteFile(filepath.Join(l.home, "registry", "lists.yaml"), []byte(text), 0o600))
	must(t, appendTo(filepath.Join(l.home, "narrowcast.yaml"), "status_lists: {ttl: "+listTTL.String()+", export: "+l.export+"}\n"))
	l.run(t, "apply", filepath.Join(l.home, "registry"), "--author", "outside")
	return l
}

func (l *lists) serve(t *testing.T) {
	t.Helper()
	l.log = serve(t, `"msg":"listening"`, len(l.listen), os.Environ(), l.program, "serve", "--home", l.home)
}

// serveSecond runs another replica on the same book, which exports nothing.
func (l *lists) serveSecond(t *testing.T) {
	t.Helper()
	dir, free := t.TempDir(), freeAddresses(t, 2)
	l.second = "http://" + free[0]
	text := "issuer: " + l.issuer + "\nlisten: " + free[0] + "\noperations: " + free[1] + "\ndatabase: " + filepath.Join(l.home, "book.db") +
		"\nmaster_key_file: " + filepath.Join(l.home, "master.key") + "\nstatus_lists: {ttl: " + listTTL.String() + "}\n"
	must(t, os.WriteFile(filepath.Join(dir, "narrowcast.yaml"), []byte(text), 0o600))
	serve(t, `"msg":"listening"`, len(free), os.Environ(), l.program, "serve", "--home", dir)
}

// revoke calls a token back. Nobody follows the feed here, so that nobody confirms
// it: exit code 3.
func (l *lists) revoke(t *testing.T, text string) {
	t.Helper()
	claimed, err := narrowcast.Inspect(text)
	must(t, err)
	c := exec.CommandContext(t.Context(), l.program, "revoke", "token", claimed.TokenID, "--wait", "0s", "--home", l.home)
	if out, _ := c.CombinedOutput(); c.ProcessState.ExitCode() != 3 {
		t.Fatalf("narrowcast revoke: %s\n%s", c.ProcessState, out)
	}
}

func (l *lists) key() string { return l.credential + ".task" }

func (l *lists) openTask(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(l.run(t, "task", "open", "--for", ledger, "--lease", "2m", "--credential", l.credential, "--key", l.key())))
}

func (l *lists) token(t *testing.T, door string, more ...string) string {
	t.Helper()
	return strings.TrimSpace(string(l.run(t, append([]string{"token", "--for", door, "--credential", l.credential}, more...)...)))
}

// tokenOfSecond comes from the second replica.
func (l *lists) tokenOfSecond(t *testing.T) string {
	t.Helper()
	token, err := ask(t, &site{SecretClient: "nightly", Scope: "post", TokenEndpoint: l.second + "/token"}, l.secret, ledger)
	must(t, err)
	return token.AccessToken
}
