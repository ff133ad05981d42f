package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/service/internal/credential"
	"github.com/narrowcast-io/narrowcast/service/internal/runner"
)

type tokenFlags struct {
	door, credential, scope string
	subject, task, details  string
}

func (a *app) tokenCommand() *cobra.Command {
	var f tokenFlags
	c := &cobra.Command{
		Use: "token --for NAME", GroupID: "issue", Short: "Ask the issuer for a token for one resource",
		Long: `Ask the issuer for a token that opens one resource, and print it on standard output.
The resource is named by its id, or by its registered name where --home holds the
registry. The credential file says who asks and which issuer is asked.

With --subject the token in that file, which somebody sent to this client's own
resource server, is exchanged (RFC 8693): the new token speaks of the same subject,
names this client as the actor, and is no wider and no longer. With --details it is
for one exact request (RFC 9396). With --task it dies with a task of this client.

Inside "narrowcast run" no credential is needed: the runner is asked.

The token is a secret: send it into a pipe or a file, not into a terminal.`,
		Example: "  narrowcast token --for payments --credential credentials/checkout.json > token.txt\n" +
			"  narrowcast token --for https://pay.example.test --scope charge --credential checkout.json | narrowcast inspect -\n" +
			"  narrowcast token --for data --subject inbound.txt --credential orchestrator.json > next.txt",
		Args: exactArgs(0, "no arguments: name the resource with --for"),
		RunE: func(c *cobra.Command, _ []string) error {
			if socket := a.getenv(runner.SocketVariable); socket != "" && f.credential == "" && f.door != "" {
				return a.tokenOfTask(c.Context(), socket, f)
			}
			if f.door == "" || f.credential == "" {
				return usage(errors.New("--for and --credential are required: a token names exactly one resource, and somebody asks for it"))
			}
			token, err := a.fetchToken(c.Context(), f)
			if err != nil {
				return err
			}
			return a.printToken(viewOf(token))
		},
	}
	c.Flags().StringVar(&f.door, "for", "", "the resource: its id, or its name")
	c.Flags().StringVar(&f.credential, "credential", "", "the file with the client's credential")
	c.Flags().StringVar(&f.scope, "scope", "", "scopes, separated by spaces; default all that are granted")
	c.Flags().StringVar(&f.subject, "subject", "", "the file with the token to exchange, - for standard input")
	c.Flags().StringVar(&f.task, "task", "", "the task that the token belongs to")
	c.Flags().StringVar(&f.details, "details", "", "authorization details, a JSON array")
	c.MarkFlagsMutuallyExclusive("subject", "details")
	return c
}

// tokenView is a token as it is printed.
type tokenView struct {
	Resource    string           `json:"resource"`
	Scope       string           `json:"scope"`
	Expires     time.Time        `json:"expires"`
	Fingerprint string           `json:"sha256"`
	Survival    *runner.Survival `json:"worst_case_survival,omitempty"`
	Token       string           `json:"access_token"`
}

func viewOf(t client.Token) tokenView {
	v := tokenView{
		Resource: t.Audience().String(), Scope: t.Scope().String(), Expires: t.Expires(), Fingerprint: t.Fingerprint().String(), Token: t.Secret(),
	}
	if s := t.Survival(); s != (client.Survival{}) {
		v.Survival = &runner.Survival{Connected: int64(s.Connected / time.Second), Stale: int64(s.Stale / time.Second), Offline: int64(s.Offline / time.Second)}
	}
	return v
}

func (a *app) printToken(v tokenView) error {
	return a.print(v, func(w io.Writer) error { _, err := fmt.Fprintln(w, v.Token); return err })
}

func (a *app) fetchToken(ctx context.Context, f tokenFlags) (client.Token, error) {
	want, err := narrowcast.ParseScope(f.scope)
	if err != nil {
		return client.Token{}, usage(err)
	}
	who, err := credential.Read(f.credential)
	if err != nil {
		return client.Token{}, usage(err)
	}
	audience, err := a.resolve(ctx, f.door)
	if err != nil {
		return client.Token{}, err
	}
	source, err := tokenSource(who, a.now, func(c *client.Config) { c.Task = narrowcast.TaskID(f.task) })
	if err != nil {
		return client.Token{}, err
	}
	switch {
	case f.subject != "":
		subject, err := a.subjectToken(f.subject)
		if err != nil {
			return client.Token{}, err
		}
		return source.Exchange(ctx, subject, audience, want)
	case f.details != "":
		return source.TokenFor(ctx, audience, want, f.details)
	}
	return source.Token(ctx, audience, want)
}

// subjectToken reads the token that is to be exchanged.
func (a *app) subjectToken(path string) (string, error) {
	if path == "-" {
		return a.readToken(path)
	}
	text, err := readBounded(path, 64<<10)
	if err != nil {
		return "", usage(fmt.Errorf("reading the token to exchange: %w", err))
	}
	return strings.TrimSpace(string(text)), nil
}

// tokenOfTask asks the runner that runs us.
func (a *app) tokenOfTask(ctx context.Context, socket string, f tokenFlags) error {
	if f.subject != "" || f.details != "" || f.task != "" {
		return usage(errors.New("--subject, --details and --task need a --credential: the runner hands out the tokens of its task"))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	question := url.Values{"for": {f.door}}
	if f.scope != "" {
		question.Set("scope", f.scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://task/token?"+question.Encode(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := (&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}).Do(req)
	if err != nil {
		return fmt.Errorf("asking the runner at %s: %w", socket, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("asking the runner: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the runner says: %s", strings.TrimSpace(string(body)))
	}
	var issued runner.Issued
	if err := json.Unmarshal(body, &issued); err != nil {
		return errors.New("the runner's answer holds no token")
	}
	return a.printToken(tokenView{
		Resource: issued.Resource, Scope: issued.Scope, Expires: issued.Expires, Token: issued.Token, Survival: issued.Survival,
		Fingerprint: narrowcast.FingerprintOf(issued.Token).String(),
	})
}

// tokenSource asks the issuer of a credential.
func tokenSource(who credential.Credential, now func() time.Time, edits ...func(*client.Config)) (*client.Source, error) {
	proof, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: who.Client, KeyID: who.Key.ID(), Algorithm: who.Key.Algorithm(), Signer: who.Signer(), Now: now,
	})
	if err != nil {
		return nil, err
	}
	c := client.Config{Issuer: who.Issuer, Authenticate: proof, Now: now, RequireConfirmation: true, Transport: lively()}
	for _, edit := range edits {
		edit(&c)
	}
	return client.NewSource(c)
}

// resolve turns what a person typed into an audience. Ids need no registry.
func (a *app) resolve(ctx context.Context, door string) (narrowcast.Audience, error) {
	if strings.Contains(door, ":") {
		audience, err := narrowcast.ParseAudience(door)
		return audience, usage(err)
	}
	book, s, err := a.openBook(ctx)
	if err != nil {
		return narrowcast.Audience{}, fmt.Errorf("looking up the name %s: %w", door, err)
	}
	doors, _, err := snapshot(ctx, book, s.Issuer)
	if err := errors.Join(err, book.Close()); err != nil {
		return narrowcast.Audience{}, err
	}
	if doors != nil {
		if r, ok := doors.Resolve(door); ok {
			return r.Audience, nil
		}
	}
	return narrowcast.Audience{}, usage(fmt.Errorf("no resource is named %s in the registry in force", door))
}
