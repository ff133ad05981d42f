package statuslist

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/internal/jose"
	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// maxTTL bounds how long an issuer may ask for a list to be kept.
const maxTTL = 24 * time.Hour

type header struct {
	alg jose.Alg
	kid narrowcast.KeyID
}

// readHeader reads the JOSE header. A header that brings its own key, or demands
// an extension, is refused (RFC 8725 section 3.10, RFC 7515 section 4.1.11).
func readHeader(text string) (h header, err error) {
	var alg, typ, kid string
	err = strictjson.Object(text, func(name string, v strictjson.Value) error {
		ok := true
		switch name {
		case "alg":
			alg, ok = v.Text()
		case "typ":
			typ, ok = v.Text()
		case "kid":
			kid, ok = v.Text()
		case "crit", "jwk", "jku", "x5u", "x5c":
			return fmt.Errorf("the header has the member %s", name)
		}
		if !ok {
			return errors.New("a member of the header is no string")
		}
		return nil
	})
	if err != nil {
		return h, err
	}
	if !isType(typ) {
		return h, errors.New("it is of another class than " + Type)
	}
	known, ok := jose.Known(alg)
	if !ok {
		return h, errors.New("the algorithm is not one of ours")
	}
	id, err := narrowcast.ParseKeyID(kid)
	return header{known, id}, err
}

// isType compares media types as RFC 7515 section 4.1.9 says.
func isType(typ string) bool {
	return strings.EqualFold(typ, Type) || strings.EqualFold(typ, MediaType)
}

func readPayload(text string) (*Token, error) {
	t := new(Token)
	issued, listed := false, false
	err := strictjson.Object(text, func(name string, v strictjson.Value) (err error) {
		ok := true
		switch name {
		case "sub":
			t.URI, ok = v.Text()
		case "iat":
			t.IssuedAt, issued = date(v)
			ok = issued
		case "exp":
			t.Expires, ok = date(v)
		case "ttl":
			t.TTL, ok = duration(v)
		case "status_list":
			listed = true
			err = t.readList(v)
		}
		if !ok {
			return fmt.Errorf("the claim %s has the wrong form", name)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case t.URI == "" || !issued || !listed:
		return nil, errors.New("one of the claims sub, iat and status_list is absent")
	}
	return t, nil
}

// readList reads the claim status_list (section 4.2 of the draft).
func (t *Token) readList(v strictjson.Value) error {
	var lst string
	bits := 0
	err := v.Object(func(name string, v strictjson.Value) error {
		ok := true
		switch name {
		case "bits":
			n, err := strconv.Atoi(v.Raw())
			bits, ok = n, err == nil && v.Kind() == strictjson.Number
		case "lst":
			lst, ok = v.Text()
		case "aggregation_uri":
			t.Aggregation, ok = v.Text()
		}
		if !ok {
			return fmt.Errorf("the member %s of status_list has the wrong form", name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.list, err = Decode(bits, lst)
	return err
}

func date(v strictjson.Value) (time.Time, bool) {
	seconds, ok := v.Date()
	return time.Unix(seconds, 0).UTC(), ok
}

// duration reads a positive number of seconds. What is longer than maxTTL is
// taken as maxTTL.
func duration(v strictjson.Value) (time.Duration, bool) {
	seconds, ok := v.Date()
	if !ok || seconds < 1 {
		return 0, false
	}
	return time.Duration(min(seconds, int64(maxTTL/time.Second))) * time.Second, true
}
