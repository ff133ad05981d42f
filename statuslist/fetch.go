package statuslist

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// get fetches one document of bounded size and follows no redirect.
func (f *Follower) get(ctx context.Context, address, accept string, most int64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("fetching a status list: %w", err)
	}
	request.Header.Set("Accept", accept)
	answer, err := f.config.Client.Do(request)
	if err != nil {
		return "", fmt.Errorf("fetching a status list: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetching %s: status %d", address, answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("fetching %s: %w", address, err)
	case int64(len(body)) > most:
		return "", fmt.Errorf("fetching %s: longer than %d bytes", address, most)
	}
	return string(body), nil
}
