package spiffetest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/narrowcast-io/narrowcast/service/internal/spiffe/spiffetest"
)

const (
	issuer   = "https://issuer.example.test"
	checkout = "spiffe://corp.example/checkout"
	billing  = "spiffe://corp.example/billing"
)

func start(t *testing.T) (own, other *spiffetest.Authority, agent *spiffetest.Agent, dir string) {
	t.Helper()
	own, err := spiffetest.NewAuthority("corp.example", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if other, err = spiffetest.NewAuthority("partner.example", time.Now); err != nil {
		t.Fatal(err)
	}
	if dir, err = os.MkdirTemp("", "nc"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return own, other, spiffetest.NewAgent(own, other), dir
}

func listen(t *testing.T, agent *spiffetest.Agent, path string, ids ...string) *spiffetest.Socket {
	t.Helper()
	socket, err := agent.Listen(path, ids...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Stop)
	return socket
}

func dial(t *testing.T, socket *spiffetest.Socket) *workloadapi.Client {
	t.Helper()
	client, err := workloadapi.New(t.Context(), workloadapi.WithAddr("unix://"+socket.Path()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// The client that workloads really use takes everything that the stand-in says.
func TestRealClient(t *testing.T) {
	own, _, agent, dir := start(t)
	client := dial(t, listen(t, agent, filepath.Join(dir, "a"), checkout, billing))
	neighbour := dial(t, listen(t, agent, filepath.Join(dir, "b"), "spiffe://corp.example/neighbour"))
	ctx := t.Context()

	bundles, err := client.FetchX509Bundles(ctx)
	if err != nil || bundles.Len() != 2 {
		t.Fatalf("bundles: %v", err)
	}
	svids, err := client.FetchX509SVIDs(ctx)
	if err != nil || len(svids) != 2 || svids[0].ID.String() != checkout {
		t.Fatalf("%d SVIDs: %v", len(svids), err)
	}
	if id, _, err := x509svid.Verify(svids[0].Certificates, bundles); err != nil || id.String() != checkout {
		t.Errorf("go-spiffe about the SVID: %s, %v", id, err)
	}
	keys, err := client.FetchJWTBundles(ctx)
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: issuer, Subject: spiffeid.RequireFromString(billing)})
	if err != nil || token.ID.String() != billing {
		t.Fatalf("a token for the second identity: %v", err)
	}
	if _, err := jwtsvid.ParseAndValidate(token.Marshal(), keys, []string{issuer}); err != nil {
		t.Errorf("go-spiffe about the token: %v", err)
	}
	if _, err := client.ValidateJWTSVID(ctx, token.Marshal(), issuer); err != nil {
		t.Errorf("the agent about its token: %v", err)
	}
	if _, err := client.ValidateJWTSVID(ctx, token.Marshal(), "https://pay.example.test"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another audience: %v", err)
	}
	if _, err := neighbour.FetchJWTSVID(ctx, jwtsvid.Params{Audience: issuer, Subject: spiffeid.RequireFromString(billing)}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a neighbour gets our token: %v", err)
	}
	document, err := own.Document()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := spiffebundle.Parse(spiffeid.RequireTrustDomainFromString("corp.example"), document); err != nil || len(b.JWTAuthorities()) != 1 {
		t.Errorf("go-spiffe about the document: %v", err)
	}
}

func TestStreamsTellOfRotation(t *testing.T) {
	own, other, agent, dir := start(t)
	socket := listen(t, agent, filepath.Join(dir, "a"), checkout)
	source, err := workloadapi.NewX509Source(t.Context(), workloadapi.WithClient(dial(t, socket)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	for _, rotate := range []func() error{own.RotateX509, other.RotateX509} {
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
		<-source.Updated()
	}
	bundle, err := source.GetX509BundleForTrustDomain(spiffeid.RequireTrustDomainFromString("partner.example"))
	if err != nil || len(bundle.X509Authorities()) != 2 {
		t.Errorf("the rotation of the other domain is not told: %v", err)
	}
}

// A caller that does not send the header is none that speaks the protocol.
func TestHeaderIsNeeded(t *testing.T) {
	_, _, agent, dir := start(t)
	socket := listen(t, agent, filepath.Join(dir, "a"), checkout)
	conn, err := grpc.NewClient("unix://"+socket.Path(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	api := workload.NewSpiffeWorkloadAPIClient(conn)
	if _, err := api.FetchJWTSVID(t.Context(), &workload.JWTSVIDRequest{Audience: []string{issuer}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a call without the header: %v", err)
	}
	stream, err := api.FetchX509Bundles(t.Context(), &workload.X509BundlesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a stream without the header: %v", err)
	}
}

func TestHangAndRestart(t *testing.T) {
	_, _, agent, dir := start(t)
	socket := listen(t, agent, filepath.Join(dir, "a"), checkout)
	client := dial(t, socket)
	socket.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.FetchX509SVID(ctx); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("while it hangs: %v", err)
	}
	socket.Resume()
	if _, err := client.FetchX509SVID(t.Context()); err != nil {
		t.Errorf("after that: %v", err)
	}
	socket.Stop()
	if _, err := client.FetchX509SVID(t.Context()); status.Code(err) != codes.Unavailable {
		t.Errorf("while it is away: %v", err)
	}
	if err := socket.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, socket).FetchX509SVID(t.Context()); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

func TestProgram(t *testing.T) {
	_, _, _, dir := start(t)
	in, out := make(lines), make(ready)
	done := make(chan error, 1)
	bundle, socket := filepath.Join(dir, "bundle.json"), filepath.Join(dir, "a")
	go func() {
		done <- spiffetest.Program(t.Context(), time.Now, []string{"serve", "-bundle", bundle, "-workload", socket + "=" + checkout + "," + billing}, in, out)
	}()
	<-out
	first, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if err := spiffetest.Program(t.Context(), time.Now, []string{"fetch", "-socket", socket, "-audience", issuer, "-dir", dir}, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"svid.pem", "key.pem", "bundle.pem", "token"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(text) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, word := range strings.Fields("rotate retire hang resume stop start quit") {
		in <- word + "\n"
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(bundle); err != nil || string(second) == string(first) {
		t.Errorf("the bundle on disk did not change: %v", err)
	}
}

// lines is an input that a test writes.
type lines chan string

func (l lines) Read(into []byte) (int, error) { return copy(into, <-l), nil }

// ready tells of the first line of an output.
type ready chan struct{}

func (r ready) Write(text []byte) (int, error) {
	close(r)
	return len(text), nil
}
