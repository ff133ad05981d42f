package guard

import "strings"

// maxAudiences is how many received audiences an event repeats.
const maxAudiences = 6

// clip cuts a text that a stranger may have chosen to a number of bytes as they
// will stand in JSON, and removes what looks like a token.
func clip(s string, limit int) string {
	s = redact(s)
	size := 0
	for i := 0; i < len(s); i++ {
		size += encodedSize(s[i])
		if size > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// encodedSize is what a byte takes in JSON at most.
func encodedSize(c byte) int {
	if c < 0x20 || c >= 0x7f || strings.IndexByte(`"\<>&`, c) >= 0 {
		return 6
	}
	return 1
}

func clipAll(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	clipped := make([]string, 0, min(len(list), maxAudiences))
	for _, s := range list[:min(len(list), maxAudiences)] {
		clipped = append(clipped, clip(s, 512))
	}
	return clipped
}
