package statuslist

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// MaxAggregation bounds an aggregation in bytes.
const MaxAggregation = 1 << 20

// MarshalAggregation writes the document that names all lists of an issuer
// (section 9 of the draft). It is served as application/json.
func MarshalAggregation(lists []string) ([]byte, error) {
	if lists == nil {
		lists = []string{}
	}
	return json.Marshal(struct {
		Lists []string `json:"status_lists"`
	}{lists})
}

// ParseAggregation reads that document. It returns the addresses as they stand
// there: whether to believe them is for the caller.
func ParseAggregation(text string) ([]string, error) {
	if len(text) > MaxAggregation {
		return nil, fmt.Errorf("status list aggregation: longer than %d bytes", MaxAggregation)
	}
	var lists []string
	found := false
	err := strictjson.Object(text, func(name string, v strictjson.Value) error {
		if name != "status_lists" {
			return nil
		}
		found = true
		return v.Elements(func(e strictjson.Value) error {
			uri, ok := e.Text()
			if !ok {
				return errors.New("an address is no string")
			}
			lists = append(lists, uri)
			return nil
		})
	})
	if err == nil && !found {
		err = errors.New(`there is no member "status_lists"`)
	}
	if err != nil {
		return nil, fmt.Errorf("status list aggregation: %w", err)
	}
	return lists, nil
}
