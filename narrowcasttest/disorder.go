package narrowcasttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/internal/forge"
	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// disorder writes a token anew: the same content in another order, with a
// member that nobody knows, and its audience as a string or as a list.
func (i *Issuer) disorder(text string, key forge.Key) (string, error) {
	compact, err := jose.Split(text)
	if err != nil {
		return "", fmt.Errorf("taking a token apart: %w", err)
	}
	var header, payload map[string]json.RawMessage
	if err := json.Unmarshal([]byte(compact.Header), &header); err != nil {
		return "", fmt.Errorf("taking a token apart: %w", err)
	}
	if err := json.Unmarshal([]byte(compact.Payload), &payload); err != nil {
		return "", fmt.Errorf("taking a token apart: %w", err)
	}
	if i.mood.IntN(4) == 0 {
		payload["aud"] = slices.Concat(json.RawMessage("["), payload["aud"], json.RawMessage("]"))
	}
	payload["mood"] = json.RawMessage(`{"today":"rude"}`)
	input := jose.Join(i.shuffled(header), i.shuffled(payload))
	signature, err := jose.Sign(jose.Alg(key.Algorithm), key.Signer, input)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return jose.Seal(input, signature), nil
}

// shuffled writes an object with its members in any order. The names are sorted
// first, so that the order depends on the seed alone.
func (i *Issuer) shuffled(members map[string]json.RawMessage) string {
	names := slices.Sorted(maps.Keys(members))
	i.mood.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	var parts []string
	for _, name := range names {
		quoted, _ := json.Marshal(name)
		parts = append(parts, string(quoted)+":"+string(members[name]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
