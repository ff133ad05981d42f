package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/feed"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/jwks"
)

// source is a client of an issuer, with the credential that init made for it.
func (h *home) source(name string, task narrowcast.TaskID) (*client.Source, error) {
	id, issuer, private, err := readCredential(filepath.Join(h.dir, "credentials", name+".json"))
	if err != nil {
		return nil, err
	}
	if _, ok := private.Public().(*ecdsa.PublicKey); !ok {
		return nil, errors.New("the credential of " + name + " is for another algorithm than ES256")
	}
	kid, err := jose.Thumbprint(private.Public())
	if err != nil {
		return nil, err
	}
	proof, err := client.NewPrivateKeyJWT(client.PrivateKeyJWTConfig{
		ClientID: narrowcast.ClientID(id), KeyID: narrowcast.KeyID(kid), Algorithm: narrowcast.ES256, Signer: private, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	server, err := narrowcast.ParseIssuer(issuer)
	if err != nil {
		return nil, err
	}
	return client.NewSource(client.Config{
		Issuer: server, TokenEndpoint: issuer + "/token", Authenticate: proof, Now: time.Now, RequireConfirmation: true, Task: task,
	})
}

// caller asks one door of the issuer, with a token of its own. At is where the
// door is, when something stands before it.
func (h *home) caller(name, door, scope, at string) (*http.Client, error) {
	source, err := h.source(name, "")
	if err != nil {
		return nil, err
	}
	audience, err := narrowcast.ParseAudience(h.issuer + "/" + door)
	if err != nil {
		return nil, err
	}
	asked, err := narrowcast.ParseScope(scope)
	if err != nil {
		return nil, err
	}
	if at == "" {
		at = audience.String()
	}
	carrier, err := client.NewTransport(client.TransportConfig{
		Tokens: source, Doors: map[string]narrowcast.Audience{at: audience},
		Scopes: map[narrowcast.Audience]narrowcast.Scope{audience: asked}, Base: &http.Transport{MaxIdleConnsPerHost: 4},
	})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: carrier, Timeout: 10 * time.Second}, nil
}

// point is an enforcement point of this process that follows the feed.
type point struct {
	name     string
	follower *feed.Follower
	verifier *narrowcast.Verifier
}

// points are several, and the keys that they share.
type points struct {
	all  []*point
	keys *jwks.HTTP
	stop context.CancelFunc
	work sync.WaitGroup
}

// pointsOf makes points for the resource of the benchmarks and lets them follow.
// Every second one keeps its state in a file. Where says where each one finds the
// feed; nil for the issuer.
func (h *home) pointsOf(n int, where func(i int) string) (*points, error) {
	p := &points{}
	var err error
	if p.keys, err = jwks.NewHTTP(jwks.HTTPConfig{URL: h.issuer + "/jwks", Now: time.Now}); err != nil {
		return nil, err
	}
	for i := range n {
		at, file := h.issuer+"/feed", ""
		if where != nil {
			at = where(i)
		}
		if i%2 == 0 {
			file = filepath.Join(h.town.dir, fmt.Sprintf("point-%d.feed", i))
		}
		one, err := h.point(fmt.Sprintf("guard-payments/point-%d", i), at, file, p.keys)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, one)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.work.Go(func() { _ = p.keys.Run(ctx) }) // ends with ctx
	for _, one := range p.all {
		p.work.Go(func() { _ = one.follower.Run(ctx) }) // likewise
	}
	return p, nil
}

func (h *home) point(name, at, file string, keys narrowcast.KeySource) (*point, error) {
	issuer, err := narrowcast.ParseIssuer(h.issuer)
	if err != nil {
		return nil, err
	}
	follows, err := h.caller("guard-payments", "feed", "follow", at)
	if err != nil {
		return nil, err
	}
	one := &point{name: name}
	audience := narrowcast.MustAudience(benchResource)
	if one.follower, err = feed.New(feed.Config{Issuer: issuer, Audience: audience, URL: at, Client: follows, Now: time.Now, File: file}); err != nil {
		return nil, err
	}
	one.verifier, err = narrowcast.NewVerifier(narrowcast.Config{
		Audience: audience, Issuers: []narrowcast.TrustedIssuer{{Issuer: issuer, Keys: keys}},
		Algorithms: []narrowcast.Algorithm{narrowcast.ES256}, Now: time.Now, Liveness: one.follower, Cache: 4096,
	})
	return one, err
}

func (p *points) close() {
	p.stop()
	p.work.Wait()
}

// opens shows a token to a point.
func (p *point) opens(text string) bool {
	_, err := p.verifier.Verify(context.Background(), text, narrowcast.Presentation{})
	return err == nil
}

// connect waits until all follow.
func (p *points) connect(limit time.Duration) error {
	return within(limit, "every verifier follows", func() error {
		for _, one := range p.all {
			if s := one.follower.State(); !s.Connected {
				return fmt.Errorf("%s does not: %s", one.name, strings.TrimSpace(s.LastError))
			}
		}
		return nil
	})
}

// within tries until it works.
func within(limit time.Duration, what string, try func() error) error {
	for late := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(late) {
			if err != nil {
				err = fmt.Errorf("%s: not within %s: %w", what, limit, err)
			}
			return err
		}
	}
}

// ready waits until an issuer answers.
func (h *home) ready() error {
	return within(20*time.Second, "the issuer answers", func() error {
		resp, err := http.Get(h.issuer + "/jwks")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}
