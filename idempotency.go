package shortbreaks

import "github.com/google/uuid"

// Idem makes a request take effect once. The use case stores the rendered
// answer in the transaction that did the work; the same caller with the same
// key, operation and body gets the same bytes back (T03), with another body
// or operation a refusal (T04). Kept 72 hours.
type Idem struct {
	Caller    uuid.UUID // the person; nobody else is ever given the answer
	Operation string    // operation id of the contract
	Key       string    // Idempotency-Key header, 1 to 255 characters
	Hash      []byte    // SHA-256 of the request body
	// Render turns the use case's result into the bytes answered. It is pure
	// and is called inside the transaction.
	Render func(result any) (status int, body []byte, err error)
}

// Reply is an answer as stored.
type Reply struct {
	Status   int
	Body     []byte
	Replayed bool // true if an earlier request did the work
}

// The refusals of a repeated key.
var (
	ErrKeyReused     = NewError(Invalid, "idempotency-key-reused", "This Idempotency-Key was used for a different request")
	ErrStillRunning  = NewError(Conflict, "request-in-progress", "The first request with this Idempotency-Key is still running")
	ErrKeyIsRequired = NewError(Malformed, "idempotency-key-required", "This request needs an Idempotency-Key header")
)
