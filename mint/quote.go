package mint

import "encoding/json"

// quoted writes a JSON string. Nearly all values are plain ASCII and need no
// escape.
func quoted(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return escaped(s)
		}
	}
	return `"` + s + `"`
}

func escaped(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
