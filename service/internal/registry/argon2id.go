package registry

import (
	"encoding/base64"
	"regexp"
	"strconv"

	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// Bounds on the parameters of argon2id: below is weak, above lets one request
// occupy the issuer.
const (
	minMemory, maxMemory = 19 << 10, 256 << 10 // KiB
	minPasses, maxPasses = 2, 16
	maxLanes             = 8
	minSalt, maxSalt     = 16, 64
	minSum, maxSum       = 32, 64
)

// checkArgon2id checks a hash in the PHC string format. It never shows it: what
// stands in its place may be the secret itself.
func checkArgon2id(v sy.Value, text string) {
	form := regexp.MustCompile(`^\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]?),p=([1-9][0-9]?)\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$`)
	part := form.FindStringSubmatch(text)
	if part == nil {
		v.Fault("must be an argon2id hash, $argon2id$v=19$m=…,t=…,p=…$salt$hash; never the secret itself")
		return
	}
	within := func(what, text string, low, high int) {
		if n, err := strconv.Atoi(text); err != nil || n < low || n > high {
			v.Fault("the hash has %s=%s; allowed are %d to %d", what, text, low, high)
		}
	}
	within("m", part[1], minMemory, maxMemory)
	within("t", part[2], minPasses, maxPasses)
	within("p", part[3], 1, maxLanes)
	length := func(what, text string, low, high int) {
		raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
		if err != nil || len(raw) < low || len(raw) > high {
			v.Fault("the %s must have %d to %d bytes in base64 without padding", what, low, high)
		}
	}
	length("salt", part[4], minSalt, maxSalt)
	length("hash", part[5], minSum, maxSum)
}
