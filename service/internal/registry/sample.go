package registry

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"text/template"

	"github.com/narrowcast-io/narrowcast"
)

//go:embed schema/registry.schema.json
var schemaFiles embed.FS

//go:embed sample/resources.yaml sample/clients.yaml
var sampleFiles embed.FS

// Schema returns the JSON Schema of registry files, for editors. The loader
// decides; the schema helps while typing.
func Schema() []byte {
	text, _ := schemaFiles.ReadFile("schema/registry.schema.json") // embedded
	return text
}

// SampleClients are the clients of the sample registry. [Sample] needs the
// public key set of each.
func SampleClients() []narrowcast.ClientID {
	return []narrowcast.ClientID{"admin", "assistant", "checkout", "orchestrator-service", "guard-payments", "guard-profiles", "guard-orchestrator", "guard-data"}
}

// Sample returns the files of a registry to begin with, by their names: four
// resources, who calls them and who guards them. Keys holds the public key set
// (RFC 7517 section 5, JSON) of every client of SampleClients.
func Sample(issuer narrowcast.Issuer, keys map[narrowcast.ClientID][]byte) (map[string][]byte, error) {
	var errs []error
	if issuer.IsZero() {
		errs = append(errs, errors.New("an issuer is required"))
	}
	files := map[string][]byte{}
	for _, client := range SampleClients() {
		if len(keys[client]) == 0 {
			errs = append(errs, fmt.Errorf("the key set of client %s is required", client))
		}
		files["keys/"+string(client)+".json"] = keys[client]
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("sample registry: %w", err)
	}
	for _, name := range []string{"resources.yaml", "clients.yaml"} {
		t, err := template.ParseFS(sampleFiles, "sample/"+name)
		if err != nil {
			return nil, fmt.Errorf("sample registry: %w", err)
		}
		var text bytes.Buffer
		if err := t.Execute(&text, struct{ Issuer string }{issuer.String()}); err != nil {
			return nil, fmt.Errorf("sample registry: %w", err)
		}
		files[name] = text.Bytes()
	}
	return files, nil
}
