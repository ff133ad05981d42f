package narrowcast

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SetTerm adds one entry of Terms, or "class" and the name of a class.
func (t *TrustedIssuer) SetTerm(entry string) error {
	fields := strings.Split(entry, " ")
	values := make([]string, len(fields)-1)
	for i, field := range fields[1:] {
		v, err := unescapeTerm(field)
		if err != nil {
			return fmt.Errorf("term %s: %w", quote(fields[0]), err)
		}
		values[i] = v
	}
	if err := t.set(fields[0], values); err != nil {
		return fmt.Errorf("term %s: %w", quote(fields[0]), err)
	}
	return nil
}

var (
	errTermValues = errors.New("has too few or too many values")
	errTermTwice  = errors.New("stands twice")
)

func (t *TrustedIssuer) set(name string, values []string) error {
	d := &t.Dialect
	switch name {
	case "tenant":
		return setOnce(&t.Tenant, values)
	case "environment":
		return setOnce(&t.Environment, values)
	case "audience-claim":
		return setOnce(&d.AudienceClaim, values)
	case "tenant-claim":
		return setOnce(&d.TenantClaim, values)
	case "client-claim":
		return setOnce(&d.ClientClaim, values)
	case "scope-claim":
		return appendOne(&d.ScopeClaims, values, asText)
	case "type":
		return appendOne(&d.Types, values, asText)
	case "companion":
		return appendOne(&d.Companions, values, ParseAudience)
	case "ambient":
		return appendOne(&d.Ambient, values, ParseAudience)
	}
	return t.setRare(name, values)
}

func (t *TrustedIssuer) setRare(name string, values []string) (err error) {
	d := &t.Dialect
	wanted := map[string]int{"class": 1, "ambient-issuer": 0, "own-words": 0, "max-lifetime-seconds": 1, "client-audience": 2, "tenant-value": 2, "require": len(values)}
	n, known := wanted[name]
	switch {
	case !known:
		return errors.New("is not known")
	case len(values) != n || name == "require" && n == 0:
		return errTermValues
	}
	switch name {
	case "class":
		t.Class, err = ParseClass(values[0])
	case "ambient-issuer":
		d.IssuerIsAmbient = true
	case "own-words":
		d.OwnWords = true
	case "max-lifetime-seconds":
		var seconds uint64
		seconds, err = strconv.ParseUint(values[0], 10, 32)
		d.MaxLifetime = time.Duration(seconds) * time.Second
	case "client-audience":
		var a Audience
		if a, err = ParseAudience(values[1]); err == nil {
			err = setKey(&d.Clients, ClientID(values[0]), a)
		}
	case "tenant-value":
		err = setKey(&d.Tenants, values[0], values[1])
	case "require":
		d.Require = append(d.Require, RequiredClaim{values[0], slices.Clip(values[1:])})
	}
	return err
}

func asText(s string) (string, error) { return s, nil }

func setOnce(into *string, values []string) error {
	switch {
	case len(values) != 1 || values[0] == "":
		return errTermValues
	case *into != "":
		return errTermTwice
	}
	*into = values[0]
	return nil
}

func appendOne[T any](into *[]T, values []string, parse func(string) (T, error)) error {
	if len(values) != 1 {
		return errTermValues
	}
	v, err := parse(values[0])
	if err == nil {
		*into = append(*into, v)
	}
	return err
}

func setKey[K comparable, V any](into *map[K]V, key K, value V) error {
	if _, twice := (*into)[key]; twice {
		return errTermTwice
	}
	if *into == nil {
		*into = map[K]V{}
	}
	(*into)[key] = value
	return nil
}

func unescapeTerm(s string) (string, error) {
	switch s {
	case "":
		return "", errors.New("values are separated by one space")
	case "%":
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+3 > len(s) {
			return "", errors.New("a % is not followed by two hexadecimal digits")
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", errors.New("a % is not followed by two hexadecimal digits")
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), nil
}
