package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/guard"
	"github.com/narrowcast-io/narrowcast/mint"
	"github.com/narrowcast-io/narrowcast/service/internal/incident"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// play is the story of the demo and what its scenes remember.
type play struct {
	world    *world
	ctx      context.Context
	token    string // for payments
	agent    string // for the orchestrator
	decision string // of the refusal at profiles
	handed   string // for data, in the agent's name
}

func (p *play) scenes() []func() step {
	return []func() step{
		p.mintForPayments, p.payments, p.profiles, p.offTarget, p.withoutResource,
		p.mintForAgent, p.orchestrator, p.data, p.agentAsksForData, p.forged, p.where, p.expiry,
		p.exchange, p.dataInItsName, p.stranger, p.revoke, p.dead,
	}
}

func (p *play) mintForPayments() step {
	s := step{Step: "mint", Request: "POST /token resource=payments"}
	token, err := p.fetch("checkout", "payments")
	if err != nil {
		return p.failed(s, err)
	}
	p.token, s.Status, s.OK = token, http.StatusOK, true
	s.tell = "checkout asks the issuer for a token for payments            200  aud " + p.world.doors["payments"].audience.String()
	return s
}

func (p *play) fetch(who, door string) (string, error) {
	c, err := p.world.read(who)
	if err != nil {
		return "", err
	}
	source, err := tokenSource(c, p.world.app.now)
	if err != nil {
		return "", err
	}
	token, err := source.Token(p.ctx, p.world.doors[door].audience, narrowcast.Scope{})
	if err != nil {
		return "", err
	}
	return token.Secret(), nil
}

func (p *play) failed(s step, err error) step {
	s.Reason, s.tell = err.Error(), s.Step+": "+err.Error()
	return s
}

func (p *play) payments() step {
	s := p.knock("accepted", "payments", p.token, http.StatusOK, 0)
	s.tell = fmt.Sprintf("the token opens payments                                     %d", s.Status)
	return s
}

func (p *play) profiles() step {
	s := p.knock("refused", "profiles", p.token, http.StatusUnauthorized, narrowcast.AudienceMismatch)
	s.tell = fmt.Sprintf("the same bytes at profiles                                   %d  %s", s.Status, s.Reason)
	return s
}

// knock shows a token at a door and finds the reason of a refusal in the book.
func (p *play) knock(name, door, token string, want int, reason narrowcast.Reason) step {
	s := step{Step: name, Request: "GET " + door}
	resp, err := p.get(p.world.doors[door].url, token)
	if err != nil {
		return p.failed(s, err)
	}
	s.Status, s.OK = resp.StatusCode, resp.StatusCode == want
	decision := resp.Header.Get(guard.DecisionHeader)
	if reason == 0 {
		return s
	}
	e, err := p.find(store.Query{Decision: decision})
	if err != nil {
		return p.failed(s, err)
	}
	if door == "profiles" {
		p.decision = decision
	}
	s.Reason, s.OK = e.Reason.String(), s.OK && e.Reason == reason
	return s
}

func (p *play) get(address, token string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return resp, errors.Join(err, resp.Body.Close())
}

// find waits until the book has a record that matches.
func (p *play) find(q store.Query) (event.Event, error) {
	q.Newest, q.Limit = true, 1
	for start := p.world.app.now(); p.world.app.now().Sub(start) < patience; {
		for record, err := range p.world.house.store.Find(p.ctx, q) {
			return record.Event, err
		}
		select {
		case <-p.ctx.Done():
			return event.Event{}, p.ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return event.Event{}, fmt.Errorf("nothing of the kind reached the book within %s", patience)
}

func (p *play) offTarget() step {
	s := step{Step: "off_target", Request: "the book"}
	started := p.world.app.now()
	e, err := p.find(store.Query{Decision: p.decision, Types: []event.Type{event.OffTarget}})
	if err != nil {
		return p.failed(s, err)
	}
	within := p.world.app.now().Sub(started) <= time.Second
	names := e.Expected == p.world.doors["profiles"].audience.String() && e.Token != nil && e.Token.Subject == "checkout" &&
		len(e.Received) == 1 && e.Received[0] == p.world.doors["payments"].audience.String()
	s.Reason, s.OK = string(e.Type)+": expected "+e.Expected+", received "+strings.Join(e.Received, " "), within && names
	s.tell = "the book has it: off_target, expected " + e.Expected + ", received " + strings.Join(e.Received, " ") + ", of " + e.Token.Subject
	return s
}

// ask sends a token request by hand, for what the client library never does.
func (p *play) ask(who string, form url.Values) (status int, answer map[string]any, err error) {
	c, err := p.world.read(who)
	if err != nil {
		return 0, nil, err
	}
	self, err := narrowcast.ParseIssuer(string(who))
	if err != nil {
		return 0, nil, err
	}
	press, err := mint.New(mint.Config{Issuer: self, KeyID: c.Key.ID(), Algorithm: c.Key.Algorithm(), Signer: c.Signer()})
	if err != nil {
		return 0, nil, err
	}
	audience, err := narrowcast.ParseAudience(p.world.issuer)
	if err != nil {
		return 0, nil, err
	}
	assertion, err := press.Mint(mint.Letter{
		Class: narrowcast.ClientAssertion, Audience: audience, Subject: narrowcast.Subject(who),
		ID: mint.NewTokenID(), IssuedAt: p.world.app.now(), Lifetime: time.Minute,
	})
	if err != nil {
		return 0, nil, err
	}
	form.Set("grant_type", "client_credentials")
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	resp, err := (&http.Client{Timeout: patience}).PostForm(p.world.issuer+"/token", form)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer)
	return resp.StatusCode, answer, err
}

func (p *play) withoutResource() step {
	s := step{Step: "no_resource", Request: "POST /token"}
	status, answer, err := p.ask("checkout", url.Values{})
	if err != nil {
		return p.failed(s, err)
	}
	s.Status, s.Reason = status, fmt.Sprint(answer["error"])
	s.OK = status == http.StatusBadRequest && s.Reason == "invalid_target"
	s.tell = fmt.Sprintf("a request that names no resource                             %d  %s", s.Status, s.Reason)
	return s
}

func (p *play) mintForAgent() step {
	s := step{Step: "agent_mint", Request: "POST /token resource=orchestrator"}
	token, err := p.fetch("assistant", "orchestrator")
	if err != nil {
		return p.failed(s, err)
	}
	p.agent, s.Status, s.OK = token, http.StatusOK, true
	s.tell = "an AI agent asks for a token for the orchestrator            200  aud " + p.world.doors["orchestrator"].audience.String()
	return s
}

func (p *play) orchestrator() step {
	s := p.knock("agent_accepted", "orchestrator", p.agent, http.StatusOK, 0)
	s.tell = fmt.Sprintf("it opens the orchestrator                                    %d", s.Status)
	return s
}

func (p *play) data() step {
	s := p.knock("agent_refused", "data", p.agent, http.StatusUnauthorized, narrowcast.AudienceMismatch)
	s.tell = fmt.Sprintf("the same bytes at the internal data service                  %d  %s", s.Status, s.Reason)
	return s
}

func (p *play) agentAsksForData() step {
	s := step{Step: "agent_no_edge", Request: "POST /token resource=data"}
	_, err := p.fetch("assistant", "data")
	var refused *client.Error
	if !errors.As(err, &refused) {
		return p.failed(s, fmt.Errorf("the agent got a token for data: %w", err))
	}
	s.Status, s.Reason = refused.Status, refused.Code
	s.OK = refused.Code == "invalid_target"
	s.tell = fmt.Sprintf("the agent asks for a token for data, and no rule lets it     %d  %s", s.Status, s.Reason)
	return s
}

// forged shows that noise is not taken for theft: one bit of the signature is
// flipped, so nothing that the token says counts.
func (p *play) forged() step {
	last := strings.LastIndexByte(p.token, '.') + 1
	flipped := byte('A')
	if p.token[last] == 'A' {
		flipped = 'B'
	}
	s := p.knock("forged", "data", p.token[:last]+string(flipped)+p.token[last+1:], http.StatusUnauthorized, narrowcast.SignatureInvalid)
	s.tell = fmt.Sprintf("a forged copy at data is noise, and no alarm                 %d  %s", s.Status, s.Reason)
	return s
}

func (p *play) where() step {
	s := step{Step: "where", Request: "narrowcast where -"}
	keys, err := archivedKeys(p.ctx, p.world.house.store)
	if err != nil {
		return p.failed(s, err)
	}
	for _, name := range services {
		if _, err := p.find(store.Query{Audience: p.world.doors[name].audience.String(), Types: []event.Type{event.VerifierSeen}}); err != nil {
			return p.failed(s, fmt.Errorf("%s: %w", name, err))
		}
	}
	room := &incident.Room{
		Book: p.world.house.store, Issuer: p.world.house.settings.Issuer, Keys: keys, Now: p.world.app.now,
	}
	for _, name := range services {
		r, _ := p.world.house.doors.Load().snapshot.Named(name)
		room.Doors = append(room.Doors, r)
	}
	a, err := room.Where(p.ctx, p.token)
	if err != nil {
		return p.failed(s, err)
	}
	var verdicts []string
	for _, f := range a.Doors {
		verdicts = append(verdicts, f.Name+" "+string(f.Verdict))
	}
	s.Reason, s.OK = strings.Join(verdicts, ", "), a.Confined && a.Genuine && a.Issued != nil && len(a.Showings) > 0
	s.tell = "the token leaks. Where could it have worked?  " + s.Reason
	return s
}

// expiry shows the end of a short life: one second, and a second of skew.
func (p *play) expiry() step {
	s := step{Step: "expired", Request: "GET payments"}
	status, answer, err := p.ask("checkout", url.Values{"resource": {p.world.doors["payments"].audience.String()}, "lifetime": {"1"}})
	token, _ := answer["access_token"].(string)
	if err != nil || status != http.StatusOK {
		return p.failed(s, fmt.Errorf("status %d, %v: %w", status, answer["error"], err))
	}
	for start := p.world.app.now(); p.world.app.now().Sub(start) < patience; {
		s = p.knock("expired", "payments", token, http.StatusUnauthorized, 0)
		if s.Status == http.StatusUnauthorized {
			break
		}
		select {
		case <-p.ctx.Done():
			return p.failed(s, p.ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	s = p.knock("expired", "payments", token, http.StatusUnauthorized, narrowcast.Expired)
	s.tell = fmt.Sprintf("a token that lives one second, after its end                 %d  %s", s.Status, s.Reason)
	return s
}
