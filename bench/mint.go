package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/mint"
)

// benchResource is the resource of the sample registry that checkout may use.
const benchResource = "https://pay.example.test"

// mintBench runs three servers as processes of their own and asks each for
// tokens with private_key_jwt: the bare handler, the bare handler with a line
// synced to the disk for each token, and the issuer with its durable book.
func mintBench(rounds int, length time.Duration, clients int) error {
	dir, err := os.MkdirTemp("", "narrowcast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &mintRun{dir: dir}
	defer b.stop()
	targets, err := b.start()
	if err != nil {
		return err
	}
	results := make([][]round, len(targets))
	for n := range rounds + 1 {
		for i, t := range targets {
			r, err := load(t, clients, length)
			if err != nil {
				return err
			}
			if n > 0 { // the first round warms up
				results[i] = append(results[i], r)
			}
		}
	}
	return report(targets, results, rounds, clients)
}

func report(targets []target, results [][]round, rounds, clients int) error {
	fmt.Printf("\nToken endpoint, private_key_jwt with ES256, ES256 tokens, %d clients on the same machine.\n", clients)
	fmt.Printf("Median of %d interleaved rounds; CPU is that of the server process.\n\n", rounds)
	t := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "who\trequests/s\tCPU µs per request\tp99 ms\tCPU ratio to bare\tCPU ratio to bare with book\t")
	pick := func(i int, f func(round) float64) float64 {
		var all []float64
		for _, r := range results[i] {
			all = append(all, f(r))
		}
		return median(all)
	}
	cpu := func(r round) float64 { return r.cpuMicros }
	for i, target := range targets {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\t%.2f\t%.2f\t\n", target.name,
			pick(i, func(r round) float64 { return r.perSecond }), pick(i, cpu),
			pick(i, func(r round) float64 { return float64(r.p99.Microseconds()) / 1000 }),
			pick(i, cpu)/pick(0, cpu), pick(i, cpu)/pick(1, cpu))
	}
	return t.Flush()
}

// mintRun is the processes of one run.
type mintRun struct {
	dir       string
	processes []*exec.Cmd
}

func (b *mintRun) stop() {
	for _, p := range b.processes {
		_ = p.Process.Kill() // started here, and done with
		_ = p.Wait()
	}
}

func (b *mintRun) start() ([]target, error) {
	binary := filepath.Join(b.dir, "narrowcast")
	if out, err := command("", "go", "-C", "../service", "build", "-o", binary, "./cmd/narrowcast").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building: %w\n%s", err, out)
	}
	address, operations, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(b.dir, "home")
	issuer := "http://" + address
	if out, err := command("", binary, "init", home, "--issuer", issuer, "--listen", address, "--operations", operations).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("init: %w\n%s", err, out)
	}
	client, set, err := readClient(filepath.Join(home, "credentials", "checkout.json"))
	if err != nil {
		return nil, err
	}
	audience, err := narrowcast.ParseAudience(issuer)
	if err != nil {
		return nil, err
	}
	bare, err := b.floor("bare handler", set, "")
	if err != nil {
		return nil, err
	}
	booked, err := b.floor("bare handler with a synced file", set, filepath.Join(b.dir, "floor.book"))
	if err != nil {
		return nil, err
	}
	serve := command("", binary, "serve", "--home", home)
	if err := b.launch(serve); err != nil {
		return nil, err
	}
	own := target{name: "narrowcast with its durable book", pid: serve.Process.Pid, endpoint: issuer + "/token"}
	all := []target{bare, booked, own}
	for i := range all {
		all[i].issuer, all[i].client = audience, client
		if err := awaitServer(all[i].endpoint); err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
	}
	return all, nil
}

func command(dir, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off")
	return c
}

func (b *mintRun) launch(c *exec.Cmd) error {
	if err := c.Start(); err != nil {
		return err
	}
	b.processes = append(b.processes, c)
	return nil
}

// floor starts this program again as a bare server.
func (b *mintRun) floor(name, set, book string) (target, error) {
	self, err := os.Executable()
	if err != nil {
		return target{}, err
	}
	c := command("", self, "floor", "127.0.0.1:0")
	c.Env = append(c.Env, "FLOOR_JWKS="+set, "FLOOR_BOOK="+book)
	out, err := c.StdoutPipe()
	if err != nil {
		return target{}, err
	}
	c.Stderr = os.Stderr
	if err := b.launch(c); err != nil {
		return target{}, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return target{}, errors.New("the bare server did not start")
	}
	return target{name: name, pid: c.Process.Pid, endpoint: "http://" + lines.Text() + "/token"}, nil
}

func freeAddresses() (first, second string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

// awaitServer waits until a server answers anything at all.
func awaitServer(endpoint string) error {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	for {
		resp, err := http.Get(endpoint)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// readClient reads a credential file and returns a press for assertions and the
// public half as a key set.
func readClient(path string) (*mint.Press, string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	var file struct {
		Client string `json:"client_id"`
		Key    string `json:"private_key"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, "", err
	}
	block, _ := pem.Decode([]byte(file.Key))
	if block == nil {
		return nil, "", errors.New("no key in " + filepath.Base(path))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, "", err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, "", errors.New("not an ES256 key")
	}
	kid, err := jose.Thumbprint(&private.PublicKey)
	if err != nil {
		return nil, "", err
	}
	self, err := narrowcast.ParseIssuer(file.Client)
	if err != nil {
		return nil, "", err
	}
	press, err := mint.New(mint.Config{Issuer: self, KeyID: narrowcast.KeyID(kid), Algorithm: narrowcast.ES256, Signer: crypto.Signer(private)})
	if err != nil {
		return nil, "", err
	}
	set, err := jose.MarshalSet([]jose.JWK{{KeyID: kid, Alg: jose.ES256, Public: &private.PublicKey}})
	return press, strings.TrimSpace(string(set)), err
}
