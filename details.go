package narrowcast

import (
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// maxDetailsBytes bounds the text of authorization_details, which travels in the
// token with every request.
const maxDetailsBytes = 8 << 10

// Detail is what is read of one authorization detail (RFC 9396 section 2).
type Detail struct {
	Type string
	// Locations are the resources that a [RequestDetail] is for. They are not read
	// from details of other types.
	Locations []string
}

// ParseDetails reads the value of authorization_details as a verifier will: a JSON
// array of 1 to 16 objects, each with a type, and those of the type RequestDetail
// complete and with no member besides.
func ParseDetails(text string) ([]Detail, error) {
	if len(text) > maxDetailsBytes {
		return nil, fmt.Errorf("authorization details: longer than %d bytes", maxDetailsBytes)
	}
	const name = "authorization_details"
	var value strictjson.Value
	members := 0
	// Inside an object, because that is where the text will stand. A second member
	// would be one that the text has slipped in.
	err := strictjson.Object(`{"`+name+`":`+text+`}`, func(_ string, v strictjson.Value) error {
		members++
		value = v
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("authorization details: %w", err)
	}
	requests, ok := readDetails(value)
	if members != 1 || !ok {
		return nil, errors.New("authorization details: must be an array of 1 to 16 objects, each with a type and " + RequestDetail + " complete")
	}
	var all []Detail
	_ = value.Elements(func(e strictjson.Value) error { // it was walked before and cannot fail
		d := Detail{Type: detailType(e)}
		if d.Type == RequestDetail {
			d.Locations, requests = requests[0].locations, requests[1:]
		}
		all = append(all, d)
		return nil
	})
	return all, nil
}
