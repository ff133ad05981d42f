package outside_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tokenToRead is a token, and what its status list shall say of it.
type tokenToRead struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Want any    `json:"want"`
}

type siteToRead struct {
	Name  string `json:"name"`
	Index string `json:"index"` // the address of the aggregation
	From  string `json:"from"`  // what stands there in place of the base
	Type  bool   `json:"type"`  // lists come with their media type
}

const forgeriesRefused = "the list ok\na list of another key ok\na list of another address ok\na token for a list ok\n"

// read fails unless the reader finds at every site, within the ttl, what is dead of
// the tokens, and all others alive.
func (l *lists) read(t *testing.T, held []tokenToRead, dead map[string]int) {
	t.Helper()
	sites := []siteToRead{
		{"issuer", l.issuer + "/status", l.issuer + "/status", true},
		{"second", l.second + "/status", l.second + "/status", true},
		{"directory", l.static + "/index.json", l.static, false},
	}
	said := make([]string, len(held))
	for i := range held {
		held[i].Want = dead[held[i].Name]
		if held[i].Name == "plain" {
			held[i].Want = "no place"
		}
		said[i] = fmt.Sprint(held[i].Name, " ", held[i].Want)
	}
	var want strings.Builder
	for _, s := range sites {
		fmt.Fprintf(&want, "%s: %s\n", s.Name, strings.Join(said, ", "))
	}
	input, err := json.Marshal(map[string]any{
		"issuer": l.issuer, "jwks": l.issuer + "/jwks", "base": l.issuer + "/status", "ttl": listTTL.Seconds(), "wait": listTTL.Seconds(),
		"sites": sites, "tokens": held,
	})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader := exec.CommandContext(ctx, "node", "node/statusreader.mjs")
	reader.Stdin = bytes.NewReader(input)
	out, err := reader.Output()
	if want.WriteString(forgeriesRefused); err != nil || string(out) != want.String() {
		t.Errorf("the reader: %v, printed\n%s\nwant\n%s\n%s", err, out, want.String(), problems(err))
	}
}

// job is a command that "narrowcast run" runs: it prints a token and lives until
// its input ends.
type job struct {
	command *exec.Cmd
	input   io.Closer
	token   string
}

func (l *lists) startJob(t *testing.T) *job {
	t.Helper()
	c := exec.CommandContext(t.Context(), l.program, "run", "--home", l.home, "--for", ledger, "--credential", l.credential, "--",
		"sh", "-c", `"$0" token --for "$1" && read -r _; exit 0`, l.program, ledger)
	input, err := c.StdinPipe()
	must(t, err)
	output, err := c.StdoutPipe()
	must(t, err)
	c.Stderr = os.Stderr
	must(t, c.Start())
	token, err := bufio.NewReader(output).ReadString('\n')
	must(t, err)
	return &job{c, input, strings.TrimSpace(token)}
}

// end lets the command end in good order.
func (j *job) end(t *testing.T) {
	t.Helper()
	must(t, j.input.Close())
	must(t, j.command.Wait())
}
