package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/client"
	"github.com/narrowcast-io/narrowcast/service/internal/revocation"
)

// exchange: who is meant by a token may have another one in its name, for the
// next door.
func (p *play) exchange() step {
	s := step{Step: "exchange", Request: "POST /token subject_token=… resource=data"}
	token, err := p.trade("orchestrator-service")
	if err != nil {
		return p.failed(s, err)
	}
	claimed, err := narrowcast.Inspect(token)
	if err != nil {
		return p.failed(s, err)
	}
	p.handed, s.Status = token, http.StatusOK
	s.OK = claimed.Subject == "assistant" && len(claimed.Actors) == 1 && claimed.Actors[0] == "orchestrator-service"
	s.tell = "the orchestrator exchanges the agent's token for data        200  sub " + claimed.Subject + ", act orchestrator-service"
	return s
}

// trade exchanges the agent's token as a client.
func (p *play) trade(who string) (string, error) {
	c, err := p.world.read(who)
	if err != nil {
		return "", err
	}
	source, err := tokenSource(c, p.world.app.now)
	if err != nil {
		return "", err
	}
	token, err := source.Exchange(p.ctx, p.agent, p.world.doors["data"].audience, narrowcast.Scope{})
	return token.Secret(), err
}

func (p *play) dataInItsName() step {
	s := p.knock("exchanged_accepted", "data", p.handed, http.StatusOK, 0)
	s.tell = fmt.Sprintf("and opens data with it, in the agent's name                  %d", s.Status)
	return s
}

// stranger: a token that somebody finds is of no use for an exchange either.
func (p *play) stranger() step {
	s := step{Step: "exchange_refused", Request: "POST /token subject_token=…"}
	_, err := p.trade("checkout")
	var refused *client.Error
	if !errors.As(err, &refused) {
		return p.failed(s, fmt.Errorf("a stranger exchanged the token: %w", err))
	}
	s.Status, s.Reason, s.OK = refused.Status, refused.Code, refused.Code == "invalid_grant"
	s.tell = fmt.Sprintf("checkout, who was not meant by it, tries the same            %d  %s", s.Status, s.Reason)
	return s
}

// revoke calls the agent's token back, and waits until both guards refuse.
func (p *play) revoke() step {
	s := step{Step: "revoke", Request: "narrowcast revoke -"}
	desk, started := p.world.house.death.desk, p.world.app.now()
	answer, err := desk.Revoke(p.ctx, revocation.Request{
		Kind: revocation.OfFingerprint, ID: narrowcast.FingerprintOf(p.agent).String(), Reason: "demo", By: "demo",
	})
	if err != nil {
		return p.failed(s, err)
	}
	var c revocation.Confirmation
	for p.world.app.now().Sub(started) < patience {
		if c, err = desk.Confirmations(p.ctx, answer.Number()); err != nil || c.Done {
			break
		}
		select {
		case <-p.ctx.Done():
			return p.failed(s, p.ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err != nil {
		return p.failed(s, err)
	}
	s.Reason = fmt.Sprintf("%d tokens, confirmed by %d of %d verifiers", answer.Tokens, c.Confirmed, c.Of)
	s.OK = answer.Tokens == 2 && c.Of == 2 && c.Confirmed == 2
	s.tell = "the agent's token is called back, and what came from it: " + s.Reason
	return s
}

func (p *play) dead() step {
	s := p.knock("revoked", "orchestrator", p.agent, http.StatusUnauthorized, narrowcast.Revoked)
	if s.OK {
		s = p.knock("revoked", "data", p.handed, http.StatusUnauthorized, narrowcast.Revoked)
	}
	s.tell = fmt.Sprintf("both are refused at their own doors                          %d  %s", s.Status, s.Reason)
	return s
}
