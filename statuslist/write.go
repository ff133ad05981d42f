package statuslist

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Type is the typ of a Status List Token. No verifier of access tokens takes it,
// and Read takes no other.
const Type = "statuslist+jwt"

// MediaType is how a Status List Token is served (section 8.2 of the draft).
const MediaType = "application/" + Type

// Sealer signs a statement of the issuer under a typ. A *mint.Press is one.
type Sealer interface {
	Seal(typ string, payload []byte) (string, error)
}

// Letter is what a Status List Token says.
type Letter struct {
	URI         string        // required: where the list is to be had, as tokens write it
	List        *List         // required
	IssuedAt    time.Time     // required
	Lifetime    time.Duration // required, whole seconds: after it nobody believes the list
	TTL         time.Duration // required, whole seconds: after it a newer list should be fetched
	Aggregation string        // where all lists of the issuer are named; optional

	_ struct{}
}

func (l *Letter) check() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(l.URI != "", "URI is required")
	require(l.List != nil && l.List.Len() > 0, "List is required")
	require(!l.IssuedAt.IsZero(), "IssuedAt is required")
	require(l.Lifetime >= time.Second, "Lifetime must be a second or more")
	require(l.TTL >= time.Second, "TTL must be a second or more")
	return errors.Join(errs...)
}

// Write signs a Status List Token (section 5.1 of the draft).
func Write(s Sealer, l Letter) (string, error) {
	if s == nil {
		return "", errors.New("status list: writing: a Sealer is required")
	}
	if err := l.check(); err != nil {
		return "", fmt.Errorf("status list: writing: %w", err)
	}
	lst, err := l.List.Encode()
	if err != nil {
		return "", err
	}
	payload, err := text(claims{
		Subject: l.URI, IssuedAt: l.IssuedAt.Unix(), Expires: l.IssuedAt.Unix() + int64(l.Lifetime/time.Second), TTL: int64(l.TTL / time.Second),
		List: packedList{Bits: l.List.Bits(), List: lst, Aggregation: l.Aggregation},
	})
	if err != nil {
		return "", err
	}
	sealed, err := s.Seal(Type, []byte(payload))
	if err != nil {
		return "", fmt.Errorf("status list: signing: %w", err)
	}
	return sealed, nil
}

type claims struct {
	Subject  string     `json:"sub"`
	IssuedAt int64      `json:"iat"`
	Expires  int64      `json:"exp"`
	TTL      int64      `json:"ttl"`
	List     packedList `json:"status_list"`
}

type packedList struct {
	Bits        int    `json:"bits"`
	List        string `json:"lst"`
	Aggregation string `json:"aggregation_uri,omitempty"`
}

// text is the JSON of v, with &, < and > as they are.
func text(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("status list: writing: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
