package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/guard"
)

// lane is one address and what a request to it carries.
type lane struct {
	url    string
	header http.Header
	took   []time.Duration
}

// adapters measures each way over loopback, in turn with the same way without a
// check, so that both see the same moods of the machine.
func (c *Config) adapters(ctx context.Context) (all []Adapter, err error) {
	s, err := c.openStage()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, one := range s.ways {
		c.Tell("requests through " + one.name)
		if err := c.race(ctx, one.without, one.with); err != nil {
			return all, fmt.Errorf("%s: %w", one.name, err)
		}
		all = append(all, Adapter{
			Name: one.name, Base50: quantile(one.without.took, 50), Base99: quantile(one.without.took, 99),
			P50: quantile(one.with.took, 50) - quantile(one.without.took, 50), P99: quantile(one.with.took, 99) - quantile(one.without.took, 99),
		})
	}
	return all, nil
}

// way is an adapter beside the same thing without a check.
type way struct {
	name          string
	without, with *lane
}

// stage is everything that listens.
type stage struct {
	servers []*http.Server
	ways    []way
}

func (s *stage) close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

func (s *stage) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(l) }() // ends with Close
	return "http://" + l.Addr().String(), nil
}

func (c *Config) openStage() (*stage, error) {
	s := &stage{}
	if err := c.furnish(s); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (c *Config) furnish(s *stage) error {
	b, err := newBank(narrowcast.ES256, c.Now())
	if err != nil {
		return err
	}
	g, err := c.guard(b)
	if err != nil {
		return err
	}
	service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	plain, err := s.serve(service)
	if err != nil {
		return err
	}
	upstream, err := url.Parse(plain)
	if err != nil {
		return err
	}
	proxy, err := g.Proxy(guard.ProxyConfig{Upstream: upstream})
	if err != nil {
		return err
	}
	asked, err := g.ForwardAuth(guard.ForwardConfig{Original: guard.FromXForwarded})
	if err != nil {
		return err
	}
	token := http.Header{"Authorization": {"Bearer " + b.tokens[0]}}
	question := token.Clone()
	question.Set("X-Forwarded-Method", http.MethodGet)
	question.Set("X-Forwarded-Uri", "/charges")
	for _, one := range []struct {
		name          string
		without, with http.Handler
		header        http.Header
	}{
		{"middleware", service, g.Wrap(service), token},
		{"proxy", httputil.NewSingleHostReverseProxy(upstream), proxy, token},
		{"forward-auth answer", service, asked, question},
	} {
		without, err := s.serve(one.without)
		if err != nil {
			return err
		}
		with, err := s.serve(one.with)
		if err != nil {
			return err
		}
		s.ways = append(s.ways, way{one.name, &lane{url: without, header: one.header}, &lane{url: with, header: one.header}})
	}
	return nil
}

// guard is one that checks every signature anew and keeps no record.
func (c *Config) guard(b *bank) (*guard.Guard, error) {
	verifier, err := c.verifier(b, narrowcast.ES256, 0)
	if err != nil {
		return nil, err
	}
	return guard.New(guard.Config{Verifier: verifier, Sink: guard.DangerouslyRecordNothing{}, Now: c.Now, Name: "measure"})
}

// race sends requests one after the other, to both lanes in turn.
func (c *Config) race(ctx context.Context, lanes ...*lane) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	warm := c.Requests / 10
	for n := range c.Requests + warm {
		for _, l := range lanes {
			took, err := c.send(ctx, client, l)
			if err != nil {
				return err
			}
			if n >= warm {
				l.took = append(l.took, took)
			}
		}
	}
	return nil
}

func (c *Config) send(ctx context.Context, client *http.Client, l *lane) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+"/charges", nil)
	if err != nil {
		return 0, err
	}
	req.Header = l.header.Clone()
	began := c.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	took := c.Now().Sub(began)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return took, nil
}

// quantile is in microseconds.
func quantile(took []time.Duration, percent int) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return float64(sorted[min(len(sorted)-1, len(sorted)*percent/100)]) / float64(time.Microsecond)
}
