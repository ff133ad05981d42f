package settings

import (
	"errors"
	"strings"

	"github.com/narrowcast-io/narrowcast"
	sy "github.com/narrowcast-io/narrowcast/service/internal/strictyaml"
)

// each reads a list without repetitions.
func each[T comparable](v sy.Value, high int, parse func(string) (T, error)) (all []T) {
	seen := map[T]bool{}
	v.List(1, high, func(v sy.Value) {
		one, ok := sy.Parsed(v, parse)
		switch {
		case ok && seen[one]:
			v.Fault("is listed twice")
		case ok:
			seen[one] = true
			all = append(all, one)
		}
	})
	return all
}

func requirements(v sy.Value) map[string][]string {
	all := map[string][]string{}
	v.Entries(32, func(key sy.Value, claim string, v sy.Value) {
		switch {
		case claim == "" || len(claim) > 256:
			key.Fault("is not the name of a claim")
		case v.IsList():
			all[claim] = each(v, 64, pinned)
		default:
			if value, ok := sy.Parsed(v, pinned); ok {
				all[claim] = []string{value}
			}
		}
	})
	return all
}

// pinned reads what a claim must say.
func pinned(s string) (string, error) {
	switch {
	case len(s) > 1024:
		return "", errors.New("is longer than 1024 bytes")
	case strings.Contains(s, "*"):
		return "", errors.New("wildcards are not allowed: claims are compared byte by byte")
	}
	return s, nil
}

func clientAudiences(v sy.Value) map[narrowcast.ClientID]narrowcast.Audience {
	all := map[narrowcast.ClientID]narrowcast.Audience{}
	v.Entries(64, func(key sy.Value, name string, v sy.Value) {
		client, err := narrowcast.ParseClientID(name)
		if err != nil {
			key.Fault("%v", err)
			return
		}
		if audience, ok := sy.Parsed(v, narrowcast.ParseAudience); ok {
			all[client] = audience
		}
	})
	return all
}
