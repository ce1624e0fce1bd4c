package db

import (
	"errors"

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
)

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
		// connection, resources, operator intervention
		return len(pg.Code) == 5 && (pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:3] == "57P")
	}
	var begin *notBegun
	var connect *pgconn.ConnectError
	return errors.Is(err, ErrBusy) || errors.As(err, &begin) || errors.As(err, &connect)
}

// retryable reports whether running the whole transaction again may help.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlockDetected) {
		return true
	}
	// A pooled connection may have died with the server that has since come
	// back. A server that answers with an error would only answer it again.
	var begin *notBegun
	return errors.As(err, &begin) && pg == nil
}
