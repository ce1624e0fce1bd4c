package db

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"shortbreaks"
)

// ErrBusy is given when no connection came free in time.
var ErrBusy = shortbreaks.NewError(shortbreaks.Unavailable, "busy", "The service is busy. Nothing was done; try again shortly")

// notBegun marks a failure from before the caller's function ran: nothing was
// done, so it is safe to begin again on another connection.
type notBegun struct{ err error }

// Error is that of the cause.
func (e *notBegun) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *notBegun) Unwrap() error { return e.err }

// SQLSTATE codes this package decides on.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"

	connectionException   = "08"  // classes
	insufficientResources = "53"  // such as too many connections
	operatorIntervention  = "57P" // stopping, starting
)

// foundDead reports whether err shows that a connection of the pool was dead.
func foundDead(err error) bool {
	var begin *notBegun
	var connect *pgconn.ConnectError
	return errors.As(err, &begin) && !errors.As(err, &connect)
}

// ConstraintName is the name of the constraint a failed statement broke, or
// "". It is the only way to tell one from another: never the text.
func ConstraintName(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName
	}
	return ""
}

// Unavailable reports whether err is the database being overloaded, starting,
// stopping or out of reach (503, try again later) rather than our mistake.
func Unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case serializationFailure, deadlockDetected, lockNotAvailable, queryCanceled:
			return true
		}
		return strings.HasPrefix(pg.Code, connectionException) ||
			strings.HasPrefix(pg.Code, insufficientResources) ||
			strings.HasPrefix(pg.Code, operatorIntervention)
	}
	var begin *notBegun
	var lost net.Error
	return errors.Is(err, ErrBusy) || errors.As(err, &begin) || errors.As(err, &lost) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed)
}

// retryable reports whether running the whole transaction again may help.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlockDetected) {
		return true
	}
	// A pooled connection may have died with a server that has since come
	// back, or is about to. Any other answer would only be given again.
	var begin *notBegun
	return errors.As(err, &begin) && (pg == nil || strings.HasPrefix(pg.Code, operatorIntervention))
}
