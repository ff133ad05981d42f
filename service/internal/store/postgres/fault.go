package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var errNoFlush = errors.New("the server is set to fsync=off: what it calls committed does not survive the loss of power")

// clean takes out of an error what pgx carries along and a log may show: the
// configuration with the password, and the values of rows. What remains is
// text, save for the end of ctx, which callers look for.
func clean(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var (
		connecting *pgconn.ConnectError
		parsing    *pgconn.ParseConfigError
		answer     *pgconn.PgError
	)
	switch {
	case errors.As(err, &parsing):
		err = errors.New("the address cannot be read")
	case errors.As(err, &connecting):
		err = errors.New(strings.ReplaceAll(connecting.Error(), "\n\t", " "))
	case errors.As(err, &answer):
		err = fmt.Errorf("the server says: %s (SQLSTATE %s)", answer.Message, answer.Code)
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

// transient reports whether an error can go away by itself: the server is not
// there, goes, comes, or was too busy. Whether the transaction was committed is
// not known after it.
func transient(err error) bool {
	var (
		answer      *pgconn.PgError
		certificate *tls.CertificateVerificationError
		connecting  *pgconn.ConnectError
	)
	switch {
	case err == nil || errors.As(err, &certificate):
		return false
	case errors.As(err, &answer):
		return transientCode(answer.Code)
	case errors.As(err, &connecting):
		return true
	}
	var broken *brokenError
	return errors.As(err, &broken)
}

// brokenError is an error after which the connection was gone.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// transientCode knows the conditions of PostgreSQL's appendix A.
func transientCode(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", // the server goes down, crashed, or comes up
		"57014", "55P03", "25P03", // a statement, a lock, a transaction took too long
		"40001", "40P01", // somebody else was first
		"53300", // too many connections
		"25006": // this server became the standby
		return true
	}
	return strings.HasPrefix(code, "08") // the connection
}

// How long to wait between attempts.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// backoff counts the pauses up.
type backoff struct{ next time.Duration }

// pause waits; it returns false when stop or ctx ended first.
func (b *backoff) pause(ctx context.Context, stop <-chan struct{}) bool {
	b.next = min(max(2*b.next, firstPause), lastPause)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	case <-ctx.Done():
		return false
	}
}
