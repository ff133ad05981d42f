// Package spiffe finds out which workload of a SPIFFE trust domain is calling.
// It verifies X.509-SVIDs, and brings the keys and authorities of a domain from
// a bundle document, a file, a bundle endpoint or the Workload API.
//
// What is brought belongs to one trust domain each. Bundles are never joined:
// an authority of one domain must not vouch for another (SPIFFE Trust Domain
// and Bundle section 6.2).
package spiffe

import (
	"errors"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// ErrRefused is wrapped when a certificate or a document was looked at and is
// not good.
var ErrRefused = errors.New("refused")

// ErrUnavailable is wrapped when it could not be found out now.
var ErrUnavailable = fetch.ErrUnavailable
