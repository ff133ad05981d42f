package client

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
)

// errNotDetailed: without its details a token would open for more than was asked.
var errNotDetailed = errors.New("the answer does not grant the authorization details that were asked for, and no others")

// checkDetails demands that the issuer says which details it granted (RFC 9396
// section 7), and that each of them is one that was asked for. An issuer that does
// not know the parameter ignores it, and its token has no limit. The issuer may add
// members and say where: that narrows.
func (m object) checkDetails(asked string) error {
	if asked == "" {
		return nil
	}
	var wanted, granted []map[string]any
	if json.Unmarshal([]byte(asked), &wanted) != nil {
		return errors.New("the authorization details that were asked for are no JSON array of objects")
	}
	if json.Unmarshal(m["authorization_details"], &granted) != nil || len(granted) == 0 {
		return errNotDetailed
	}
	for _, one := range granted {
		if !slices.ContainsFunc(wanted, func(w map[string]any) bool { return repeats(one, w) }) {
			return errNotDetailed
		}
	}
	return nil
}

// repeats reports whether a granted detail says all that was asked. Locations are
// left out: the token is for one resource in any case, and it may be written in
// another way.
func repeats(granted, asked map[string]any) bool {
	for name, value := range asked {
		if name != "locations" && !reflect.DeepEqual(granted[name], value) {
			return false
		}
	}
	return true
}
