package federation

import (
	"errors"
	"fmt"

	"github.com/narrowcast-io/narrowcast"
)

// ParseSPIFFEID reads the SPIFFE ID of a workload: one with a path. It must fit
// into the sub of a token, so it has 256 bytes at most, where the standard allows
// 2048.
func ParseSPIFFEID(text string) (narrowcast.SPIFFEID, error) {
	id, err := narrowcast.ParseSPIFFEID(text)
	switch {
	case err != nil:
		// The error around this one repeats the text, which may be a secret in the
		// wrong place.
		return narrowcast.SPIFFEID{}, fmt.Errorf("SPIFFE ID: %w", errors.Unwrap(err))
	case len(text) > maxSubject:
		return narrowcast.SPIFFEID{}, errors.New("SPIFFE ID: is longer than 256 bytes, so it cannot be a subject")
	case id.Path() == "":
		return narrowcast.SPIFFEID{}, errors.New("SPIFFE ID: names a trust domain and no workload; a path is required")
	}
	return id, nil
}
