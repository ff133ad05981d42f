package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/settings"
)

// destination is where a copy goes, as it was typed.
type destination struct{ place, passwordFile, schema string }

// settingsLines are the lines of the settings file that name the copy. Paths
// are absolute, because those of a settings file begin at its directory.
func (d destination) settingsLines() (string, error) {
	if d.place == "" {
		return "", errors.New("--to is required: postgres://USER@HOST/DATABASE, or sqlite:PATH")
	}
	if file, ok := strings.CutPrefix(d.place, "sqlite:"); ok {
		path, err := filepath.Abs(file)
		if err == nil && (file == "" || d.passwordFile != "") {
			err = errors.New("--to sqlite: needs a path, and no --password-file")
		}
		return "database: " + strconv.Quote(path) + "\n", err
	}
	lines := "postgres:\n  url: " + strconv.Quote(d.place) + "\n  schema: " + strconv.Quote(d.schema) + "\n"
	if d.passwordFile == "" {
		return lines, nil
	}
	path, err := filepath.Abs(d.passwordFile)
	return lines + "  password_file: " + strconv.Quote(path) + "\n", err
}

// storeSettings reads the lines as the issuer will, so that what is printed at
// the end is known to be good.
func storeSettings(from settings.Issuer, lines string) (settings.Issuer, error) {
	here, err := os.Getwd()
	if err != nil {
		return settings.Issuer{}, err
	}
	text := lines + "issuer: " + from.Issuer.String() + "\nmaster_key_file: " + masterKeyFile + "\n"
	s, err := settings.ParseIssuer(filepath.Join(here, "flags"), []byte(text))
	if err != nil {
		return s, fmt.Errorf("the flags, written as settings, are wrong:\n%w", err)
	}
	return s, nil
}
