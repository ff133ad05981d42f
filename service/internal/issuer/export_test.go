package issuer

import "github.com/narrowcast-io/narrowcast"

// Details reads and settles the parameter authorization_details.
func Details(text string, audience narrowcast.Audience) (string, error) {
	all, err := readDetails(text)
	if err != nil {
		return "", err
	}
	return settle(all, audience)
}
